package index_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// shelf is a set of resources with their entries: what a store would find in, without one.
type shelf struct {
	t       testing.TB
	entries map[fhir.Key][]search.Entry
	keys    []fhir.Key // in the order of put
	o       search.Options
	index   *index.Index
}

const base = "http://here/fhir"

var also = search.Bases{URLs: []string{"https://before.example/r4"}, Loopback: "/fhir"}

func newShelf(t testing.TB) *shelf {
	fold := func(s string) string {
		return strings.Replace(s, "http://fhir.hl7.org.vn/core/sid/", "https://lienthong.example/sid/", 1)
	}
	return &shelf{
		t: t, entries: map[fhir.Key][]search.Entry{},
		o: search.Options{
			Base: base, Also: also, FoldSystem: fold, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Registry: withContent(),
			Terminology: terminology.New(terminology.Options{}),
		},
		index: index.New(index.Options{Base: base, Also: also, FoldSystem: fold, Registry: withContent()}),
	}
}

// withContent gives the parameters of R4 with an index for _content.
func withContent() *r4.Registry {
	p := search.ContentParam()
	p.ID = r4.FirstCustom
	reg, err := (*r4.Registry)(nil).With([]*r4.SearchParam{p})
	if err != nil {
		panic(err)
	}
	return reg
}

// put adds a resource that was last updated at the time given.
func (s *shelf) put(raw string, at fhir.Instant) {
	s.t.Helper()
	d, err := resource.Parse([]byte(raw), resource.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	entries, issues := s.index.Resource(d.Root(), 0)
	if issues != nil {
		s.t.Fatalf("%s: %v", raw, issues)
	}
	id, _ := d.Root().ID()
	key := fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}
	entries = append([]search.Entry{{Param: search.ParamLastUpdated, Value: search.InstantValue(at)}}, entries...)
	s.entries[key] = entries
	s.keys = append(s.keys, key)
}

// Entries and Resources make the shelf a search.World.
func (s *shelf) Entries(key fhir.Key) ([]search.Entry, bool) {
	e, ok := s.entries[key]
	return e, ok
}

func (s *shelf) Contained(fhir.Key) []search.Contained { return nil }

func (s *shelf) Resources(t fhir.Type) iter.Seq2[fhir.Key, []search.Entry] {
	return func(yield func(fhir.Key, []search.Entry) bool) {
		for _, key := range s.keys {
			if key.Type == t && !yield(key, s.entries[key]) {
				return
			}
		}
	}
}

// request binds "Type?query".
func (s *shelf) request(what string) (search.Request, error) {
	of, query, _ := strings.Cut(what, "?")
	params, err := search.Parse(query)
	if err != nil {
		return search.Request{}, err
	}
	return search.Bind(fhir.Type(of), params, s.o)
}

// found gives the ids that "Type?query" finds, in the order of put.
func (s *shelf) found(what string) string {
	s.t.Helper()
	r, err := s.request(what)
	if err != nil {
		return err.Error()
	}
	var ids []string
	for _, key := range s.keys {
		if search.MatchesIn(r.Query, key, s.entries[key], s) {
			ids = append(ids, string(key.ID))
		}
	}
	return strings.Join(ids, " ")
}

// row is a row of the table of search features: resources, and queries with the ids that they find.
type row struct {
	name  string
	docs  []string
	finds map[string]string
}

func patient(id, rest string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,%s}`, id, rest)
}

func observation(id, rest string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"final",%s}`, id, rest)
}

const bp, loinc, ucum = `"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]}`, "http://loinc.org", "http://unitsofmeasure.org"

