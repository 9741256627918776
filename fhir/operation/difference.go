package operation

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
)

// difference collects operations in the order in which they are to be performed. Within an object what is new comes first
// and what goes comes last, so that no object is ever empty on the way; lists are worked on from their end, so that the
// places before stay the same.
type difference struct{ text []byte }

// value is an element of a resource: with the companion that has the extensions of a primitive. Both may be nothing.
type value struct{ of, companion resource.Value }

func (v value) none() bool {
	return v.of.Kind() == resource.None && v.companion.Kind() == resource.None
}

func (v value) equal(o value) bool {
	return same(v.of, o.of) && same(v.companion, o.companion)
}

func same(a, b resource.Value) bool {
	if a.Kind() == resource.None || b.Kind() == resource.None {
		return a.Kind() == b.Kind()
	}
	return resource.Equal(a, b)
}

// objects compares two objects of one type at path. One of them may be nothing.
func (d *difference) objects(def *r4.Struct, path string, a, b resource.Value, root bool) {
	var gone []string
	done := map[string]bool{}
	for _, el := range def.Elements {
		base := el.Base
		if done[base] || root && base == "id" {
			continue
		}
		done[base] = true
		elA, inA := member(def, base, a)
		elB, inB := member(def, base, b)
		at := path + "." + base
		switch {
		case inA.none() && inB.none():
		case root && base == "meta": // a resource that is served always has one
			d.objects(el.Struct, at, inA.of, inB.of, false)
		case el.Array && inB.none():
			list := elements(inA)
			for n := len(list) - 1; n >= 0; n-- {
				gone = append(gone, at+"["+strconv.Itoa(place(list, n))+"]")
			}
		case el.Array:
			d.lists(el, path, base, inA, inB)
		case inB.none():
			gone = append(gone, at)
		case inA.none():
			d.add(path, base, elB, inB)
		case inA.equal(inB):
		case elA == elB && structOf(elA, inA.of, inB.of) != nil:
			d.objects(structOf(elA, inA.of, inB.of), at, inA.of, inB.of, false)
		default:
			d.replace(at, elB, inB)
		}
	}
	for _, at := range gone {
		d.delete(at)
	}
}

// member gives the element of an object by its name in paths; of a choice that which is there.
func member(def *r4.Struct, base string, of resource.Value) (*r4.Element, value) {
	for _, el := range def.Choices(base) {
		v := value{of.Get(el.Name), of.Get("_" + el.Name)}
		if !v.none() {
			return el, v
		}
	}
	return nil, value{}
}

// structOf gives the definition of two objects of the same type; nil if they are to be compared as a whole.
func structOf(el *r4.Element, a, b resource.Value) *r4.Struct {
	if a.Kind() != resource.Object || b.Kind() != resource.Object {
		return nil
	}
	if el.Struct != nil {
		return el.Struct
	}
	if t := a.ResourceType(); t == b.ResourceType() {
		return r4.Resource(t)
	}
	return nil
}

// lists compares two lists.
func (d *difference) lists(el *r4.Element, path, base string, inA, inB value) {
	a, b := elements(inA), elements(inB)
	at := path + "." + base
	if len(a) == 0 {
		for _, v := range b {
			d.add(path, base, el, v)
		}
		return
	}
	gaps := gapsOf(a, b)
	for i := len(gaps) - 1; i >= 0; i-- {
		g := gaps[i]
		pairs := min(g.toA-g.fromA, g.toB-g.fromB)
		for n := g.toA - 1; n >= g.fromA+pairs; n-- {
			d.delete(at + "[" + strconv.Itoa(place(a, n)) + "]")
		}
		for n := g.fromB + pairs; n < g.toB; n++ {
			d.insert(at, g.fromA+n-g.fromB, el, b[n])
		}
		for n := range pairs {
			x, y := a[g.fromA+n], b[g.fromB+n]
			one := at + "[" + strconv.Itoa(place(a, g.fromA+n)) + "]"
			if def := structOf(el, x.of, y.of); def != nil {
				d.objects(def, one, x.of, y.of, false)
			} else {
				d.replace(one, el, y)
			}
		}
	}
}

