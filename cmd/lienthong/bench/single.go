package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// clients is the number of clients of the single-resource loads.
const clients = 64

// create measures durable single creates: 64 clients POST Observations, each answered when it is on disk.
func (s *session) create() error {
	if err := s.serve(); err != nil {
		return err
	}
	s.settle(resting)
	body := observation(4)
	used := s.processorTime("create", "")
	res := Load{Clients: clients, Duration: s.Duration, Next: func(_, _ int) *Request {
		return &Request{Method: http.MethodPost, Path: "Observation", Body: body, Header: map[string]string{"Prefer": "return=minimal"}}
	}}.Run(s.ctx, s.base)
	s.report.load("create", fmt.Sprintf("durable creates, %d clients", clients), res, 4000)
	used(res)
	if s.Target != "" {
		return nil
	}
	raw, err := rawCreates(s.ctx, s.dir, body, s.Duration)
	if err != nil {
		return err
	}
	s.report.add(Row{Workload: "create", Figure: fmt.Sprintf("raw engine, %d writers", clients), Value: raw, Unit: "commits/s"})
	s.report.add(Row{Workload: "create", Figure: "share of the raw engine", Value: res.PerSecond() / raw, Unit: "ratio"})
	return nil
}

// observation is a plain document of usual size; n makes its value differ.
func observation(n int) []byte {
	return []byte(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"},"subject":{"reference":"Patient/bench"},"encounter":{"reference":"Encounter/bench"},"effectiveDateTime":"2016-01-09T05:08:47-05:00","issued":"2016-01-09T05:08:47.379-05:00","valueQuantity":{"value":16` + strconv.Itoa(n) + `.2,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`)
}

// read measures reads by id of a thousand resources, which the server may still know from the last time, and of twenty times as
// many; in the same run a bare Gin handler that returns the same bytes.
func (s *session) read() error {
	if err := s.serve(); err != nil {
		return err
	}
	s.settle(resting)
	ids, err := someIDs(s.ctx, s.base, "Observation", 20_000)
	if err != nil {
		return err
	}
	reads := func(ids []string) Result {
		return Load{Clients: clients, Duration: s.Duration, Next: func(client, i int) *Request {
			return &Request{Method: http.MethodGet, Path: "Observation/" + ids[(client*7919+i)%len(ids)]}
		}}.Run(s.ctx, s.base)
	}
	s.report.load("read", fmt.Sprintf("reads by id, %d clients, of %d resources", clients, len(ids)), reads(ids), 0)
	res := reads(ids[:min(1000, len(ids))])
	s.report.load("read", fmt.Sprintf("reads by id, %d clients", clients), res, 15000)
	if s.Target != "" {
		return nil
	}
	for _, kind := range []string{"gin", "nethttp"} {
		bare, err := s.bare(kind, ids[0])
		if err != nil {
			return err
		}
		s.report.load("read", "bare "+kind+" handler, the same bytes", bare, 0)
		limit := 0.0
		if kind == "gin" {
			limit = 0.6
		}
		s.report.add(Row{Workload: "read", Figure: "share of the bare " + kind + " handler", Value: res.PerSecond() / bare.PerSecond(), Unit: "ratio", Limit: limit})
	}
	return nil
}

// bare loads a handler that does nothing but answer with the bytes of one resource, in a child process of its own.
func (s *session) bare(kind, id string) (Result, error) {
	raw, err := get(s.ctx, s.base+"/Observation/"+id)
	if err != nil {
		return Result{}, err
	}
	dir := filepath.Join(s.dir, "bare-"+kind)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Result{}, err
	}
	file := filepath.Join(dir, "answer.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return Result{}, err
	}
	p, err := start(s.ctx, dir, "bench-bare", "--kind", kind, "--answer", file)
	if err != nil {
		return Result{}, err
	}
	defer p.kill()
	return Load{Clients: clients, Duration: s.Duration, Next: func(_, _ int) *Request {
		return &Request{Method: http.MethodGet, Path: "Observation/" + id}
	}}.Run(s.ctx, p.base), nil
}

