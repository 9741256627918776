package index

import (
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// emit adds the entries of one value for a parameter. As a part of a composite only the main value is made, in the form
// that composites have. A value that nothing can be found by still says that the element is there.
func (x *Indexer) emit(p search.ParamID, kind r4.ParamType, e *r4.Element, v resource.Value, inComposite bool) {
	if kind == r4.ParamReference && !inComposite {
		x.within(p, e, v)
	}
	before := len(x.refs)
	switch kind {
	case r4.ParamToken:
		x.token(p, e, v, inComposite)
	case r4.ParamString:
		x.str(p, e, v)
	case r4.ParamReference:
		x.reference(p, e, v, inComposite)
	case r4.ParamDate:
		x.date(p, e, v, inComposite)
	case r4.ParamNumber:
		x.number(p, e, v)
	case r4.ParamQuantity:
		x.quantity(p, e, v, inComposite)
	case r4.ParamURI:
		x.uri(p, v.Text())
	case r4.ParamSpecial:
		x.position(p, v)
	}
	if len(x.refs) == before && !inComposite {
		from := len(x.buf)
		x.buf = search.AppendUnfindable(x.buf)
		x.add(p|search.ParamAside, from)
	}
}

func (x *Indexer) token(p search.ParamID, e *r4.Element, v resource.Value, inComposite bool) {
	switch e.TypeName {
	case "CodeableConcept":
		x.concept(p, v, inComposite)
	case "Coding":
		x.coding(p, v, inComposite)
	case "Identifier":
		x.identifier(p, v, inComposite)
	case "ContactPoint":
		x.pair(p, v.Get("system").Text(), v.Get("value").Text())
	case "code":
		from := len(x.buf)
		x.buf = search.AppendCode(x.buf, v.Text())
		x.add(p, from)
	default:
		if e.Primitive != r4.NotPrimitive {
			x.pair(p, "", v.Text())
		}
	}
}

// concept adds the codings of a concept, and its text.
func (x *Indexer) concept(p search.ParamID, v resource.Value, inComposite bool) {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		switch c.Name() {
		case "coding":
			for one := range c.Elements() {
				x.coding(p, one, inComposite)
			}
		case "text":
			x.tokenText(p, c, inComposite)
		}
	}
}

func (x *Indexer) coding(p search.ParamID, v resource.Value, inComposite bool) {
	var system, code string
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		switch c.Name() {
		case "system":
			system = c.Text()
		case "code":
			code = c.Text()
		case "display":
			x.tokenText(p, c, inComposite)
		}
	}
	x.pair(p, system, code)
}

// tokenText adds a text that goes with a token: for :text.
func (x *Indexer) tokenText(p search.ParamID, v resource.Value, inComposite bool) {
	if inComposite {
		return
	}
	from := len(x.buf)
	x.buf = search.AppendTokenText(x.buf, v.Text())
	x.add(p|search.ParamAside, from)
}

// identifier adds an identifier, once more by each coding of its type, and the text of the type.
func (x *Indexer) identifier(p search.ParamID, v resource.Value, inComposite bool) {
	value := v.Get("value").Text()
	x.pair(p, v.Get("system").Text(), value)
	kind := v.Get("type")
	if inComposite || kind.Kind() != resource.Object {
		return
	}
	x.tokenText(p, kind.Get("text"), false)
	for c := range kind.Get("coding").Elements() {
		if code := c.Get("code").Text(); code != "" && value != "" {
			from := len(x.buf)
			x.buf = search.AppendTypedIdentifier(x.buf, code, x.fold(c.Get("system").Text()), value)
			x.add(p|search.ParamTyped, from)
		}
	}
}

func (x *Indexer) pair(p search.ParamID, system, code string) {
	if code == "" {
		return
	}
	from := len(x.buf)
	x.buf = search.AppendToken(x.buf, code, x.fold(system))
	x.add(p, from)
}

func (x *Indexer) str(p search.ParamID, e *r4.Element, v resource.Value) {
	switch e.TypeName {
	case "HumanName":
		x.humanName(p, v)
	case "Address":
		for c := v.First(); c.Kind() != resource.None; c = c.Next() {
			switch c.Name() {
			case "text", "line", "city", "district", "state", "country", "postalCode":
				x.texts(p, c)
			}
		}
	default:
		if e.Primitive != r4.NotPrimitive {
			x.text(p, v)
		}
	}
}

// texts adds a string or each string of an array.
func (x *Indexer) texts(p search.ParamID, v resource.Value) {
	if v.Kind() == resource.String {
		x.text(p, v)
		return
	}
	for one := v.First(); one.Kind() != resource.None; one = one.Next() {
		x.text(p, one)
	}
}

func (x *Indexer) text(p search.ParamID, v resource.Value) {
	if v.Kind() == resource.String {
		s, from := v.Text(), len(x.buf)
		x.buf = search.AppendString(x.buf, s)
		x.add(p, from)
		x.room = search.AppendPieces(x.room, s, func(value []byte) {
			from := len(x.buf)
			x.buf = append(x.buf, value...)
			x.add(p|search.ParamAside, from)
		})
	}
}

