package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// sample is what the search mix draws its values from: one patient of the data.
type sample struct {
	family, given, birthDate, record string
	id                               string // logical id on the server
}

// search measures the search mix, and in the same run reads by id.
func (s *session) search() error {
	if err := s.serve(); err != nil {
		return err
	}
	s.settle(resting)
	people, err := s.samples()
	if err != nil {
		return err
	}
	mix := searchMix()
	next := mixOf(mix, people)
	used := s.processorTime("search", "")
	total := Load{Clients: 30, Duration: s.Duration, Next: next}.Run(s.ctx, s.base)
	s.report.load("search", "the mix, 30 clients, _count=20", total, 0)
	used(total)
	what := fmt.Sprintf("the mix, %d clients", clients)
	fast := Load{Clients: clients, Duration: s.Duration, Next: next}.Run(s.ctx, s.base)
	s.report.load("search", what+", as fast as it goes", fast, 0)
	s.atRate("search", what, fast, next, 3, 25)
	each := s.Duration / 5
	for _, m := range mix {
		res := Load{Clients: 8, Duration: each, Next: func(client, i int) *Request {
			return &Request{Method: http.MethodGet, Path: m.path(people[(client*31+i)%len(people)])}
		}}.Run(s.ctx, s.base)
		s.report.load("search", m.name, res, 0)
	}
	ids, err := someIDs(s.ctx, s.base, "Observation", 1000)
	if err != nil {
		return err
	}
	reads := Load{Clients: 30, Duration: s.Duration, Next: func(client, i int) *Request {
		return &Request{Method: http.MethodGet, Path: "Observation/" + ids[(client*7919+i)%len(ids)]}
	}}.Run(s.ctx, s.base)
	s.report.load("search", "reads by id, 30 clients", reads, 0)
	s.report.add(Row{Workload: "search", Figure: "the mix against reads by id", Value: total.PerSecond() / reads.PerSecond(), Unit: "ratio"})
	return nil
}

// samples reads the patients of the data from their bundles and their ids from the server.
func (s *session) samples() ([]sample, error) {
	var people []sample
	for _, b := range s.loaded {
		var file struct {
			Entry []struct {
				Resource struct {
					ResourceType string `json:"resourceType"`
					BirthDate    string `json:"birthDate"`
					Name         []struct {
						Family string   `json:"family"`
						Given  []string `json:"given"`
					} `json:"name"`
				} `json:"resource"`
			} `json:"entry"`
		}
		if err := json.NewDecoder(bytes.NewReader(b.raw)).Decode(&file); err != nil {
			return nil, err
		}
		for _, e := range file.Entry {
			r := e.Resource
			if r.ResourceType != "Patient" || len(r.Name) == 0 || len(r.Name[0].Given) == 0 {
				continue
			}
			p := sample{family: r.Name[0].Family, given: r.Name[0].Given[0], birthDate: r.BirthDate, record: b.patient}
			raw, err := get(s.ctx, s.base+"/Patient?identifier="+url.QueryEscape(recordNumber+"|"+p.record))
			if err != nil {
				return nil, err
			}
			var page searchPage
			if err := json.Unmarshal(raw, &page); err != nil || len(page.Entry) == 0 {
				return nil, fmt.Errorf("a patient of the data is not on the server (%v)", err)
			}
			p.id = page.Entry[0].Resource.ID
			people = append(people, p)
		}
	}
	if len(people) == 0 {
		return nil, fmt.Errorf("no patients to draw values from")
	}
	return people, nil
}

// mixOf gives the requests of a load of the mix: each client asks all kinds in turn, for one person after the other.
func mixOf(mix []kind, people []sample) func(client, i int) *Request {
	return func(client, i int) *Request {
		n := client*7 + i
		return &Request{Method: http.MethodGet, Path: mix[n%len(mix)].path(people[(n/len(mix)+client)%len(people)])}
	}
}

// search kinds of the mix, each a request on one sample.
type kind struct {
	name string
	path func(sample) string
}

// searchMix is one request of each kind, with equal weights.
func searchMix() []kind {
	q := url.QueryEscape
	const count = "&_count=20"
	fixed := func(path string) func(sample) string { return func(sample) string { return path + count } }
	return []kind{
		{"Patient by name prefix", func(p sample) string {
			return "Patient?name=" + q(string([]rune(p.family)[:min(3, len([]rune(p.family)))])) + count
		}},
		{"Patient by family and given", func(p sample) string { return "Patient?family=" + q(p.family) + "&given=" + q(p.given) + count }},
		{"Patient by birth year", func(p sample) string { return "Patient?birthdate=" + p.birthDate[:4] + count }},
		{"Patient by gender and birth date range", fixed("Patient?gender=female&birthdate=ge1950&birthdate=lt1990")},
		{"Patient by identifier", func(p sample) string { return "Patient?identifier=" + q(recordNumber+"|"+p.record) + count }},
		{"Observation by patient", func(p sample) string { return "Observation?patient=Patient/" + p.id + count }},
		{"Observation by code", fixed("Observation?code=" + q("http://loinc.org|8302-2"))},
		{"Observation by patient, code, date range", func(p sample) string {
			return "Observation?patient=Patient/" + p.id + "&code=" + q("http://loinc.org|8302-2") + "&date=ge2010&date=lt2020" + count
		}},
		{"Observation by code and value greater than", fixed("Observation?code-value-quantity=" + q("http://loinc.org|8302-2$gt170"))},
		{"Observation by date with sort", fixed("Observation?date=ge2019-01-01&_sort=-date")},
		{"Encounter by patient and date", func(p sample) string { return "Encounter?patient=Patient/" + p.id + "&date=ge2010" + count }},
		{"Encounter by status and type", fixed("Encounter?status=finished&type=" + q("http://snomed.info/sct|162673000"))},
		{"Condition by code", fixed("Condition?code=" + q("http://snomed.info/sct|444814009"))},
		{"Condition by patient and onset date", func(p sample) string { return "Condition?patient=Patient/" + p.id + "&onset-date=ge2000" + count }},
		{"MedicationRequest by patient and status", func(p sample) string { return "MedicationRequest?patient=Patient/" + p.id + "&status=stopped" + count }},
		{"MedicationRequest by code", fixed("MedicationRequest?code=" + q("http://www.nlm.nih.gov/research/umls/rxnorm|308136"))},
		{"Claim by patient and created", func(p sample) string { return "Claim?patient=Patient/" + p.id + "&created=ge2010" + count }},
		{"ExplanationOfBenefit by patient", func(p sample) string { return "ExplanationOfBenefit?patient=Patient/" + p.id + count }},
		{"Procedure by patient and date", func(p sample) string { return "Procedure?patient=Patient/" + p.id + "&date=ge2010" + count }},
		{"Immunization by patient and vaccine code", func(p sample) string { return "Immunization?patient=Patient/" + p.id + "&vaccine-code=140" + count }},
		{"Chain: Observation by patient name", func(p sample) string { return "Observation?patient.name=" + q(p.family) + count }},
		{"Include of the patient", func(p sample) string {
			return "Encounter?patient=Patient/" + p.id + "&_include=Encounter:patient" + count
		}},
	}
}
