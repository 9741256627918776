package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// people are Patients of a hospital, one for each client of a load, with a stay there and some values: what a hospital's grant, the
// policy's conditions and the trail are decided by is all there.
type people struct {
	name    string // begins their ids
	consent bool   // each has a Consent in force
}

var (
	plain     = people{"bench", false}
	consented = people{"benchconsent", true}
)

// valuesOfPerson are the Observations of each.
const valuesOfPerson = 10

func (p people) id(client int) string { return fmt.Sprintf("%s-%d", p.name, client%clients) }

func (p people) value(client, n int) string {
	return fmt.Sprintf("Observation/%s-%d", p.id(client), n%valuesOfPerson)
}

// observation is the n-th value of a client's person, as observation makes it.
func (p people) observation(client, n int) string {
	return strings.NewReplacer("Patient/bench", "Patient/"+p.id(client), "Encounter/bench", "Encounter/"+p.id(client)).Replace(string(observation(n)))
}

// record is a transaction that puts a client's person with all that belongs to it.
func (p people) record(client int) []byte {
	id := p.id(client)
	var entries []string
	put := func(path, doc string) {
		kind, name, _ := strings.Cut(path, "/")
		doc = strings.Replace(doc, `{"resourceType":"`+kind+`"`, `{"resourceType":"`+kind+`","id":"`+name+`"`, 1)
		entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":%q}}`, doc, path))
	}
	put("Patient/"+id, `{"resourceType":"Patient","name":[{"text":"Người bệnh thử nghiệm"}]}`)
	put("Encounter/"+id, `{"resourceType":"Encounter","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},`+
		`"subject":{"reference":"Patient/`+id+`"},"serviceProvider":{"reference":"Organization/bench"}}`)
	for n := range valuesOfPerson {
		put(p.value(client, n), p.observation(client, n))
	}
	return []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`)
}

// refusal is a Consent that lets the record be used but for research: it denies nothing of what the load asks, and all of that is held
// against it.
func (p people) refusal(client int) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Consent","id":%[1]q,"status":"active",`+
		`"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
		`"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%[1]s"},"dateTime":"2026-01-01",`+
		`"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},`+
		`"provision":{"type":"permit","provision":[{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HRESCH"}]}]}}`, p.id(client))
}

// bring puts them on a side, under the same ids on each.
func (p people) bring(ctx context.Context, s side) error {
	steps := []func(client int) *Request{
		func(client int) *Request {
			return &Request{Method: http.MethodPost, Body: p.record(client), Header: s.header}
		},
	}
	if p.consent { // its patient must be one of the hospital's before
		steps = append(steps, func(client int) *Request {
			return &Request{Method: http.MethodPut, Path: "Consent/" + p.id(client), Body: p.refusal(client), Header: s.header}
		})
	}
	for _, step := range steps {
		res := Load{Clients: clients, Next: func(client, n int) *Request {
			if n > 0 {
				return nil
			}
			return step(client)
		}}.Run(ctx, s.server.base)
		if len(res.Errors) > 0 {
			return fmt.Errorf("loading the server %s: %s", s.name, res.ErrorText())
		}
	}
	return nil
}

// comparedChildren are the invented children of each side, whose vaccinations are asked for.
const comparedChildren = 200

// bringChildren puts them on each side.
func (s *session) bringChildren(workload string, sides []side) error {
	for _, side := range sides {
		own := *s
		own.base, own.header, own.Children = side.server.base, side.header, comparedChildren
		if _, _, err := own.children(workload); err != nil {
			return err
		}
	}
	return nil
}

// vaccinations asks for the doses of one child after the other by citizen ID, summaries for what they come to.
func vaccinations(header map[string]string) func(client, n int) *Request {
	return ofChildren("Immunization?patient.identifier=%s&_sort=-date", header)
}

func summaries(header map[string]string) func(client, n int) *Request {
	return ofChildren("Patient/$immunization-summary?identifier=%s", header)
}

func ofChildren(path string, header map[string]string) func(client, n int) *Request {
	return func(client, n int) *Request {
		id := url.QueryEscape(citizenIDs + "|" + citizenID((client*31+n)%comparedChildren))
		return &Request{Method: http.MethodGet, Path: fmt.Sprintf(path, id), Header: header}
	}
}

// create makes one more value of the client's person.
func (p people) create(header map[string]string) func(client, n int) *Request {
	var bodies [clients][]byte
	for client := range bodies {
		bodies[client] = []byte(p.observation(client, 4))
	}
	h := map[string]string{"Prefer": "return=minimal"}
	maps.Copy(h, header)
	return func(client, _ int) *Request {
		return &Request{Method: http.MethodPost, Path: "Observation", Body: bodies[client%clients], Header: h}
	}
}

// read reads the values of one person after the other.
func (p people) read(header map[string]string) func(client, n int) *Request {
	return func(client, n int) *Request {
		return &Request{Method: http.MethodGet, Path: p.value(client+n, n), Header: header}
	}
}

// search asks for all values of one person after the other.
func (p people) search(header map[string]string) func(client, n int) *Request {
	return func(client, n int) *Request {
		return &Request{Method: http.MethodGet, Path: "Observation?patient=Patient/" + p.id(client+n) + "&code=http://loinc.org%7C8302-2&_count=20", Header: header}
	}
}