var rows = []row{
	{"and-or", []string{
		patient("a", `"gender":"male","name":[{"family":"Võ"}]`),
		patient("b", `"gender":"female","name":[{"family":"Võ"}]`),
		patient("c", `"gender":"male","name":[{"family":"A,B|C$D\\"}],"identifier":[{"system":"s","value":"x|y,z"}]`),
	}, map[string]string{
		"Patient?":                                     "a b c",
		"Patient?gender=male&family=vo":                "a",
		"Patient?gender=male,female":                   "a b c",
		"Patient?family=vo,a&gender=male":              "a c",
		"Patient?gender=male&gender=female":            "",
		`Patient?family:exact=A\,B\|C\$D\\`:            "c",
		"Patient?family:exact=A,B%7CC$D\\":             "",
		`Patient?identifier=s|x\|y\,z`:                 "c",
		`Patient?identifier=x\|y\,z`:                   "c",
		`Patient?identifier=s|x\|y\,z,s|q&gender=male`: "c",
	}},
	{"id", []string{patient("a", `"active":true`), patient("b", `"active":true`)}, map[string]string{
		"Patient?_id=a": "a", "Patient?_id=a,b,c": "a b", "Patient?_id=c": "", "Patient?_id=a&_id=b": "", "Patient?_id=A": "",
	}},
	{"lastUpdated", []string{patient("a", `"active":true`), patient("b", `"active":true`), patient("c", `"active":true`)}, map[string]string{
		// a at 2026-03-01T00:00:00Z, then one a second
		"Patient?_lastUpdated=2026-03-01":                                                 "a b c",
		"Patient?_lastUpdated=2026-03-01T00:00:01Z":                                       "b",
		"Patient?_lastUpdated=2026-03-01T07:00:01%2B07:00":                                "b",
		"Patient?_lastUpdated=2026-03-01T07:00:01+07:00":                                  "b",
		"Patient?_lastUpdated=gt2026-03-01T00:00:01Z":                                     "c",
		"Patient?_lastUpdated=ge2026-03-01T00:00:01Z":                                     "b c",
		"Patient?_lastUpdated=lt2026-03-01T00:00:01Z":                                     "a",
		"Patient?_lastUpdated=le2026-03-01T00:00:01Z":                                     "a b",
		"Patient?_lastUpdated=ne2026-03-01T00:00:01Z":                                     "a c",
		"Patient?_lastUpdated=ge2026-03-01T00:00:01Z&_lastUpdated=lt2026-03-01T00:00:02Z": "b",
		"Patient?_lastUpdated=gt2026":                                                     "",
		"Patient?_lastUpdated=2026-03-01T00:00:01.000Z":                                   "b",
		"Patient?_lastUpdated=2026-03-01T00:00:01.001Z":                                   "",
		"Patient?_lastUpdated=2026-03-01T00:00:00Z,2026-03-01T00:00:02Z":                  "a c",
		"Patient?_lastUpdated=sa2026-03-01T00:00Z":                                        "",
		"Patient?_lastUpdated=eb2026-03-01T00:00:02Z":                                     "a b",
	}},
	{"token", []string{
		patient("a", `"active":true,"gender":"male","identifier":[{"system":"http://fhir.hl7.org.vn/core/sid/cccd","value":"051085000011"}],"telecom":[{"system":"phone","value":"0901"},{"system":"email","value":"a@x.vn"}]`),
		patient("b", `"active":false,"gender":"female","identifier":[{"value":"051085000011"},{"system":"s","value":"051085"}],"deceasedBoolean":false,"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"vi"}]}}]`),
		patient("c", `"deceasedDateTime":"2020","meta":{"tag":[{"system":"s","code":"t"}],"profile":["http://p|1.0"],"source":"urn:src"}`),
	}, map[string]string{
		"Patient?identifier=051085000011":                                      "a b",
		"Patient?identifier=https://lienthong.example/sid/cccd|051085000011":   "a",
		"Patient?identifier=http://fhir.hl7.org.vn/core/sid/cccd|051085000011": "a",
		"Patient?identifier=|051085000011":                                     "b",
		"Patient?identifier=s|":                                                "b",
		"Patient?identifier=https://lienthong.example/sid/cccd|":               "a",
		"Patient?identifier=051085":                                            "b",
		"Patient?active=true":                                                  "a",
		"Patient?active=false":                                                 "b",
		"Patient?deceased=true":                                                "c",
		"Patient?deceased=false":                                               "a b",
		"Patient?gender=male":                                                  "a",
		"Patient?gender=|male":                                                 "a",
		"Patient?gender=http://hl7.org/fhir/administrative-gender|male":        "a",
		"Patient?gender=http://hl7.org/fhir/administrative-gender|":            "a b",
		"Patient?gender=http://else|male":                                      "",
		"Patient?phone=0901":                                                   "a",
		"Patient?email=0901":                                                   "",
		"Patient?telecom=a@x.vn":                                               "a",
		"Patient?telecom=email|a@x.vn":                                         "a",
		"Patient?telecom=phone|a@x.vn":                                         "",
		"Patient?language=vi":                                                  "b",
		"Patient?_tag=t":                                                       "c",
		"Patient?_tag=s|t":                                                     "c",
		"Patient?_profile=http://p":                                            "c",
		"Patient?_profile=http://p%7C1.0":                                      "c",
		"Patient?_profile=http://p%7C2.0":                                      "",
		"Patient?_source=urn:src":                                              "c",
		"Patient?gender=mal":                                                   "",
		"Patient?gender=MALE":                                                  "",
	}},
	{"string", []string{
		patient("a", `"name":[{"family":"Eve"}],"address":[{"line":["12 Lê Lợi","Tầng 3"],"city":"Quảng Ngãi","postalCode":"53000","text":"12 Lê Lợi, Quảng Ngãi"}]`),
		patient("b", `"name":[{"family":"Evens","given":["Severine","Anne Marie"],"prefix":["Dr."],"suffix":["MD"]}]`),
		patient("c", `"name":[{"text":"Dr. Severine Evens"}]`),
	}, map[string]string{
		"Patient?name=eve":                     "a b c",
		"Patient?family=eve":                   "a b",
		"Patient?family:exact=Eve":             "a",
		"Patient?family:exact=eve":             "",
		"Patient?name:exact=Anne Marie":        "b",
		"Patient?given=anne":                   "b",
		"Patient?given=marie":                  "",
		"Patient?name=marie":                   "b",
		"Patient?name=evens severine":          "b c",
		"Patient?name=severine evens":          "b c",
		"Patient?name:exact=evens dr severine": "",
		"Patient?name=dr":                      "b c",
		"Patient?name=md":                      "b",
		"Patient?address=quang":                "a",
		"Patient?address=tang 3":               "a",
		"Patient?address-city=Quảng Ngãi":      "a",
		"Patient?address-postalcode=53":        "a",
		"Patient?name=ven":                     "",
		"Patient?phonetic=eve":                 "a b c",
	}},
	{"string-fold", []string{
		patient("a", `"name":[{"text":"Nguyễn Văn Đạt"}]`),
		patient("b", "\"name\":[{\"family\":\"Nguye\u0302\u0303n\",\"given\":[\"Thị\",\"Ánh Đào\"]}]"),
		patient("c", `"name":[{"family":"O'Brien-Smith"}]`),
	}, map[string]string{
		"Patient?name=nguyen":             "a b",
		"Patient?name=NGUYỄN":             "a b",
		"Patient?name=Nguye\u0302\u0303n": "a b",
		"Patient?name=đạt":                "a",
		"Patient?name=dat nguyen van":     "a",
		"Patient?name=van dat nguyen":     "a",
		"Patient?name=Nguyễn Thị Ánh Đào": "b",
		"Patient?name=Ánh Đào Nguyễn":     "b",
		"Patient?name=Thị Ánh Đào Nguyễn": "b",
		"Patient?name=obrien":             "c",
		"Patient?name=O’Brien  smith":     "c",
		"Patient?name=Nguyẽn":             "a b",
	}},
	{"date", []string{
		patient("day", `"birthDate":"1990-02-15"`), patient("month", `"birthDate":"1990-02"`), patient("year", `"birthDate":"1990"`),
		observation("t", bp+`,"effectiveDateTime":"1990-02-15T23:30:00-05:00"`),
		observation("p", bp+`,"effectivePeriod":{"start":"1990-01-01","end":"1990-03-31"}`),
		observation("open", bp+`,"effectivePeriod":{"start":"1980-01-01"}`),
		observation("until", bp+`,"effectivePeriod":{"end":"1980-01-01"}`),
		observation("events", bp+`,"effectiveTiming":{"event":["1995-01-01","1995-06-01","1994-01-01"]}`),
		observation("bounds", bp+`,"effectiveTiming":{"repeat":{"boundsPeriod":{"start":"1996-01-01","end":"1996-02-01"}}}`),
		observation("instant", bp+`,"effectiveInstant":"1999-12-31T23:59:59.999+07:00"`),
		observation("never", bp+`,"effectiveTiming":{"code":{"text":"daily"}}`),
	}, map[string]string{
		"Patient?birthdate=1990-02-15":               "day",
		"Patient?birthdate=1990-02":                  "day month",
		"Patient?birthdate=1990":                     "day month year",
		"Patient?birthdate=ge1990-02-15":             "day month year",
		"Patient?birthdate=gt1990-02-15":             "month year",
		"Patient?birthdate=gt1990-02-28":             "year",
		"Patient?birthdate=lt1990-02":                "year",
		"Patient?birthdate=le1990-02":                "day month year",
		"Patient?birthdate=sa1990-01":                "day month",
		"Patient?birthdate=eb1990-03":                "day month",
		"Patient?birthdate=ne1990-02":                "year",
		"Patient?birthdate=eq1990-02":                "day month",
		"Patient?birthdate=ge1990&birthdate=lt1991":  "day month year",
		"Patient?birthdate=ap1988":                   "day month year",
		"Patient?birthdate=ap2020":                   "",
		"Observation?date=1990-02-15":                "",
		"Observation?date=1990-02-16":                "t",
		"Observation?date=1990-02-15T23:30:00-05:00": "t",
		"Observation?date=1990-02-16T11:30%2B07:00":  "t",
		"Observation?date=1990":                      "t p",
		"Observation?date=ge1990-03-31":              "p open events bounds instant",
		"Observation?date=gt1990-03-31":              "open events bounds instant",
		"Observation?date=lt1981":                    "open until",
		"Observation?date=eb1985":                    "until",
		"Observation?date=sa1993":                    "events bounds instant",
		"Observation?date=1994,1996":                 "bounds",
		"Observation?date=ge1994&date=le1995-12":     "open events",
		"Observation?date=1999-12-31":                "instant",
		"Observation?date=ge2030":                    "open",
	}},
	{"number", []string{
		`{"resourceType":"RiskAssessment","id":"a","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityDecimal":0.8}]}`,
		`{"resourceType":"RiskAssessment","id":"b","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityDecimal":0.80004},{"probabilityDecimal":100}]}`,
		`{"resourceType":"RiskAssessment","id":"c","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityRange":{"low":{"value":5},"high":{"value":9}}}]}`,
	}, map[string]string{
		"RiskAssessment?probability=0.8":                  "a b",
		"RiskAssessment?probability=0.8000":               "a b",
		"RiskAssessment?probability=0.80000":              "a",
		"RiskAssessment?probability=gt0.8":                "b c",
		"RiskAssessment?probability=ge0.8":                "a b c",
		"RiskAssessment?probability=lt0.8":                "",
		"RiskAssessment?probability=le0.8":                "a",
		"RiskAssessment?probability=100":                  "b",
		"RiskAssessment?probability=1e2":                  "b",
		"RiskAssessment?probability=ap90":                 "",
		"RiskAssessment?probability=ap95":                 "b",
		"RiskAssessment?probability=gt6&probability=lt10": "b c",
		"RiskAssessment?probability=ne0.8":                "b c",
	}},
	{"quantity", []string{
		observation("a", bp+`,"valueQuantity":{"value":5.4,"unit":"mg/dl","system":"`+ucum+`","code":"mg/dL"}`),
		observation("b", bp+`,"valueQuantity":{"value":5.40,"unit":"mg/dL"}`),
		observation("c", bp+`,"valueQuantity":{"value":-5.4,"system":"http://else","code":"mg/dL"}`),
		observation("d", bp+`,"valueSampledData":{"origin":{"value":100,"unit":"uV"},"period":10,"factor":2,"dimensions":1,"data":"-5 E 10 L 7"}`),
		`{"resourceType":"Invoice","id":"e","status":"issued","totalNet":{"value":150000,"currency":"VND"}}`,
		`{"resourceType":"Condition","id":"f","subject":{"reference":"Patient/1"},"onsetAge":{"value":52,"unit":"years","system":"` + ucum + `","code":"a"}}`,
		`{"resourceType":"Condition","id":"g","subject":{"reference":"Patient/1"},"onsetRange":{"low":{"value":40,"unit":"years"},"high":{"value":45,"unit":"years"}}}`,
	}, map[string]string{
		"Observation?value-quantity=5.4":                     "a b",
		"Observation?value-quantity=5.4|" + ucum + "|mg/dL":  "a",
		"Observation?value-quantity=5.4||mg/dL":              "a b",
		"Observation?value-quantity=5.4||mg/dl":              "a",
		"Observation?value-quantity=lt0|http://else|mg/dL":   "c",
		"Observation?value-quantity=lt0||mg/dL":              "c",
		"Observation?value-quantity=ge5.4":                   "a b d",
		"Observation?value-quantity=gt5.4":                   "d",
		"Observation?value-quantity=90||uV":                  "d",
		"Observation?value-quantity=120||uV":                 "d",
		"Observation?value-quantity=ap5||mg/dL":              "a b",
		"Observation?value-quantity=ap5.2||kg":               "",
		"Observation?combo-value-quantity=5.4":               "a b",
		"Observation?value-quantity=ne5.4||mg/dL":            "c",
		"Invoice?totalnet=150000":                            "e",
		"Invoice?totalnet=gt100000|urn:iso:std:iso:4217|VND": "e",
		"Invoice?totalnet=gt100000||USD":                     "",
		"Condition?onset-age=52||a":                          "f",
		"Condition?onset-age=lt50":                           "g",
		"Condition?onset-age=45||years":                      "g",
	}},
	{"uri", []string{
		`{"resourceType":"ValueSet","id":"a","status":"active","url":"http://acme.org/vs/a"}`,
		`{"resourceType":"ValueSet","id":"b","status":"active","url":"urn:oid:1.2.3"}`,
	}, map[string]string{
		"ValueSet?url=http://acme.org/vs/a": "a", "ValueSet?url=http://acme.org/vs": "", "ValueSet?url=HTTP://acme.org/vs/a": "", "ValueSet?url=urn:oid:1.2.3,http://x": "b",
	}},
	{"reference", []string{
		observation("a", bp+`,"subject":{"reference":"Patient/1"}`),
		observation("b", bp+`,"subject":{"reference":"`+base+`/Patient/1"}`),
		observation("c", bp+`,"subject":{"reference":"http://else/fhir/Patient/1"}`),
		observation("d", bp+`,"subject":{"reference":"Group/1"}`),
		observation("e", bp+`,"subject":{"reference":"Patient/1/_history/2"}`),
		observation("f", `"contained":[{"resourceType":"Patient","id":"p"}],`+bp+`,"subject":{"reference":"#p"}`),
		observation("g", bp+`,"subject":{"type":"Patient","reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}`),
		observation("h", bp+`,"subject":{"reference":"https://before.example/r4/Patient/3"}`),
		observation("i", bp+`,"subject":{"reference":"http://127.0.0.1:18080/fhir/Patient/3/_history/1"}`),
		observation("j", bp+`,"subject":{"reference":"http://127.0.0.1.example:80/fhir/Patient/3"}`),
		`{"resourceType":"Library","id":"l","status":"active","type":{"text":"x"},"relatedArtifact":[{"type":"depends-on","resource":"http://lib/x|1.2"},{"type":"composed-of","resource":"http://lib/y"}]}`,
		`{"resourceType":"Bundle","id":"doc","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c1","status":"final","type":{"text":"x"},"date":"2020","author":[{"reference":"Practitioner/1"}],"title":"t"}}]}`,
	}, map[string]string{
		"Observation?subject=Patient/1":                                     "a b e",
		"Observation?subject=1":                                             "a b d e",
		"Observation?subject:Patient=1":                                     "a b e",
		"Observation?subject:Group=1":                                       "d",
		"Observation?subject:Patient=Patient/1":                             "a b e",
		"Observation?patient=1":                                             "a b e",
		"Observation?patient=Patient/1":                                     "a b e",
		"Observation?patient=Group/1":                                       "",
		"Observation?subject=" + base + "/Patient/1":                        "a b e",
		"Observation?subject=http://else/fhir/Patient/1":                    "c",
		"Observation?patient=http://else/fhir/Patient/1":                    "c",
		"Observation?subject=Patient/1/_history/2":                          "a b e",
		"Observation?subject=Patient/3":                                     "h i",
		"Observation?patient=http://localhost:8080/fhir/Patient/3":          "h i",
		"Observation?patient=http://127.0.0.1.example:80/fhir/Patient/3":    "j",
		"Observation?subject=Patient/2":                                     "",
		"Observation?subject=urn:uuid:c757873d-ec9a-4326-a141-556f43239520": "g",
		"Observation?patient=urn:uuid:c757873d-ec9a-4326-a141-556f43239520": "g",
		"Observation?subject=Patient/1,Group/1":                             "a b d e",
		"Library?depends-on=http://lib/x":                                   "l",
		"Library?depends-on=http://lib/x%7C1.2":                             "l",
		`Library?depends-on=http://lib/x\|1.2`:                              "l",
		`Library?depends-on=http://lib/x\|1.3`:                              "",
		"Library?depends-on=http://lib/y":                                   "",
		"Library?composed-of=http://lib/y":                                  "l",
		"Bundle?composition=Composition/c1":                                 "doc",
	}},
	{"composite", []string{
		observation("a", bp+`,"valueQuantity":{"value":120,"unit":"mmHg","system":"`+ucum+`","code":"mm[Hg]"}`),
		observation("b", `"code":{"coding":[{"system":"http://else","code":"8480-6"}]},"valueQuantity":{"value":150,"unit":"mmHg"}`),
		observation("c", `"code":{"text":"panel"},"component":[{`+bp+`,"valueQuantity":{"value":130,"code":"mm[Hg]"}},{"code":{"coding":[{"code":"x"}]},"valueQuantity":{"value":80}},{"code":{"coding":[{"code":"y"}]},"valueCodeableConcept":{"coding":[{"system":"s","code":"pos"}]}}]`),
		observation("d", bp+`,"valueString":"Đục nhẹ"`),
		observation("e", bp+`,"valueDateTime":"2020-05-05"`),
		observation("f", bp+`,"valuePeriod":{"start":"2019-01-01","end":"2021-01-01"}`),
		`{"resourceType":"DocumentReference","id":"r","status":"current","content":[{"attachment":{"url":"http://x"}}],"relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},{"code":"appends","target":{"reference":"DocumentReference/2"}}]}`,
		`{"resourceType":"MolecularSequence","id":"m","coordinateSystem":0,"referenceSeq":{"chromosome":{"coding":[{"code":"12"}]},"windowStart":100,"windowEnd":200},"variant":[{"start":128,"end":129}]}`,
		`{"resourceType":"Group","id":"g","type":"person","actual":true,"characteristic":[{"code":{"coding":[{"code":"gender"}]},"valueCodeableConcept":{"coding":[{"code":"mixed"}]},"exclude":false},{"code":{"coding":[{"code":"adult"}]},"valueBoolean":true,"exclude":false}]}`,
	}, map[string]string{
		"Observation?code-value-quantity=8480-6$120":                                                                "a",
		"Observation?code-value-quantity=8480-6$gt100":                                                              "a b",
		"Observation?code-value-quantity=" + loinc + "|8480-6$gt100":                                                "a",
		"Observation?code-value-quantity=8480-6$gt100||mmHg":                                                        "a b",
		"Observation?code-value-quantity=8480-6$gt100|" + ucum + "|mm[Hg]":                                          "a",
		"Observation?code-value-quantity=8480$gt100":                                                                "",
		"Observation?combo-code-value-quantity=8480-6$gt100":                                                        "a b c",
		"Observation?component-code-value-quantity=8480-6$gt100":                                                    "c",
		"Observation?component-code-value-quantity=x$gt100":                                                         "",
		"Observation?component-code-value-quantity=x$lt100,8480-6$lt100":                                            "c",
		"Observation?component-code-value-concept=y$pos":                                                            "c",
		"Observation?component-code-value-concept=y$s|pos":                                                          "c",
		"Observation?component-code-value-concept=y$t|pos":                                                          "",
		"Observation?combo-code-value-concept=y$pos":                                                                "c",
		"Observation?code-value-string=8480-6$đục":                                                                  "d",
		"Observation?code-value-date=8480-6$2020-05":                                                                "e",
		"Observation?code-value-date=8480-6$ge2020-06":                                                              "f",
		"Observation?code-value-date=8480-6$lt2019-06":                                                              "f",
		"DocumentReference?relationship=replaces$DocumentReference/1":                                               "r",
		"DocumentReference?relationship=replaces$1":                                                                 "r",
		"DocumentReference?relationship=replaces$DocumentReference/2":                                               "",
		"DocumentReference?relationship=http://hl7.org/fhir/document-relationship-type|appends$DocumentReference/2": "r",
		"MolecularSequence?chromosome-variant-coordinate=12$gt120$le129":                                            "m",
		"MolecularSequence?chromosome-variant-coordinate=12$gt120$lt129":                                            "",
		"MolecularSequence?chromosome-window-coordinate=12$100$200":                                                 "m",
		"MolecularSequence?chromosome-window-coordinate=13$100$200":                                                 "",
		"Group?characteristic-value=gender$mixed":                                                                   "g",
		"Group?characteristic-value=gender$true":                                                                    "",
		"Group?characteristic-value=adult$true":                                                                     "g",
	}},
	{"chain", []string{
		patient("p1", `"name":[{"family":"Võ"}],"identifier":[{"system":"s","value":"1"}]`),
		patient("p2", `"name":[{"family":"Lê"}],"identifier":[{"system":"s","value":"2"}]`),
		`{"resourceType":"Group","id":"p1","type":"person","actual":true,"identifier":[{"system":"s","value":"2"}]}`,
		observation("a", bp+`,"subject":{"reference":"Patient/p1"}`),
		observation("b", bp+`,"subject":{"reference":"Patient/p2"}`),
		observation("c", bp+`,"subject":{"reference":"Group/p1"}`),
		observation("d", bp+`,"subject":{"reference":"Patient/none"}`),
	}, map[string]string{
		"Observation?patient.identifier=s|1":                      "a",
		"Observation?patient.identifier=s|2":                      "b",
		"Observation?subject.identifier=s|2":                      "b c",
		"Observation?subject:Group.identifier=s|2":                "c",
		"Observation?subject:Patient.name=vo":                     "a",
		"Observation?subject.name=vo,le":                          "a b",
		"Observation?subject:Patient.family:exact=Võ":             "a",
		"Observation?patient._id=p2":                              "b",
		"Observation?patient.name=vo&patient.name=le":             "",
		"Observation?patient._lastUpdated=lt2026-03-01T00:00:01Z": "a",
	}},
}