// someIDs gives up to n ids of a type from the server, by following the links of a search.
func someIDs(ctx context.Context, base string, typ string, n int) ([]string, error) {
	var ids []string
	next := base + "/" + typ + "?_count=500"
	for next != "" && len(ids) < n {
		raw, err := get(ctx, next)
		if err != nil {
			return nil, err
		}
		var page searchPage
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Entry {
			ids = append(ids, e.Resource.ID)
		}
		next = page.link("next")
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("the server holds no %s", typ)
	}
	return ids, nil
}

// searchPage is what the bench reads of a searchset Bundle.
type searchPage struct {
	Total int `json:"total"`
	Link  []struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	} `json:"link"`
	Entry []struct {
		Resource struct {
			ResourceType string `json:"resourceType"`
			ID           string `json:"id"`
		} `json:"resource"`
	} `json:"entry"`
}

func (p searchPage) link(relation string) string {
	for _, l := range p.Link {
		if l.Relation == relation {
			return l.URL
		}
	}
	return ""
}

// get reads a URL that must answer 200.
func get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d: %s", address, resp.StatusCode, bytes.TrimSpace(raw[:min(len(raw), 300)]))
	}
	return raw, nil
}

// crudTypes are the nine types of the crud load with a body for each; every body stands on its own.
var crudTypes = []struct{ typ, body string }{
	{"Patient", `{"resourceType":"Patient","active":true,"name":[{"family":"Bench","given":["Synthetic"]}],"gender":"female","birthDate":"1980-02-03"}`},
	{"Location", `{"resourceType":"Location","status":"active","name":"Bench ward"}`},
	{"Organization", `{"resourceType":"Organization","active":true,"name":"Bench hospital"}`},
	{"Practitioner", `{"resourceType":"Practitioner","active":true,"name":[{"family":"Bench"}]}`},
	{"Encounter", `{"resourceType":"Encounter","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/bench"},"period":{"start":"2026-03-01T08:00:00+07:00","end":"2026-03-01T09:00:00+07:00"}}`},
	{"Observation", string(observation(5))},
	{"MedicationRequest", `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"Bench tablet"},"subject":{"reference":"Patient/bench"},"authoredOn":"2026-03-01"}`},
	{"Claim", `{"resourceType":"Claim","status":"active","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]},"use":"claim","patient":{"reference":"Patient/bench"},"created":"2026-03-01","provider":{"reference":"Organization/bench"},"priority":{"coding":[{"code":"normal"}]},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"bench"}}]}`},
	{"ExplanationOfBenefit", `{"resourceType":"ExplanationOfBenefit","status":"active","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]},"use":"claim","patient":{"reference":"Patient/bench"},"created":"2026-03-01","insurer":{"display":"bench"},"provider":{"reference":"Organization/bench"},"outcome":"complete","insurance":[{"focal":true,"coverage":{"display":"bench"}}]}`},
}

// crud measures 300 clients that create, read, update and delete over nine types.
func (s *session) crud() error {
	if err := s.serve(); err != nil {
		return err
	}
	const crudClients = 300
	made := make([]string, crudClients) // id of the resource that a client works on
	res := Load{Clients: crudClients, Duration: s.Duration, Next: func(client, i int) *Request {
		kind := crudTypes[(client+i/4)%len(crudTypes)]
		path := kind.typ + "/" + made[client]
		switch i % 4 {
		case 0:
			return &Request{Method: http.MethodPost, Path: kind.typ, Body: []byte(kind.body), Read: func(_ int, _ http.Header, body []byte) {
				var r struct {
					ID string `json:"id"`
				}
				_ = json.Unmarshal(body, &r)
				made[client] = r.ID
			}}
		case 1:
			return &Request{Method: http.MethodGet, Path: path}
		case 2:
			return &Request{Method: http.MethodPut, Path: path, Body: []byte(`{"id":"` + made[client] + `",` + kind.body[1:])}
		default:
			return &Request{Method: http.MethodDelete, Path: path}
		}
	}}.Run(s.ctx, s.base)
	s.report.load("crud", "requests, 300 clients, nine types", res, 0)
	return nil
}

