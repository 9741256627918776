package interaction

import (
	"slices"

	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// edit makes the edit that the operation asks for.
func (p *pathStep) edit(root resource.Value) (edit, error) {
	items := p.path.Evaluate(root)
	for _, it := range items {
		if it.Computed() || it.Value.Kind() == resource.None {
			return edit{}, p.refuse("pathpatch-place", "")
		}
	}
	if len(items) == 0 {
		if e, done, err := p.hidden(root); done {
			return e, err
		}
	}
	switch p.op {
	case "add":
		return p.add(items)
	case "delete":
		return p.delete(items)
	case "replace":
		return p.replace(root, items)
	}
	return p.arrange(root, items)
}

// one demands a single item.
func (p *pathStep) one(items []fhirpath.Item) (fhirpath.Item, error) {
	switch len(items) {
	case 0:
		return fhirpath.Item{}, p.refuse("pathpatch-none", "")
	case 1:
		return items[0], nil
	}
	return fhirpath.Item{}, p.refuse("pathpatch-many", items[1].Value.Path(), len(items))
}

// add puts an element into the object that the path finds: a new one, or one more of those that repeat.
func (p *pathStep) add(items []fhirpath.Item) (edit, error) {
	it, err := p.one(items)
	if err != nil {
		return edit{}, err
	}
	at := it.Value
	if it.Struct == nil || at.Kind() != resource.Object {
		return edit{}, p.refuse("pathpatch-object", at.Path())
	}
	el, v, err := p.property(it.Struct, p.name, p.value)
	if err != nil {
		return edit{}, err
	}
	if el.Array {
		l := listOf(at, el.Name)
		return l.set(append(l.values, v)), nil
	}
	for _, c := range it.Struct.Choices(el.Base) {
		if at.Get(c.Name).Kind() != resource.None || at.Get("_"+c.Name).Kind() != resource.None {
			return edit{}, p.refuse("pathpatch-exists", at.Path()+"."+c.Name, p.name)
		}
	}
	return changeMember(at, "", el.Name, v), nil
}

// delete takes out what the path finds; nothing is no error.
func (p *pathStep) delete(items []fhirpath.Item) (edit, error) {
	if len(items) == 0 {
		return edit{}, nil
	}
	it, err := p.one(items)
	if err != nil {
		return edit{}, err
	}
	if it.Value.Parent().Kind() == resource.None {
		return edit{}, p.refuse("pathpatch-place", it.Value.Path())
	}
	return remove(it.Value), nil
}

// replace puts another value in the place of the one that the path finds. That of a choice may be of another type.
func (p *pathStep) replace(root resource.Value, items []fhirpath.Item) (edit, error) {
	it, err := p.one(items)
	if err != nil {
		return edit{}, err
	}
	at := it.Value
	parent := at.Parent()
	if parent.Kind() == resource.None {
		return edit{}, p.refuse("pathpatch-place", at.Path())
	}
	el := it.Element
	if el == nil { // a whole resource within another
		el = &r4.Element{Name: at.Name(), Base: at.Name(), TypeName: "Resource"}
	}
	if parent.Kind() == resource.Array {
		v, err := p.valueFor(el, p.value)
		if err != nil {
			return edit{}, err
		}
		l := listOf(parent.Parent(), parent.Name())
		l.values[indexOf(at)] = v
		return l.set(l.values), nil
	}
	if def := p.holder(root, parent); def != nil {
		el, v, err := p.property(def, el.Base, p.value)
		if err != nil {
			return edit{}, err
		}
		return changeMember(parent, at.Name(), el.Name, v), nil
	}
	v, err := p.valueFor(el, p.value)
	if err != nil {
		return edit{}, err
	}
	return changeMember(parent, at.Name(), at.Name(), v), nil
}

// hidden is delete and replace of a primitive that has no value but extensions, which a FHIRPath does not find.
func (p *pathStep) hidden(root resource.Value) (e edit, done bool, err error) {
	above, name, ok := p.path.Split()
	if !ok || p.op != "delete" && p.op != "replace" {
		return e, false, nil
	}
	items := above.Evaluate(root)
	if len(items) != 1 || items[0].Struct == nil {
		return e, false, nil
	}
	for _, el := range items[0].Struct.Choices(name) {
		if el.Array || items[0].Value.Get("_"+el.Name).Kind() == resource.None {
			continue
		}
		if p.op == "delete" {
			return changeMember(items[0].Value, el.Name, el.Name, written{}), true, nil
		}
		to, v, err := p.property(items[0].Struct, name, p.value)
		if err != nil {
			return e, true, err
		}
		return changeMember(items[0].Value, el.Name, to.Name, v), true, nil
	}
	return e, false, nil
}

// holder gives the definition of the object that holds what the path finds; nil if the path does not say.
func (p *pathStep) holder(root, object resource.Value) *r4.Struct {
	above, _, ok := p.path.Split()
	if !ok {
		return nil
	}
	for _, it := range above.Evaluate(root) {
		if it.Value == object {
			return it.Struct
		}
	}
	return nil
}

// arrange is insert and move: they change the order of a list, all of which the path must find.
func (p *pathStep) arrange(root resource.Value, items []fhirpath.Item) (edit, error) {
	l, el, err := p.list(root, items)
	if err != nil {
		return edit{}, err
	}
	n := len(l.values)
	if p.op == "insert" {
		if p.index > n {
			return edit{}, p.refuse("pathpatch-index", "", p.index, n)
		}
		v, err := p.valueFor(el, p.value)
		if err != nil {
			return edit{}, err
		}
		return l.set(slices.Insert(l.values, p.index, v)), nil
	}
	for _, i := range []int{p.source, p.destination} {
		if i >= n {
			return edit{}, p.refuse("pathpatch-index", "", i, n-1)
		}
	}
	moved := l.values[p.source]
	rest := slices.Delete(slices.Clone(l.values), p.source, p.source+1)
	return l.set(slices.Insert(rest, p.destination, moved)), nil
}

// list gives the list that the path is about, and the definition of its elements; for insert it may be one that is not
// there yet.
func (p *pathStep) list(root resource.Value, items []fhirpath.Item) (list, *r4.Element, error) {
	if len(items) == 0 {
		above, name, ok := p.path.Split()
		if !ok || p.op == "move" {
			return list{}, nil, p.refuse("pathpatch-none", "")
		}
		it, err := p.one(above.Evaluate(root))
		if err != nil {
			return list{}, nil, err
		}
		if it.Struct == nil || it.Value.Kind() != resource.Object {
			return list{}, nil, p.refuse("pathpatch-object", it.Value.Path())
		}
		el := it.Struct.Element(name)
		if el == nil {
			return list{}, nil, p.refuse("pathpatch-name", it.Value.Path(), clip(name))
		}
		if !el.Array {
			return list{}, nil, p.refuse("pathpatch-list", it.Value.Path())
		}
		return listOf(it.Value, name), el, nil
	}
	array := items[0].Value.Parent()
	if array.Kind() != resource.Array {
		return list{}, nil, p.refuse("pathpatch-list", items[0].Value.Path())
	}
	found := 0
	for v := range array.Elements() {
		if v.Kind() != resource.Null {
			found++
		}
	}
	for _, it := range items {
		if it.Value.Parent() != array || found != len(items) {
			return list{}, nil, p.refuse("pathpatch-list", it.Value.Path())
		}
	}
	el := items[0].Element
	if el == nil {
		el = &r4.Element{Name: array.Name(), Base: array.Name(), TypeName: "Resource", Array: true}
	}
	return listOf(array.Parent(), array.Name()), el, nil
}
