package fhirpath

import "strconv"

const (
	maxLength = 8192 // bytes of an expression; the longest of R4 has about 700 for one type
	maxDepth  = 64   // nesting of parentheses and arguments
)

// Parse reads an expression. Errors have Kind Invalid and code "fhirpath-syntax", or "fhirpath-unsupported" for what is
// FHIRPath and not known here.
func Parse(text string) (*Expr, error) {
	if len(text) > maxLength {
		return nil, unsupported(text, "more than "+strconv.Itoa(maxLength)+" bytes")
	}
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := parser{text: text, tokens: tokens}
	root, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEnd {
		return nil, p.expected("an end or an operator")
	}
	return &Expr{text: text, root: root}, nil
}

// parser descends by precedence, lowest first: or, and, = !=, |, is as, then steps.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	inside int // how many conditions (where) enclose what is being read
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// symbol takes the symbol if it is next.
func (p *parser) symbol(s string) bool {
	if t := p.peek(); t.kind == tokenSymbol && t.text == s {
		p.at++
		return true
	}
	return false
}

// keyword takes the word if it is next.
func (p *parser) keyword(s string) bool {
	if t := p.peek(); t.kind == tokenName && t.bare && t.text == s {
		p.at++
		return true
	}
	return false
}

func (p *parser) expected(what string) error { return syntaxError(p.text, p.peek().at, what) }

func (p *parser) expression() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, unsupported(p.text, "nesting deeper than "+strconv.Itoa(maxDepth))
	}
	defer func() { p.depth-- }()
	return p.chain(func() (op, bool) { return opOr, p.keyword("or") }, p.conjunction)
}

func (p *parser) conjunction() (*node, error) {
	return p.chain(func() (op, bool) { return opAnd, p.keyword("and") }, p.equality)
}

func (p *parser) equality() (*node, error) {
	return p.chain(func() (op, bool) {
		if p.symbol("=") {
			return opEqual, true
		}
		return opUnequal, p.symbol("!=")
	}, p.union)
}

func (p *parser) union() (*node, error) {
	return p.chain(func() (op, bool) { return opUnion, p.symbol("|") }, p.typed)
}

// chain reads operands with operators of one precedence between them, from left to right.
func (p *parser) chain(operator func() (op, bool), operand func() (*node, error)) (*node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		o, ok := operator()
		if !ok {
			return left, nil
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = &node{op: o, left: left, right: right}
	}
}

func (p *parser) typed() (*node, error) {
	left, err := p.steps()
	if err != nil {
		return nil, err
	}
	for {
		o := opAs
		if !p.keyword("as") {
			if !p.keyword("is") {
				return left, nil
			}
			o = opIs
		}
		name, err := p.typeName()
		if err != nil {
			return nil, err
		}
		left = &node{op: o, name: name, left: left}
	}
}

// typeName reads Quantity or FHIR.Quantity. Some R4 definitions write DateTime for dateTime, which typeCase mends.
func (p *parser) typeName() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", p.expected("a type")
	}
	p.at++
	if t.text == "FHIR" && p.symbol(".") {
		if t = p.peek(); t.kind != tokenName {
			return "", p.expected("a type")
		}
		p.at++
	}
	return typeCase(t.text), nil
}

