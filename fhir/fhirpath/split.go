package fhirpath

// Split takes the last step off an expression that ends in the name of an element: Patient.contact[0].name is "name" of
// Patient.contact[0]. ok is false for one that ends otherwise, such as in an index, a condition or an operator.
func (e *Expr) Split() (parent *Expr, name string, ok bool) {
	switch n := e.root; n.op {
	case opMember:
		return &Expr{text: e.text, root: n.left}, n.name, true
	case opRoot:
		return &Expr{text: e.text, root: &node{op: opThis}}, n.name, true
	}
	return nil, "", false
}
