package accesstest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// Doc is a document and on whose behalf it was created.
type Doc struct {
	Key    fhir.Key
	Sender fhir.ID
	JSON   []byte
	Root   resource.Value
}

// Relation is how a document stands to the callers of the tests.
type Relation struct {
	Name      string
	Sender    fhir.ID // organization that sent it
	Patient   fhir.ID // whom it is about
	Encounter fhir.ID
	At        fhir.ID // organization that it names
}

// Relations to hospital h1, clinic k1 and citizen p1. The patients are invented.
var Relations = []Relation{
	{"own", "h1", "p1", "e1", "h1"},        // sent by h1 about p1, who was at h1
	{"visited", "h2", "p1", "e1", "h2"},    // sent by h2 about p1's encounter at h1
	{"other", "h2", "p2", "e2", "h2"},      // nothing to do with h1, k1, p1
	{"denied", "h2", "p3", "e3", "h2"},     // as visited, but p3 denies everybody
	{"denied-own", "h1", "p3", "e3", "h1"}, // sent by h1 itself
	merged, standing,
}

// merged is as denied, but about p4, who is one person with p3: the records of both are one record.
var merged = Relation{"merged", "h2", "p4", "e4", "h2"}

// standing is as merged, but about p8, who stands for p9 and whose entry does not say so; p9 denies everybody.
var standing = Relation{"standing", "h2", "p8", "e8", "h2"}

// mergedTypes are those that have a document of these two; the others would be decided in the same way.
var mergedTypes = []fhir.Type{"AllergyIntolerance", "Claim", "Condition", "Immunization", "Observation", "Procedure"}

// World is all documents.
type World struct {
	Docs  []Doc
	byKey map[fhir.Key]*Doc
}

// Get gives a document, nil if there is none.
func (w *World) Get(key fhir.Key) *Doc { return w.byKey[key] }

// Systems of the codes of facilities, of their episodes and of their patients: the first is that by which the policy names them.
const (
	CSKCB = "http://fhir.hl7.org.vn/core/sid/cskcb"
	MaLK  = "http://fhir.hl7.org.vn/core/sid/malk/"
	MaBN  = "http://fhir.hl7.org.vn/core/sid/mabn/"
)

// Codes are the facilities of the hospitals; o1, which h1 is a part of, has none and may send for both.
var Codes = map[fhir.ID]string{"h1": "51901", "h2": "51902"}

// Examples calls each with the official examples of R4, as fhirtest.Examples does.
type Examples = func(tb testing.TB, each func(name string, raw []byte))

// New makes the world of the official examples.
func New(tb testing.TB, official Examples) *World {
	w := &World{byKey: map[fhir.Key]*Doc{}}
	for _, o := range []string{"h1", "h2", "k1", "o1"} {
		of := ""
		if code := Codes[fhir.ID(o)]; code != "" {
			of = `,"identifier":[{"system":"` + CSKCB + `","value":"` + code + `"}]`
		}
		if o == "h1" {
			of += `,"partOf":{"reference":"Organization/o1"}`
		}
		w.add(tb, "operator", `{"resourceType":"Organization","id":"`+o+`","name":"Organization `+o+`"`+of+`}`)
	}
	for _, p := range Patients {
		p := string(p)
		gp, at, managing := "k1", "h1", ""
		switch p {
		case "p2":
			gp, at = "h2", "h2"
		case "p7": // whose record the clinic keeps, without being the one to go to
			gp, managing = "h2", `,"managingOrganization":{"reference":"Organization/k1"}`
		}
		link := ""
		if into := map[string]string{"p4": "p3", "p9": "p8"}[p]; into != "" {
			link = `,"link":[{"other":{"reference":"Patient/` + into + `"},"type":"replaced-by"}]`
		}
		w.add(tb, "h2", `{"resourceType":"Patient","id":"`+p+`","name":[{"family":"Ngô","given":["Thử Nghiệm"]}],"birthDate":"1990-01-01",`+
			`"generalPractitioner":[{"reference":"Organization/`+gp+`"}]`+managing+link+`}`)
		e := strings.Replace(p, "p", "e", 1)
		w.add(tb, "h2", `{"resourceType":"Encounter","id":"`+e+`","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"period":{"start":"2020-04-01","end":"2020-04-02"},`+
			`"subject":{"reference":"Patient/`+p+`","display":"Ngô Thử Nghiệm"},"serviceProvider":{"reference":"Organization/`+at+`"}}`)
	}
	examples := shortest(tb, official)
	for _, t := range r4.Types() {
		example := examples[t]
		for _, r := range Relations {
			if (r == merged || r == standing) && !slices.Contains(mergedTypes, t) {
				continue
			}
			w.add(tb, r.Sender, string(r.write(tb, t, example)))
		}
	}
	w.partly(tb)
	w.add(tb, "h2", `{"resourceType":"Consent","id":"consent-p9","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],`+
		`"patient":{"reference":"Patient/p9"},"provision":{"type":"deny"}}`)
	// Claims and how far they are, as the server records it.
	for _, of := range []fhir.ID{"h1", "h2"} {
		w.add(tb, of, ClaimOf(of, "claim-of-"+string(of)))
		w.add(tb, "operator", `{"resourceType":"Task","id":"task-of-`+string(of)+`","status":"accepted","intent":"order","focus":{"reference":"Claim/claim-of-`+string(of)+`"}}`)
	}
	return w
}

