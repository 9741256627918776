package evidence

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
)

// table is what spreadsheet and print show alike. Amounts are texts: neither makes a float of them.
type table struct {
	name   string
	head   []string
	wide   []int // of the columns, in letters
	rows   [][]string
	always bool // print the head even without rows
}

// tables are those of a case, after its summary.
func tables(c cases.Case, w words) []table {
	lines := table{name: w.lines, head: w.lineHead, wide: []int{4, 6, 5, 13, 26, 8, 10, 12, 12, 12, 11, 24}, always: true}
	for _, l := range c.Lines {
		lines.rows = append(lines.rows, []string{strconv.Itoa(l.Sequence), l.Table, l.STT, l.Code, l.Name, l.Quantity, l.UnitPrice, l.Submitted,
			l.Requested, l.Paid, l.Reduced, strings.TrimSpace(l.Reason + " " + l.ReasonText)})
	}
	versions := table{name: w.versions, head: w.versionHead, wide: []int{8, 26, 17, 14, 24, 70}, always: true}
	for _, v := range c.Versions {
		row := func(code, field, why string) {
			versions.rows = append(versions.rows, []string{strconv.FormatUint(v.Version, 10), w.stateOf(v.State, v.Assessment), clock(v.Since), code, field, why})
		}
		for _, f := range v.Findings {
			row(f.Code, f.Path, f.In(w.lang))
		}
		switch {
		case len(v.Findings) > 0: // the reason is the first of them
		case v.Reason != nil:
			row(v.Reason.Code, v.Reason.Path, v.Reason.In(w.lang))
		default:
			row("", "", "")
		}
		if d := v.Decided; d != nil {
			row(string(d.Decision), "", d.By+": "+d.Reason)
		}
	}
	attempts := table{name: w.attempts, head: w.attemptHead, wide: []int{8, 6, 17, 17, 14, 9, 20, 34, 34}, always: true}
	for _, v := range c.Versions {
		for _, a := range v.Attempts {
			attempts.rows = append(attempts.rows, []string{strconv.FormatUint(v.Version, 10), strconv.Itoa(a.N), clock(a.Started), clock(a.Ended),
				w.stateOf(a.Outcome, ""), a.MaKetQua, a.MaGiaoDich, a.FileSHA256, a.ReplySHA256})
		}
	}
	cited := table{name: w.cited, head: w.citedHead, wide: []int{60, 10, 40}}
	for _, r := range c.Cited {
		version := ""
		if r.Version > 0 {
			version = strconv.FormatUint(r.Version, 10)
		}
		cited.rows = append(cited.rows, []string{r.Reference, version, r.Path})
	}
	issues := table{name: w.issues, head: w.issueHead, wide: []int{16, 10, 22, 50, 40}}
	for _, i := range c.Issues {
		issues.rows = append(issues.rows, []string{i.Code, i.Status, i.Identified, i.Detail, i.Action})
	}
	reviews := table{name: w.reviews, head: w.reviewHead, wide: []int{22, 24, 20, 70}}
	for _, r := range c.Reviews {
		reviews.rows = append(reviews.rows, []string{w.outcomeOf(r.Outcome), r.Who, clock(r.At), r.Note})
	}
	return []table{lines, versions, attempts, cited, issues, reviews}
}

// summary are the facts of a case, by name.
func summary(c cases.Case, w words) [][2]string {
	state := w.stateOf(c.State, c.Assessment)
	if c.Reason != nil {
		state += ": " + c.Reason.In(w.lang)
	}
	return [][2]string{
		{w.claim, c.Claim + "/_history/" + strconv.FormatUint(c.Version, 10)}, {w.facility, c.MaCSKCB}, {w.episode, c.MaLK}, {w.state, state}, {w.since, clock(c.Since)},
		{w.discharged, c.Discharged}, {w.submitted, c.Submitted}, {w.requested, c.Requested}, {w.paid, c.Paid}, {w.reduced, c.Reduced},
		{w.receipt, c.MaGiaoDich}, {w.decision, c.Disposition},
	}
}
