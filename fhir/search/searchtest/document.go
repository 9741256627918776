package searchtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
)

// Generator makes documents and queries. It is for one goroutine.
type Generator struct {
	r      *rand.Rand
	within bool       // what is made is contained: a document contains nothing, a condition asks not for what refers to it
	beside []fhir.Key // what the document contains that is made, or that the contained one is made for
}

// New gives a Generator; the same seed makes the same documents and queries.
func New(seed uint64) *Generator { return &Generator{r: rand.New(rand.NewPCG(seed, 5))} }

// Types are those of the documents.
var Types = []fhir.Type{"Patient", "Observation", "Encounter", "Organization", "ValueSet", "List", "Location"}

// perType is how many ids each type has: a document of an id that was there replaces it.
const perType = 9

var letters = map[fhir.Type]string{"Patient": "p", "Observation": "o", "Encounter": "e", "Organization": "g", "ValueSet": "v", "List": "l", "Location": "c"}

var (
	genders  = []string{"male", "female", "other"}
	statuses = []string{"final", "amended", "preliminary"}
	stages   = []string{"planned", "finished"}
	classes  = []string{"AMB", "IMP", "ACUTE"}
	families = []string{"Nguyễn", "Võ", "Lê", "Đặng", "Straße", "O'Brien-Smith"}
	givens   = []string{"Văn", "Thử", "Văn An", "Thị", "Ærø", "An"}
	systems  = []string{"http://s/a", "http://s/b", ""}
	codes    = []string{"1", "2", "a b", `x\,y`, "x$y"}
	displays = []string{"Huyết áp", "Systolic blood pressure", "blood", "Glucose (máu)"}
	dates    = []string{"2019", "2020", "2020-02", "2020-02-29", "2020-03-01", "2020-02-29T23:30:00Z", "2020-03-01T06:30:00+07:00", "2021-06-15T10:00:00.5+07:00"}
	numbers  = []string{"5", "5.4", "0.0054", "5400", "-3", "0", "120", "16"}
	units    = []string{"mg", "g", "ug", "mm[Hg]", "kPa", "{score}", ""}
	unitTo   = []string{systemUCUM, systemUCUM, systemUCUM, "http://else"}
	urls     = []string{"http://x/a", "http://x/a/b", "http://x/a/b/c", "http://x/ab", "urn:oid:1.2.3", "http://x/a/"}
	places   = []string{"Bệnh viện Quảng Ngãi", "Trạm y tế", "benh vien", "A, B"}
	words    = []string{"sốt", "ho", "Bệnh", "nhân", "fever", "benhvien"}
)