// humanName adds each part of a name, and the whole name from each of its words on.
func (x *Indexer) humanName(p search.ParamID, v resource.Value) {
	for c := v.First(); c.Kind() != resource.None; c = c.Next() {
		switch c.Name() {
		case "text", "family", "given", "prefix", "suffix":
			x.texts(p, c)
		}
	}
	add := func(value []byte) {
		from := len(x.buf)
		x.buf = append(x.buf, value...)
		x.add(p, from)
	}
	if text := v.Get("text").Text(); text != "" {
		x.room = search.AppendNameOrders(x.room, text, add)
	}
	var room [128]byte
	whole := append(room[:0], v.Get("family").Text()...)
	for given := range v.Get("given").Elements() {
		whole = append(append(whole, ' '), given.Text()...)
	}
	if len(whole) > 0 {
		x.room = search.AppendNameOrders(x.room, string(whole), add)
	}
}

func (x *Indexer) uri(p search.ParamID, s string) {
	if s == "" {
		return
	}
	from := len(x.buf)
	x.buf = search.AppendURI(x.buf, s)
	x.add(p, from)
	if url, _, versioned := search.CutVersion(s); versioned && url != "" {
		from := len(x.buf)
		x.buf = search.AppendURI(x.buf, url)
		x.add(p, from)
	}
}

func (x *Indexer) reference(p search.ParamID, e *r4.Element, v resource.Value, inComposite bool) {
	if e.TypeName == "Reference" && !inComposite {
		if id := v.Get("identifier"); id.Kind() == resource.Object {
			x.pair(p|search.ParamAside, id.Get("system").Text(), id.Get("value").Text())
		}
	}
	from := len(x.buf)
	switch {
	case e.TypeName == "Reference":
		x.buf = search.AppendReference(x.buf, v.Get("reference").Text(), x.index.o.Base, x.index.o.Also)
	case e.TypeName == "Resource":
		id, _ := v.ID()
		if _, err := fhir.ParseID(id); err != nil {
			return
		}
		x.buf = search.AppendLocal(x.buf, v.ResourceType(), id)
	case e.Primitive == r4.Canonical || e.Primitive == r4.URI:
		if s := v.Text(); s != "" && s[0] != '#' {
			x.buf = search.AppendCanonical(x.buf, s, x.index.o.Base, x.index.o.Also)
		}
	}
	x.add(p, from)
}

// within adds the place of a contained resource that a reference points at: chains lead there. The first one with the id
// is meant, as in FHIRPath. Nothing else finds such a reference, so the element counts as one without a value.
func (x *Indexer) within(p search.ParamID, e *r4.Element, v resource.Value) {
	if e.TypeName != "Reference" {
		return
	}
	literal := v.Get("reference").Text()
	if len(literal) < 2 || literal[0] != '#' {
		return
	}
	place := 0
	for c := range x.root.Get("contained").Elements() {
		if id, ok := c.ID(); ok && id == literal[1:] {
			from := len(x.buf)
			x.buf = search.AppendWithin(x.buf, place)
			x.add(p|search.ParamDetail, from)
			return
		}
		place++
	}
}

// position adds Location.position.
func (x *Indexer) position(p search.ParamID, v resource.Value) {
	from := len(x.buf)
	x.buf, _ = search.AppendPosition(x.buf, string(v.Get("latitude").Raw()), string(v.Get("longitude").Raw()))
	x.add(p, from)
}

func (x *Indexer) date(p search.ParamID, e *r4.Element, v resource.Value, inComposite bool) {
	iv, ok := interval(e, v)
	if !ok {
		return
	}
	from := len(x.buf)
	x.buf = search.AppendDate(x.buf, iv)
	x.add(p, from)
	if inComposite {
		return
	}
	from = len(x.buf)
	if x.buf, ok = search.AppendLongDate(x.buf, iv); ok {
		x.add(p|search.ParamDetail, from)
	}
}

// interval gives the stretch of time that a value covers.
func interval(e *r4.Element, v resource.Value) (search.Interval, bool) {
	switch e.TypeName {
	case "date", "dateTime", "instant":
		return search.ParseInterval(v.Text())
	case "Period":
		return period(v)
	case "Timing":
		return timing(v)
	}
	return search.Interval{}, false
}

func period(v resource.Value) (search.Interval, bool) {
	iv := search.Interval{Start: search.NoStart, End: search.NoEnd}
	start, hasStart := search.ParseInterval(v.Get("start").Text())
	end, hasEnd := search.ParseInterval(v.Get("end").Text())
	if hasStart {
		iv.Start = start.Start
	}
	if hasEnd {
		iv.End = end.End
	}
	return iv, hasStart || hasEnd
}

// timing gives the outer limits: of the events and of the bounds, if they are a period.
func timing(v resource.Value) (search.Interval, bool) {
	iv, ok := period(v.Get("repeat").Get("boundsPeriod"))
	for e := range v.Get("event").Elements() {
		one, valid := search.ParseInterval(e.Text())
		switch {
		case !valid:
		case !ok:
			iv, ok = one, true
		default:
			iv.Start, iv.End = min(iv.Start, one.Start), max(iv.End, one.End)
		}
	}
	return iv, ok
}

func (x *Indexer) number(p search.ParamID, e *r4.Element, v resource.Value) {
	if e.TypeName == "Range" {
		x.literal(p, v.Get("low").Get("value").Text())
		x.literal(p, v.Get("high").Get("value").Text())
		return
	}
	if v.Kind() == resource.Number {
		x.literal(p, v.Text())
	}
}

func (x *Indexer) literal(p search.ParamID, s string) {
	from := len(x.buf)
	if s != "" {
		x.buf, _ = search.AppendNumber(x.buf, s)
	}
	x.add(p, from)
}