// TestSearch has a subtest for each row of the table of search features, at the level of queries and entries.
func TestSearch(t *testing.T) {
	start := fhir.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	for _, r := range slices.Concat(rows, modifierRows, linkRows, textRows) {
		t.Run(r.name, func(t *testing.T) {
			s := newShelf(t)
			for i, doc := range r.docs {
				s.put(doc, start+fhir.Instant(i*1000))
			}
			for query, want := range r.finds {
				if got := s.found(query); got != want {
					t.Errorf("%s finds %q, want %q", query, got, want)
				}
			}
		})
	}
	t.Run("special:refused", func(t *testing.T) {
		for _, value := range []string{"16", "91|0", "0|181", "a|b", "1|2|-3|km", "1|2|3|kg", "1|2|3|km|x", "1|2|x|km", "16,107"} {
			refused(t, "Location?near="+value, "search-value-near")
		}
		refused(t, "Location?near:exact=1|2", "search-modifier-unsupported")
		refused(t, "Location?_sort=near", "search-sort-unsupported")
	})
	t.Run("list:functional", func(t *testing.T) {
		refused(t, "AllergyIntolerance?_list=$current-allergies", "search-list-functional")
	})
	t.Run("include:recurse", func(t *testing.T) {
		refused(t, "Observation?_include:recurse=Observation:subject", "search-modifier-unsupported")
		refused(t, "Patient?_revinclude=*", "search-include-unsupported")
	})
	t.Run("sort", testSort)
	t.Run("total", func(t *testing.T) {
		s := newShelf(t)
		for value, want := range map[string]search.Total{"none": search.TotalNone, "estimate": search.TotalEstimate, "accurate": search.TotalAccurate} {
			if r, err := s.request("Patient?_total=" + value); err != nil || r.Total != want {
				t.Errorf("%s: %v %v", value, r.Total, err)
			}
		}
		refused(t, "Patient?_total=yes", "search-value-choice")
	})
	t.Run("summary", func(t *testing.T) {
		s := newShelf(t)
		for value, want := range map[string]search.Summary{
			"true": search.SummaryTrue, "false": search.SummaryFalse, "text": search.SummaryText, "data": search.SummaryData, "count": search.SummaryCount,
		} {
			if r, err := s.request("Patient?_elements=name&_summary=" + value); err != nil || r.Summary != want || len(r.Elements) != 1 {
				t.Errorf("%s: %v %v", value, r.Summary, err)
			}
		}
	})
	t.Run("type", testTypes)
	t.Run("custom", testCustom)
	t.Run("include", func(t *testing.T) {
		s := newShelf(t)
		r, err := s.request("Observation?_include=Observation:subject&_include=Observation:patient:Patient&_include=Observation:subject")
		want := []search.Include{
			{Source: "Observation", Param: search.ParamID(r4.Param("Observation", "subject").ID)},
			{Source: "Observation", Param: search.ParamID(r4.Param("Observation", "patient").ID), Target: "Patient"},
		}
		if err != nil || !slices.Equal(r.Query.Include, want) {
			t.Errorf("%v %v", r.Query.Include, err)
		}
	})
	t.Run("revinclude", func(t *testing.T) {
		s := newShelf(t)
		r, err := s.request("Patient?_revinclude=Observation:subject&_revinclude=Provenance:target:Patient")
		want := []search.Include{
			{Reverse: true, Source: "Observation", Param: search.ParamID(r4.Param("Observation", "subject").ID)},
			{Reverse: true, Source: "Provenance", Param: search.ParamID(r4.Param("Provenance", "target").ID), Target: "Patient"},
		}
		if err != nil || !slices.Equal(r.Query.Include, want) {
			t.Errorf("%v %v", r.Query.Include, err)
		}
	})
	t.Run("strict", func(t *testing.T) {
		s := newShelf(t)
		s.put(patient("a", `"gender":"male"`), 0)
		_, err := s.request("Patient?gender=male&nmae=x")
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "search-param-unknown" || e.Kind != fhir.Invalid {
			t.Errorf("strict: %v", err)
		}
		s.o.Lenient = true
		r, err := s.request("Patient?gender=male&nmae=x&name:soundex=y&_query=x&_include=*:*&_count=5")
		if err != nil || r.Applied != "gender=male&_count=5" || len(r.Ignored) != 4 {
			t.Errorf("lenient: %v applied %q ignored %v", err, r.Applied, r.Ignored)
		}
		if got := s.found("Patient?gender=male&nmae=x"); got != "a" {
			t.Errorf("lenient finds %q", got)
		}
		if _, err := s.request("Patient?birthdate=x"); err == nil {
			t.Error("lenient takes a value that cannot be read, and would find more than was asked for")
		}
	})
	t.Run("count0", func(t *testing.T) {
		s := newShelf(t)
		zero, err1 := s.request("Patient?_count=0")
		count, err2 := s.request("Patient?_summary=count")
		if err1 != nil || err2 != nil || zero.Summary != search.SummaryCount || count.Summary != search.SummaryCount || zero.Count != 0 {
			t.Errorf("%+v %v, %+v %v", zero, err1, count, err2)
		}
	})
}