// elements gives the elements of a list with their companions.
func elements(v value) []value {
	var out []value
	for one := range v.of.Elements() {
		if one.Kind() == resource.Null {
			one = resource.Value{}
		}
		out = append(out, value{of: one})
	}
	i := 0
	for one := range v.companion.Elements() {
		if i == len(out) {
			out = append(out, value{})
		}
		if one.Kind() != resource.Null {
			out[i].companion = one
		}
		i++
	}
	return out
}

// place gives the index by which a FHIRPath finds element n: it does not count those without a value.
func place(list []value, n int) (at int) {
	for _, v := range list[:n] {
		if v.of.Kind() != resource.None {
			at++
		}
	}
	return at
}

// gap is a stretch of one list that the other has a different stretch for; either may be empty.
type gap struct{ fromA, toA, fromB, toB int }

// most comparisons that are made to find what two lists have in common; longer ones are compared place by place.
const most = 250_000

// gapsOf finds where two lists differ, by their longest common subsequence.
func gapsOf(a, b []value) []gap {
	start := 0
	for start < len(a) && start < len(b) && a[start].equal(b[start]) {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1].equal(b[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	n, m := endA-start, endB-start
	if n == 0 && m == 0 {
		return nil
	}
	if n*m > most || n == m { // of as many elements each is taken for a changed form of the one in its place
		return []gap{{start, endA, start, endB}}
	}
	// common[i][j] is the length for a[start+i:endA] and b[start+j:endB].
	common := make([][]int, n+1)
	for i := range common {
		common[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[start+i].equal(b[start+j]) {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var gaps []gap
	g := gap{start, start, start, start}
	i, j := 0, 0
	flush := func() {
		if g.fromA < start+i || g.fromB < start+j {
			gaps = append(gaps, gap{g.fromA, start + i, g.fromB, start + j})
		}
	}
	for i < n && j < m {
		switch {
		case a[start+i].equal(b[start+j]):
			flush()
			i, j = i+1, j+1
			g = gap{fromA: start + i, fromB: start + j}
		case common[i+1][j] >= common[i][j+1]:
			i++
		default:
			j++
		}
	}
	i, j = n, m
	flush()
	return gaps
}

// open begins an operation, up to its value.
func (d *difference) open(typ, path string) {
	if d.text != nil {
		d.text = append(d.text, ',')
	}
	d.text = append(d.text, `{"name":"operation","part":[{"name":"type","valueCode":"`...)
	d.text = append(append(d.text, typ...), `"},{"name":"path","valueString":`...)
	d.text, _ = jsontext.AppendQuote(d.text, path)
	d.text = append(d.text, '}')
}

func (d *difference) close() { d.text = append(d.text, `]}`...) }

func (d *difference) add(path, name string, el *r4.Element, v value) {
	d.open("add", path)
	d.text = append(d.text, `,{"name":"name","valueString":"`...)
	d.text = append(append(d.text, name...), `"},`...)
	d.text = appendPart(d.text, "value", el, v)
	d.close()
}

func (d *difference) insert(path string, index int, el *r4.Element, v value) {
	d.open("insert", path)
	d.text = append(d.text, `,{"name":"index","valueInteger":`...)
	d.text = append(strconv.AppendInt(d.text, int64(index), 10), `},`...)
	d.text = appendPart(d.text, "value", el, v)
	d.close()
}

func (d *difference) replace(path string, el *r4.Element, v value) {
	d.open("replace", path)
	d.text = appendPart(append(d.text, ','), "value", el, v)
	d.close()
}

func (d *difference) delete(path string) {
	d.open("delete", path)
	d.close()
}

func (d *difference) parameters() []byte {
	if d.text == nil {
		return []byte(`{"resourceType":"Parameters"}`)
	}
	return append(append([]byte(`{"resourceType":"Parameters","parameter":[`), d.text...), `]}`...)
}
