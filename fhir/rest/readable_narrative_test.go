package rest

import (
	"fmt"
	"strings"
	"testing"
)

// shown is what a page would show of a narrative: paragraphs, and tables with | and /.
func shown(blocks []narrativeBlock) string {
	var out []string
	for _, b := range blocks {
		if b.Table == nil {
			out = append(out, b.Text)
			continue
		}
		rows := []string{"[" + strings.Join(b.Table.Columns, "|") + "]"}
		for _, r := range b.Table.Rows {
			var cells []string
			for _, c := range r {
				cells = append(cells, c[0].Text)
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		out = append(out, strings.Join(rows, "/"))
	}
	return fmt.Sprint(strings.Join(out, "\n"))
}

func TestANarrativeIsReadAsText(t *testing.T) {
	for div, want := range map[string]string{
		"": "",
		`<div xmlns="http://www.w3.org/1999/xhtml"><p>Không có thông tin.</p></div>`:                                              "Không có thông tin.",
		"<div>one<br/>two <b>three</b><p>four&nbsp;&lt;b&gt;</p>five</div>":                                                       "one\ntwo three\nfour <b>\nfive",
		"<div><ul><li>a</li><li>b</li></ul></div>":                                                                                "a\nb",
		"<div>before<table><thead><tr><th>Ngày</th><th>Lô</th></tr></thead><tr><td>1</td><td> x  y </td></tr></table>after</div>": "before\n[Ngày|Lô]/1|x y\nafter",
		"<div><table><tr><td>a</td></tr><tr><th>b</th><td>c</td></tr></table></div>":                                              "[]/a/b|c",
		"<div><table><tr><th>h</th></tr><tr><th>again</th></tr></table><table></table></div>":                                     "[h]/again",
		"<div><p>kept</p><p>cut <b>off":                                                                                           "kept\ncut off",
		"<div><p>a</p></b><p>never</p></div>":                                                                                     "a",
		"no markup":                                                                                                               "no markup",
		"<div><script>alert(1)</script><img src='x' onerror='y'/>z</div>":                                                         "alert(1)z",
	} {
		if got := shown(narrative(div)); got != want {
			t.Errorf("%s:\n%q, want\n%q", div, got, want)
		}
	}
}

// Whatever a narrative holds, reading it ends, and gives no more text than there was.
func FuzzNarrative(f *testing.F) {
	f.Add("<div><table><tr><td><table><tr><td>x</td></tr></table></td></tr></table></div>")
	f.Add("<tr><td>a</td></tr></table><th>")
	f.Add("<div>&nbsp;&#65;<![CDATA[<p>]]><!-- c --></div>")
	f.Fuzz(func(t *testing.T, div string) {
		if got := shown(narrative(div)); len(got) > 4*len(div)+8 {
			t.Errorf("%q from %q", got, div)
		}
	})
}