const systemUCUM = "http://unitsofmeasure.org"

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (g *Generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// Key gives a key that a document may have.
func (g *Generator) Key() fhir.Key { return g.keyOf(pick(g.r, Types)) }

func (g *Generator) keyOf(t fhir.Type) fhir.Key {
	return fhir.Key{Type: t, ID: fhir.ID(fmt.Sprintf("%s%d", letters[t], g.r.IntN(perType)))}
}

// Document makes a resource with an id. References lead to keys of Key, there or not.
func (g *Generator) Document() (key fhir.Key, raw []byte) {
	key = g.Key()
	return key, g.DocumentOf(key)
}

// DocumentOf makes a resource of that key.
func (g *Generator) DocumentOf(key fhir.Key) []byte {
	o := object{fmt.Sprintf(`"resourceType":%q,"id":%q`, key.Type, key.ID)}
	if g.chance(30) {
		o.add("meta", fmt.Sprintf(`{"tag":[%s],"profile":[%s]}`, g.coding(), text(pick(g.r, urls))))
	}
	if g.chance(40) {
		o.add("text", fmt.Sprintf(`{"status":"generated","div":%s}`, text(fmt.Sprintf(`<div xmlns="http://www.w3.org/1999/xhtml" title="a>b">%s <b>%s</b>&amp;%s</div>`, pick(g.r, words), pick(g.r, words), pick(g.r, words)))))
	}
	if !g.within {
		g.beside = nil
		if g.chance(30) {
			o.add("contained", g.contained())
		}
	}
	switch key.Type {
	case "Patient":
		g.patient(&o)
	case "Observation":
		g.observation(&o)
	case "Encounter":
		o.add("status", text(pick(g.r, stages)))
		o.add("class", fmt.Sprintf(`{"system":%q,"code":%q}`, systemAct, pick(g.r, classes)))
		o.maybe(g, 80, "subject", func() string { return g.reference("Patient") })
		o.maybe(g, 60, "period", g.period)
		o.maybe(g, 50, "serviceProvider", func() string { return g.reference("Organization") })
	case "Organization":
		o.maybe(g, 80, "name", func() string { return text(pick(g.r, places)) })
		o.maybe(g, 50, "active", g.boolean)
		o.maybe(g, 40, "partOf", func() string { return g.reference("Organization") })
		o.maybe(g, 50, "identifier", func() string { return "[" + g.identifier() + "]" })
	case "Location":
		o.maybe(g, 70, "name", func() string { return text(pick(g.r, places)) })
		o.maybe(g, 80, "position", func() string {
			lat, lon := g.position()
			return fmt.Sprintf(`{"latitude":%v,"longitude":%v}`, lat, lon)
		})
	case "ValueSet":
		o.add("status", text(pick(g.r, []string{"active", "draft"})))
		o.maybe(g, 80, "url", func() string { return text(pick(g.r, urls)) })
	case "List":
		o.add("status", `"current"`)
		o.add("mode", `"working"`)
		o.maybe(g, 80, "entry", func() string {
			return fmt.Sprintf(`[{"item":%s},{"item":%s}]`, g.reference(pick(g.r, Types)), g.reference("Patient"))
		})
	}
	return []byte("{" + o.body + "}")
}

// contained makes up to three resources to be contained in another one.
func (g *Generator) contained() string {
	g.within = true
	defer func() { g.within = false }()
	for range 1 + g.r.IntN(3) {
		g.beside = append(g.beside, g.Key())
	}
	var list []string
	for _, key := range g.beside {
		list = append(list, string(g.DocumentOf(key)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// systemAct has codes with a hierarchy: ACUTE is below IMP.
const systemAct = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

func (g *Generator) patient(o *object) {
	o.maybe(g, 60, "active", g.boolean)
	o.maybe(g, 70, "gender", func() string { return text(pick(g.r, genders)) })
	o.maybe(g, 70, "birthDate", func() string { return text(pick(g.r, dates[:5])) })
	o.maybe(g, 80, "name", func() string {
		if g.chance(30) {
			return fmt.Sprintf(`[{"text":%s}]`, g.accented(pick(g.r, families)+" "+pick(g.r, givens)))
		}
		return fmt.Sprintf(`[{"family":%s,"given":[%s,%s]}]`, g.accented(pick(g.r, families)), g.accented(pick(g.r, givens)), g.accented(pick(g.r, givens)))
	})
	o.maybe(g, 60, "identifier", func() string { return "[" + g.identifier() + "," + g.identifier() + "]" })
	o.maybe(g, 60, "managingOrganization", func() string { return g.reference("Organization") })
	o.maybe(g, 30, "maritalStatus", g.concept)
}

func (g *Generator) observation(o *object) {
	o.add("status", text(pick(g.r, statuses)))
	o.add("code", g.concept())
	o.maybe(g, 80, "subject", func() string { return g.reference("Patient") })
	o.maybe(g, 60, "encounter", func() string { return g.reference("Encounter") })
	o.maybe(g, 30, "hasMember", func() string { return "[" + g.reference("Observation") + "]" })
	switch g.r.IntN(3) {
	case 0:
		o.add("effectiveDateTime", text(pick(g.r, dates)))
	case 1:
		o.add("effectivePeriod", g.period())
	}
	switch g.r.IntN(4) {
	case 0:
		o.add("valueCodeableConcept", g.concept())
	case 1, 2:
		o.add("valueQuantity", g.quantity())
	}
}

func (g *Generator) boolean() string { return pick(g.r, []string{"true", "false"}) }

func (g *Generator) coding() string {
	c := object{fmt.Sprintf(`"code":%s`, text(pick(g.r, codes)))}
	if s := pick(g.r, systems); s != "" {
		c.add("system", text(s))
	}
	c.maybe(g, 50, "display", func() string { return text(pick(g.r, displays)) })
	return "{" + c.body + "}"
}

func (g *Generator) concept() string {
	if g.chance(20) {
		return fmt.Sprintf(`{"text":%s}`, text(pick(g.r, displays)))
	}
	return fmt.Sprintf(`{"coding":[%s]}`, g.coding())
}

func (g *Generator) identifier() string {
	i := object{fmt.Sprintf(`"value":%s`, text(pick(g.r, codes)))}
	if s := pick(g.r, systems); s != "" {
		i.add("system", text(s))
	}
	i.maybe(g, 50, "type", g.concept)
	return "{" + i.body + "}"
}

func (g *Generator) period() string {
	switch start, end := text(pick(g.r, dates)), text(pick(g.r, dates)); g.r.IntN(3) {
	case 0:
		return fmt.Sprintf(`{"start":%s}`, start)
	case 1:
		return fmt.Sprintf(`{"end":%s}`, end)
	default:
		return fmt.Sprintf(`{"start":"2019-12-31","end":%s}`, end)
	}
}

func (g *Generator) quantity() string {
	q := object{`"value":` + pick(g.r, numbers)}
	if g.chance(20) {
		q.add("comparator", text(pick(g.r, []string{"<", "<=", ">=", ">"})))
	}
	if u := pick(g.r, units); u != "" {
		if g.chance(80) {
			q.add("code", text(u))
			q.add("system", text(pick(g.r, unitTo)))
		} else {
			q.add("unit", text(u))
		}
	}
	return "{" + q.body + "}"
}

func (g *Generator) reference(t fhir.Type) string {
	switch g.r.IntN(12) {
	case 0:
		return `{"identifier":` + g.identifier() + `}`
	case 1:
		return `{"display":"x"}`
	case 2:
		return fmt.Sprintf(`{"reference":"http://else/fhir/%s"}`, g.keyOf(t))
	case 3, 4, 5: // to what the document contains; now and then to nothing
		for _, key := range g.beside {
			if key.Type == t {
				return fmt.Sprintf(`{"reference":"#%s"}`, key.ID)
			}
		}
		if g.chance(5) {
			return `{"reference":"#x"}`
		}
	}
	return fmt.Sprintf(`{"reference":%q}`, g.keyOf(t).String())
}

// accented writes a text composed or decomposed.
func (g *Generator) accented(s string) string {
	if g.chance(30) {
		s = norm.NFD.String(s)
	}
	return text(s)
}

// text is a JSON string.
func text(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// object is the members of a JSON object in the making.
type object struct{ body string }

func (o *object) add(name, value string) { o.body += fmt.Sprintf(`,%q:%s`, name, value) }

func (o *object) maybe(g *Generator, percent int, name string, value func() string) {
	if g.chance(percent) {
		o.add(name, value())
	}
}
