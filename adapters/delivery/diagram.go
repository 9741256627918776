package delivery

import (
	"fmt"
	"strings"

	"github.com/lienthong/lienthong/fhir/outcome"
)

//go:generate go run ./gen -page ../../docs/claims.md

// Marks between which a page has the Diagram.
const (
	DiagramBegin = "<!-- states: written by go generate ./adapters/delivery -->"
	DiagramEnd   = "<!-- end of states -->"
)

// Diagram is the table of states and transitions as Markdown: a drawing (Mermaid, which GitHub and GitLab show) and the states
// with what a reader of the Task sees.
//
// Source of the notation: https://mermaid.js.org/syntax/stateDiagram.html
func Diagram() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> draft\n")
	for _, t := range Transitions {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, strings.ReplaceAll(t.EN, ":", ","))
	}
	b.WriteString("    state assessed {\n")
	for _, a := range Assessments {
		fmt.Fprintf(&b, "        %s\n", a)
	}
	b.WriteString("    }\n    settled --> [*]\n    withdrawn --> [*]\n```\n\n")
	b.WriteString("| state (`Task.businessStatus`) | tiếng Việt | `Task.status` | becomes |\n|---|---|---|---|\n")
	for _, s := range States {
		var ways []string
		for _, t := range Transitions {
			if t.From == s {
				ways = append(ways, fmt.Sprintf("*%s*: %s", t.To, t.EN))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s, s.In(outcome.Vietnamese), taskStatus[s], strings.Join(ways, "; "))
	}
	b.WriteString("\nA claim that is *assessed* or *settled* has a second code: ")
	for i, a := range Assessments {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "*%s* (%s)", a, a.In(outcome.Vietnamese))
	}
	b.WriteString(".\n")
	return b.String()
}