// history measures vaccination history by citizen ID at a steady rate, with the data loaded once and Copies times.
func (s *session) history() error {
	if s.Target == "" { // a store of its own, since it grows to Copies times the data
		s.end()
		own := *s
		own.dir = filepath.Join(s.dir, "history")
		own.server, own.base = nil, ""
		if err := os.MkdirAll(own.dir, 0o700); err != nil {
			return err
		}
		defer func() { own.end(); s.base = "" }()
		return own.historySlope()
	}
	return s.historySlope()
}

func (s *session) historySlope() error {
	if err := s.serve(); err != nil {
		return err
	}
	single, err := s.historyAt("1 x the data", s.loaded)
	if err != nil || s.Copies < 2 {
		return err
	}
	for n := 1; n < s.Copies; n++ {
		var more []bundle
		for _, b := range s.loaded {
			more = append(more, b.copyOf(n))
		}
		if res := post(s.ctx, s.base, s.Senders, more); len(res.Errors) > 0 {
			return fmt.Errorf("copy %d: %s", n, res.ErrorText())
		}
	}
	many, err := s.historyAt(fmt.Sprintf("%d x the data", s.Copies), s.loaded)
	if err != nil {
		return err
	}
	s.report.add(Row{Workload: "history", Figure: fmt.Sprintf("median with %d x against 1 x", s.Copies), Value: many.Quantile(50) / single.Quantile(50), Unit: "ratio"})
	if s.server != nil {
		resident, peak, _ := s.server.usage()
		s.report.add(Row{Workload: "history", Figure: fmt.Sprintf("memory with %d x the data", s.Copies), Value: float64(resident) / 1e6, Unit: "MB", Note: fmt.Sprintf("peak %.0f", float64(peak)/1e6)})
	}
	return nil
}

// historyAt runs the history load: first as fast as it goes, then at the clinics' pace and at half of that rate for the latencies,
// which it gives.
func (s *session) historyAt(what string, patients []bundle) (Result, error) {
	next := func(client, i int) *Request {
		id := patients[(client*31+i)%len(patients)].patient
		return &Request{Method: http.MethodGet, Path: "Immunization?patient.identifier=" + url.QueryEscape(recordNumber+"|"+id) + "&_sort=-date"}
	}
	var once sync.Once
	var found int
	probe := Load{Clients: 1, Next: func(client, i int) *Request {
		if i >= len(patients) {
			return nil
		}
		r := next(0, i)
		r.Read = func(_ int, _ http.Header, body []byte) {
			var page searchPage
			if json.Unmarshal(body, &page) == nil && len(page.Entry) > 0 {
				once.Do(func() { found = len(page.Entry) })
			}
		}
		return r
	}}.Run(s.ctx, s.base)
	if found == 0 {
		return probe, fmt.Errorf("no vaccination was found by record number (%s)", probe.ErrorText())
	}
	s.settle(resting)
	fast := Load{Clients: clients, Duration: s.Duration, Next: next}.Run(s.ctx, s.base)
	s.report.load("history", what+", as fast as it goes", fast, 0)
	return s.clinics("history", what, fast, next, 10), nil
}

// startup measures the time from start to the first answer on an empty folder, and after kill -9.
func (s *session) startup() error {
	if s.Target != "" {
		return nil
	}
	dir := filepath.Join(s.dir, "startup")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p, err := startServer(s.ctx, dir)
	if err != nil {
		return err
	}
	s.report.add(Row{Workload: "startup", Figure: "start on an empty folder", Value: p.ready.Seconds(), Unit: "s", Limit: 1, AtMost: true})
	if err := p.stop(); err != nil {
		return err
	}
	if err := s.serve(); err != nil || s.server == nil {
		return err
	}
	s.server.kill()
	again, err := startServer(s.ctx, s.dir)
	if err != nil {
		return err
	}
	s.server, s.base = again, again.base
	s.report.add(Row{Workload: "startup", Figure: "start with all of it after kill -9", Value: again.ready.Seconds(), Unit: "s", Limit: 1, AtMost: true})
	return nil
}
