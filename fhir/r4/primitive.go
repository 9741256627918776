package r4

// Primitive says which primitive type an element has, that is, how its JSON value must look.
// https://hl7.org/fhir/R4/datatypes.html#primitive
type Primitive uint8

const (
	NotPrimitive Primitive = iota
	Boolean
	Integer     // JSON number, 32 bits signed
	PositiveInt // JSON number, 1..2³¹-1
	UnsignedInt // JSON number, 0..2³¹-1
	Decimal     // JSON number, literal kept
	String
	Code
	ID
	URI
	URL
	Canonical
	OID
	UUID
	Markdown
	Base64Binary
	Date
	DateTime
	Time
	Instant
	XHTML
)

var primitiveNames = [...]string{
	NotPrimitive: "", Boolean: "boolean", Integer: "integer", PositiveInt: "positiveInt", UnsignedInt: "unsignedInt",
	Decimal: "decimal", String: "string", Code: "code", ID: "id", URI: "uri", URL: "url", Canonical: "canonical",
	OID: "oid", UUID: "uuid", Markdown: "markdown", Base64Binary: "base64Binary", Date: "date", DateTime: "dateTime",
	Time: "time", Instant: "instant", XHTML: "xhtml",
}

var primitiveByName = func() map[string]Primitive {
	m := make(map[string]Primitive, len(primitiveNames))
	for p, name := range primitiveNames {
		m[name] = Primitive(p)
	}
	delete(m, "")
	return m
}()

// String gives the name of the type as the specification spells it, "" for NotPrimitive.
func (p Primitive) String() string { return primitiveNames[p] }

// PrimitiveOf gives the primitive type of that name, NotPrimitive if there is none.
func PrimitiveOf(name string) Primitive { return primitiveByName[name] }