func (w *World) add(tb testing.TB, sender fhir.ID, text string) {
	d, err := resource.Parse([]byte(text), resource.Limits{})
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	id, _ := d.Root().ID()
	key := fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}
	doc := &Doc{Key: key, Sender: sender, JSON: []byte(text), Root: d.Root()}
	w.byKey[key] = doc
	w.Docs = append(w.Docs, *doc)
}

// ClaimOf is a Claim of an episode of a hospital, with an id if one is given.
func ClaimOf(hospital fhir.ID, id string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Claim",` + id + `"identifier":[{"system":"` + MaLK + Codes[hospital] + `","value":"LK1"}],"status":"active","use":"claim","type":{"text":"x"},` +
		`"patient":{"reference":"Patient/p1"},"created":"2020-04-02","provider":{"reference":"Organization/` + string(hospital) + `"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`
}

// EncounterOf is an Encounter of an episode of a hospital, with an id if one is given.
func EncounterOf(hospital fhir.ID, id string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Encounter",` + id + `"identifier":[{"system":"` + MaLK + Codes[hospital] + `","value":"LK1"}],"status":"planned","class":{"code":"AMB"}}`
}

// StayOf is an Encounter at a hospital, with an id if one is given.
func StayOf(hospital fhir.ID, id string) string {
	return strings.Replace(EncounterOf(hospital, id), `"identifier":[{"system":"`+MaLK+Codes[hospital]+`","value":"LK1"}]`, `"serviceProvider":{"reference":"Organization/`+string(hospital)+`"}`, 1)
}

// PatientOf is a Patient whom a hospital numbers, with an id if one is given.
func PatientOf(hospital fhir.ID, id string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Patient",` + id + `"identifier":[{"system":"` + MaBN + Codes[hospital] + `","value":"BN1"}],"active":true}`
}

// LocationOf is a place that a hospital manages, with an id if one is given.
func LocationOf(hospital fhir.ID, id string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Location",` + id + `"managingOrganization":{"reference":"Organization/` + string(hospital) + `"}}`
}

// Made is a document that a sender would create.
func Made(tb testing.TB, sender fhir.ID, text string) *Doc {
	w := World{byKey: map[fhir.Key]*Doc{}}
	w.add(tb, sender, text)
	return &w.Docs[0]
}

// ID is the id of the document of a type in a relation.
func (r Relation) ID(t fhir.Type) fhir.ID { return fhir.ID(strings.ToLower(string(t)) + "-" + r.Name) }

// write makes an example the document of a relation.
func (r Relation) write(tb testing.TB, t fhir.Type, example []byte) []byte {
	if t == "Consent" {
		kind := "permit"
		if strings.HasPrefix(r.Name, "denied") {
			kind = "deny"
		}
		return []byte(`{"resourceType":"Consent","id":"` + string(r.ID(t)) + `","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},` +
			`"category":[{"coding":[{"code":"59284-0"}]}],"patient":{"reference":"Patient/` + string(r.Patient) + `"},"policyRule":{"coding":[{"code":"OPTIN"}]},` +
			`"provision":{"type":"` + kind + `"}}`)
	}
	v := minimal(t)
	if example != nil {
		clear(v)
		dec := json.NewDecoder(bytes.NewReader(example))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			tb.Fatal(err)
		}
	}
	v["id"] = string(r.ID(t))
	delete(v, "contained") // what refers to it is left, and leads nowhere
	r.lead(v)
	delete(v, "meta")
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// lead makes references below v lead to the people of the relation, and to the documents of the relation.
func (r Relation) lead(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			r.lead(e)
		}
	case map[string]any:
		if s, ok := v["reference"].(string); ok {
			switch to := fhir.ParseReference(s).Key; {
			case to.ID == "":
				delete(v, "reference")
				v["display"] = "elsewhere"
			case to.Type == "Patient":
				v["reference"] = "Patient/" + string(r.Patient)
			case to.Type == "Encounter":
				v["reference"] = "Encounter/" + string(r.Encounter)
			case to.Type == "Organization":
				v["reference"] = "Organization/" + string(r.At)
			default:
				v["reference"] = string(to.Type) + "/" + string(r.ID(to.Type))
			}
		}
		for _, e := range v {
			r.lead(e)
		}
	}
}

// shortest gives the shortest official example of each type.
func shortest(tb testing.TB, examples Examples) map[fhir.Type][]byte {
	out := map[fhir.Type][]byte{}
	examples(tb, func(_ string, raw []byte) {
		d, err := resource.Parse(raw, resource.Limits{})
		if err != nil || walk.Resource(d.Root(), 1) != nil {
			return // one of the few that break a rule of their own
		}
		if t := d.Root().ResourceType(); t != "" && (out[t] == nil || len(raw) < len(out[t])) {
			out[t] = raw
		}
	})
	return out
}