// TestSortValues: dates and quantities sort by what they are, whatever their length or unit.
func TestSortValues(t *testing.T) {
	s := newShelf(t)
	s.put(patient("month", `"birthDate":"1991-02"`), 3)
	s.put(patient("day", `"birthDate":"1991-01-31"`), 1)
	s.put(patient("none", `"active":true`), 0)
	s.put(patient("year", `"birthDate":"1990"`), 2)
	for query, want := range map[string]string{
		"Patient?_sort=birthdate": "year day month none", "Patient?_sort=-birthdate": "month day year none",
		"Patient?_sort=_id": "day month none year", "Patient?_sort=-_lastUpdated": "month year day none",
	} {
		r, err := s.request(query)
		if err != nil {
			t.Fatal(err)
		}
		keys := slices.Clone(s.keys)
		k := r.Query.Sort[0]
		slices.SortStableFunc(keys, func(a, b fhir.Key) int {
			va, oka := search.SortValue(k, a, s.entries[a])
			vb, okb := search.SortValue(k, b, s.entries[b])
			switch {
			case oka != okb && oka:
				return -1
			case oka != okb:
				return 1
			case k.Descending:
				return -strings.Compare(string(va), string(vb))
			}
			return strings.Compare(string(va), string(vb))
		})
		var ids []string
		for _, key := range keys {
			ids = append(ids, string(key.ID))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s want %s", query, got, want)
		}
	}
}
