package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// nextPage finds the link to the next page at the beginning of a Bundle.
var nextPage = regexp.MustCompile(`"relation":\s*"next",\s*"url":\s*"([^"]*)"`)

// everything reads whole records, all their pages, of the patients whose record is nearest to 1,500 resources.
func (s *session) everything() error {
	const wanted, clients = 1500, 16
	if err := s.serve(); err != nil {
		return err
	}
	s.settle(resting)
	near := slices.SortedFunc(slices.Values(s.loaded), func(a, b bundle) int {
		return cmp.Compare(max(a.entries-wanted, wanted-a.entries), max(b.entries-wanted, wanted-b.entries))
	})
	all := s.loaded
	s.loaded = near[:min(8, len(near))]
	people, err := s.samples()
	s.loaded = all
	if err != nil {
		return err
	}
	var records, resources atomic.Int64
	next := make([]string, clients) // page that each client reads next; "" = a record anew
	res := Load{Clients: clients, Duration: s.Duration, Next: func(client, i int) *Request {
		path := cmp.Or(next[client], "Patient/"+people[(client+i)%len(people)].id+"/$everything")
		return &Request{Method: http.MethodGet, Path: path, Read: func(status int, _ http.Header, body []byte) {
			next[client] = ""
			if status != http.StatusOK {
				return
			}
			resources.Add(int64(bytes.Count(body, []byte(`"fullUrl":`)))) // to parse pages would take the server's processors
			if m := nextPage.FindSubmatch(body[:min(len(body), 4096)]); m != nil {
				next[client] = strings.TrimPrefix(strings.ReplaceAll(string(m[1]), `\u0026`, "&"), s.base+"/")
			}
			if next[client] == "" {
				records.Add(1)
			}
		}}
	}}.Run(s.ctx, s.base)
	if records.Load() == 0 {
		return fmt.Errorf("no record was read to its end (%s)", res.ErrorText())
	}
	s.report.add(Row{Workload: "everything", Figure: "whole records of a patient, 16 clients", Value: float64(records.Load()) / res.Elapsed.Seconds(), Unit: "records/s", Limit: 100,
		Note: fmt.Sprintf("%d resources a record; a page: p50 %.2f p99 %.2f ms; errors: %s", resources.Load()/records.Load(), res.Quantile(50), res.Quantile(99), res.ErrorText())})
	return nil
}