func (p *parser) steps() (*node, error) {
	n, err := p.primary()
	for err == nil {
		switch {
		case p.symbol("."):
			n, err = p.invocation(n)
		case p.symbol("["):
			n, err = p.index(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *parser) primary() (*node, error) {
	t := p.peek()
	switch {
	case t.kind == tokenString:
		p.at++
		return &node{op: opLiteral, literal: stringItem(t.text)}, nil
	case t.kind == tokenNumber:
		p.at++
		return &node{op: opLiteral, literal: numberItem(t.text)}, nil
	case t.kind == tokenName && t.bare && (t.text == "true" || t.text == "false"):
		p.at++
		return &node{op: opLiteral, literal: boolItem(t.text == "true")}, nil
	case t.kind == tokenName:
		return p.invocation(nil)
	case p.symbol("("):
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		if !p.symbol(")") {
			return nil, p.expected(")")
		}
		return n, nil
	case p.symbol("%"):
		name := p.take()
		switch {
		case p.inside > 0: // each value would search the whole resource again
			return nil, unsupported(p.text, "%"+name.text+" in a condition")
		case name.text == "resource":
			return &node{op: opResource}, nil
		case name.text == "context":
			return &node{op: opThis}, nil
		}
		return nil, unsupported(p.text, "%"+name.text)
	case p.symbol("$"):
		if name := p.take(); name.text != "this" {
			return nil, unsupported(p.text, "$"+name.text)
		}
		return &node{op: opThis}, nil
	}
	return nil, p.expected("a name, a literal or (")
}

func (p *parser) index(left *node) (*node, error) {
	t := p.peek()
	n, err := strconv.Atoi(t.text)
	if t.kind != tokenNumber || err != nil {
		return nil, p.expected("a whole number")
	}
	p.at++
	if !p.symbol("]") {
		return nil, p.expected("]")
	}
	return &node{op: opIndex, index: n, left: left}, nil
}

// invocation reads a name or a function call after a dot, or at the beginning (left is nil).
func (p *parser) invocation(left *node) (*node, error) {
	t := p.peek()
	if t.kind != tokenName {
		return nil, p.expected("a name")
	}
	p.at++
	if !p.symbol("(") {
		if left == nil {
			return &node{op: opRoot, name: t.text}, nil
		}
		return &node{op: opMember, name: t.text, left: left}, nil
	}
	if left == nil {
		left = &node{op: opThis}
	}
	n, err := p.call(t.text, left)
	if err != nil {
		return nil, err
	}
	if !p.symbol(")") {
		return nil, p.expected(")")
	}
	if n.op == opResolve {
		return p.resolved(n)
	}
	return n, nil
}

// resolved reads what may follow resolve(): a question for the type, as "is T" or ".is(T)". Nothing is fetched, and steps
// from one contained resource to the next could be made to grow without end.
func (p *parser) resolved(n *node) (*node, error) {
	call := p.symbol(".")
	if !p.keyword("is") || call && !p.symbol("(") {
		return nil, unsupported(p.text, "resolve() for more than its type")
	}
	name, err := p.typeName()
	if err != nil {
		return nil, err
	}
	if call && !p.symbol(")") {
		return nil, p.expected(")")
	}
	return &node{op: opIs, name: name, left: n}, nil
}

// plain are the functions without an argument.
var plain = map[string]op{"empty": opEmpty, "not": opNot, "resolve": opResolve, "first": opIndex}

// call reads the arguments of a function, up to the closing parenthesis.
func (p *parser) call(name string, left *node) (*node, error) {
	if o, ok := plain[name]; ok {
		return &node{op: o, left: left}, nil
	}
	switch name {
	case "as", "ofType", "is":
		of, err := p.typeName()
		if err != nil {
			return nil, err
		}
		o := opAs
		if name == "is" {
			o = opIs
		}
		return &node{op: o, name: of, left: left}, nil
	case "exists":
		if t := p.peek(); t.kind == tokenSymbol && t.text == ")" {
			return &node{op: opExists, left: left}, nil
		}
		where, err := p.call("where", left)
		return &node{op: opExists, left: where}, err
	case "where":
		p.inside++
		condition, err := p.expression()
		p.inside--
		return &node{op: opWhere, left: left, right: condition}, err
	case "extension":
		url := p.take()
		if url.kind != tokenString {
			p.at--
			return nil, p.expected("a url in quotes")
		}
		same := &node{op: opEqual, left: &node{op: opRoot, name: "url"}, right: &node{op: opLiteral, literal: stringItem(url.text)}}
		return &node{op: opWhere, left: &node{op: opMember, name: "extension", left: left}, right: same}, nil
	}
	return nil, unsupported(p.text, name+"()")
}
