package search

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// The language of _filter, as https://hl7.org/fhir/R4/search_filter.html has it:
//
//	filter  = test | filter ("and" | "or") filter | "not"? "(" filter ")"
//	test    = path operator value
//	path    = name [":" Type] (("[" filter "]")? "." path)?      a chain over references; [filter] holds on its way
//	value   = JSON string | text up to a space, ")" or "]"
//
// "and" and "or" have no precedence: they are read from left to right.

// filterNode is an expression: Op "and" or "or" with Of, "not" with one Of, or else a test.
type filterNode struct {
	op    string
	of    []*filterNode
	path  []filterStep
	value string
}

// filterStep is one name of a path.
type filterStep struct {
	name   string
	of     string      // type after ":", "" if none
	inside *filterNode // what [filter] asks of the resource that the step leads to
}

const (
	maxFilter      = 8000 // bytes of an expression
	maxFilterDepth = 20   // parentheses and brackets within each other
)

var filterOperators = []string{"ap", "co", "eb", "eq", "ew", "ge", "gt", "in", "le", "lt", "ne", "ni", "po", "pr", "re", "sa", "sb", "ss", "sw"}

// parseFilter reads an expression. Errors have code search-filter-syntax: where, and what was expected.
func parseFilter(s string) (*filterNode, error) {
	if len(s) > maxFilter {
		return nil, fhir.Errorf(fhir.TooCostly, "search-limit", "", "_filter", "length", maxFilter)
	}
	p := filterParser{text: s}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(s) {
		return nil, p.expected("and, or")
	}
	return n, nil
}

type filterParser struct {
	text  string
	at    int
	depth int
}

func (p *filterParser) expected(what string) error {
	return fhir.Errorf(fhir.Invalid, "search-filter-syntax", "", clip(p.text[p.at:]), p.at+1, what)
}

func (p *filterParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// cut takes a character, after spaces.
func (p *filterParser) cut(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word takes letters; at is left alone if they are none of the words.
func (p *filterParser) word(words ...string) string {
	p.space()
	end := p.at
	for end < len(p.text) && letter(p.text[end]) {
		end++
	}
	if w := p.text[p.at:end]; slices.Contains(words, w) {
		p.at = end
		return w
	}
	return ""
}

func (p *filterParser) expression() (*filterNode, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, fhir.Errorf(fhir.TooCostly, "search-limit", "", "_filter", "depth", maxFilterDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil {
		op := p.word("and", "or")
		if op == "" {
			return left, nil
		}
		var right *filterNode
		if right, err = p.operand(); err != nil {
			break
		}
		if left.op == op {
			left.of = append(left.of, right)
		} else {
			left = &filterNode{op: op, of: []*filterNode{left, right}}
		}
	}
	return nil, err
}

// operand reads a test, or an expression in parentheses with "not" before it or without.
func (p *filterParser) operand() (*filterNode, error) {
	start := p.at
	not := p.word("not") != ""
	if !p.cut('(') {
		if p.at = start; not {
			p.word("not")
			return nil, p.expected("(")
		}
		return p.test()
	}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.cut(')') {
		return nil, p.expected("), and, or")
	}
	if not {
		return &filterNode{op: "not", of: []*filterNode{n}}, nil
	}
	return &filterNode{op: "and", of: []*filterNode{n}}, nil // its own node: what follows must not join in
}

func (p *filterParser) test() (*filterNode, error) {
	n := &filterNode{}
	for {
		step, err := p.step()
		if err != nil {
			return nil, err
		}
		n.path = append(n.path, step)
		if p.at < len(p.text) && p.text[p.at] == '.' {
			p.at++
			continue
		}
		if step.inside != nil {
			return nil, p.expected(".")
		}
		break
	}
	if n.op = p.word(filterOperators...); n.op == "" {
		return nil, p.expected(strings.Join(filterOperators, ", "))
	}
	var err error
	n.value, err = p.value()
	return n, err
}

func (p *filterParser) step() (s filterStep, err error) {
	p.space()
	if s.name = p.name(); s.name == "" {
		return s, p.expected("a search parameter, not (, (")
	}
	if p.at < len(p.text) && p.text[p.at] == ':' {
		p.at++
		if s.of = p.name(); s.of == "" {
			return s, p.expected("a resource type")
		}
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		p.at++
		if s.inside, err = p.expression(); err != nil {
			return s, err
		}
		if !p.cut(']') {
			return s, p.expected("], and, or")
		}
	}
	return s, nil
}

// name takes the characters of a parameter's name.
func (p *filterParser) name() string {
	start := p.at
	for p.at < len(p.text) {
		if c := p.text[p.at]; !letter(c) && c != '_' && c != '-' && (c < '0' || c > '9') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

// value takes a JSON string, or the text up to a space or a closing bracket.
func (p *filterParser) value() (string, error) {
	p.space()
	start := p.at
	if p.at < len(p.text) && p.text[p.at] == '"' {
		for p.at++; p.at < len(p.text) && p.text[p.at] != '"'; p.at++ {
			if p.text[p.at] == '\\' {
				p.at++
			}
		}
		var s string
		if p.at < len(p.text) {
			p.at++
			if json.Unmarshal([]byte(p.text[start:p.at]), &s) == nil && clean(s) && s != "" {
				return s, nil
			}
		}
		p.at = start
		return "", p.expected("a JSON string")
	}
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n)]", p.text[p.at]) < 0 {
		p.at++
	}
	if p.at == start {
		return "", p.expected("a value")
	}
	p.at += zoneBehind(p.text[start:p.at], p.text[p.at:])
	return p.text[start:p.at], nil
}

// zoneBehind gives the length of a time zone that goes on a time: its "+" arrives as a space if it was not percent-encoded, as with
// other dates. Nothing else can stand there.
func zoneBehind(value, rest string) int {
	const zone = " 07:00"
	if !strings.Contains(value, "T") || len(rest) < len(zone) || rest[0] != ' ' {
		return 0
	}
	if _, err := time.Parse(" 15:04", rest[:len(zone)]); err != nil {
		return 0
	}
	return len(zone)
}
