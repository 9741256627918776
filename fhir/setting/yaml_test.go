package setting

import (
	"strings"
	"testing"
)

type shape struct {
	Name  string
	Cards []map[string]string
	Plans map[string]struct{ Rate int }
}

func TestParseYAML(t *testing.T) {
	var s shape
	if err := ParseYAML([]byte("name: a\ncards: [{x: y}]\nplans: {p: {rate: 3}}"), &s); err != nil || s.Name != "a" || s.Cards[0]["x"] != "y" || s.Plans["p"].Rate != 3 {
		t.Fatal(s, err)
	}
	for _, empty := range []string{"", "\n", "# nothing\n"} {
		if err := ParseYAML([]byte(empty), &shape{}); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
	if err := ParseYAML([]byte(`{"name": "a"}`), &s); err != nil {
		t.Error("JSON:", err)
	}
	for bad, says := range map[string]string{
		"name: a\nnam: secret":         "[2:1] unknown field",
		"plans: {p: {rate: secret}}":   "[1:",
		"name: [secret":                "[1:",
		"cards: !000000000 00":         "no YAML",
		"name: a\n\tcards: secret":     "[",
		"name: a\nname: secret":        "[2:1]",
		"cards:\n- {x: y}\n- secret\n": "[3:",
	} {
		err := ParseYAML([]byte(bad), &shape{})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzParseYAML: no file makes it panic, and none that is refused is told of by its content.
func FuzzParseYAML(f *testing.F) {
	f.Add([]byte("name: a\ncards: [{x: y}]\nplans: {p: {rate: 3}}"))
	f.Add([]byte("cards: !00000000000000000000 00"))
	f.Add([]byte("plans: &a {p: {rate: 3}}\ncards: *a"))
	f.Fuzz(func(t *testing.T, file []byte) { ParseYAML(file, &shape{}) })
}
