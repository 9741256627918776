package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// firstHospital is the MA_CSKCB of the first hospital of the month; the others follow.
const firstHospital = 51901

// claimsTogether is how many claims about known records go in with one transaction.
const claimsTogether = 50

// makeBacklog lets a server without a portal take the claims in, so that all of them wait in its outbox: the first
// Options.Records with their whole record, as an import makes them, the others as Claims and stays that cite the records of those.
// What becomes of a claim on its way costs the same for either.
func (s *session) makeBacklog(dir, data string) error {
	server, err := start(s.ctx, dir, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "warn")
	if err != nil {
		return err
	}
	whole := min(s.Records, s.Claims)
	episodes, err := s.episodes(server.base, whole)
	if err == nil && whole < s.Claims {
		err = s.furtherClaims(server.base, episodes)
	}
	if err == nil {
		server.settle(resting) // a month's claims come in over the month: what taking all of them in at once left to do is no part of sending them
	}
	if stopped := server.stop(); err == nil {
		err = stopped
	}
	return err
}

// Outbox opens the store in a folder, which no server has open, with the outbox over it.
type Outbox func(ctx context.Context, data string) (st store.Store, box *delivery.Outbox, done func() error, err error)

const (
	// slotClaims are the claims of claims-slot that are there as a whole and are due first; of the others only the outbox knows.
	slotClaims = 300
	// slotTogether is how many claims the rows in one commit are of.
	slotTogether = 1000
)

// makeLongBacklog lets a few claims be taken in and writes the rows of as many more into the outbox as it takes.
func (s *session) makeLongBacklog(dir, data string) (err error) {
	total := s.Claims
	s.Claims, s.Records = min(total, slotClaims), min(total, slotClaims)
	err = s.makeBacklog(dir, data)
	s.Claims = total
	if err != nil {
		return err
	}
	st, box, done, err := s.Open(s.ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	began := time.Now()
	due := fhir.InstantOf(began)
	for i := slotClaims; i < total; i += slotTogether {
		var items []delivery.Item
		for j := i; j < min(i+slotTogether, total); j++ {
			items = append(items, delivery.Item{Claim: monthID(j), Version: 1, PB: 1, Facility: fmt.Sprint(firstHospital + j%s.Hospitals), Episode: fmt.Sprintf("LK-%d", j),
				Sender: delivery.SenderAny, Created: due, Since: due, Due: due})
		}
		if _, err := st.Commit(s.ctx, store.Changes{Records: box.Backlog(items)}); err != nil {
			return err
		}
	}
	s.report.add(Row{Workload: s.Workload, Figure: "rows of the outbox written", Value: float64(total) / time.Since(began).Seconds(), Unit: "claims/s"})
	return nil
}

func monthID(i int) fhir.ID { return fhir.ID(fmt.Sprintf("month-%d", i)) }

// episodes loads n claims, each as the transaction that an import makes of it, and gives their MA_LK.
func (s *session) episodes(base string, n int) ([]string, error) {
	people := synthetic.New(synthetic.Config{Citizens: min(3*n/2+100, 15_000), Seed: 1, Today: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), SID: "https://lienthong.example/sid/"})
	if len(people.Episodes) == 0 {
		return nil, fmt.Errorf("the population has no episodes")
	}
	names := make([]string, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	res := Load{Clients: 2 * s.Senders, Next: func(_, _ int) *Request {
		i := int(next.Add(1)) - 1
		if i >= n || failed.Load() != nil {
			return nil
		}
		person := i % len(people.Episodes) // who is always a patient of the same hospital
		h := moved(people.Episodes[person].HoSo, fmt.Sprint(firstHospital+person%s.Hospitals))
		h = renamed(h, fmt.Sprintf("%s-%d", h.MaLK(), i/len(people.Episodes)))
		names[i] = h.MaLK()
		raw, err := mapping.Episode(h, mapping.EpisodeOptions{ID: monthID(i)})
		if err != nil {
			failed.Store(&err)
			return nil
		}
		return &Request{Method: http.MethodPost, Body: raw, Header: map[string]string{"Prefer": "return=minimal"}}
	}}.Run(s.ctx, base)
	return names, s.takenIn(res, n, "claims taken in with their records", &failed)
}

// furtherClaims loads the rest: stays and claims about the records of the first ones.
func (s *session) furtherClaims(base string, episodes []string) error {
	pattern := make([][2][]byte, len(episodes))
	for i := range pattern {
		for j, typ := range []fhir.Type{"Encounter", "Claim"} {
			var err error
			if pattern[i][j], err = membersOf(fmt.Sprintf("%s/%s/%s", base, typ, monthID(i))); err != nil {
				return err
			}
		}
	}
	var next atomic.Int64
	next.Store(int64(len(episodes)))
	res := Load{Clients: 2 * s.Senders, Next: func(_, _ int) *Request {
		first := int(next.Add(claimsTogether)) - claimsTogether
		if first >= s.Claims {
			return nil
		}
		body := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)
		for i := first; i < min(first+claimsTogether, s.Claims); i++ {
			of := i % len(episodes)
			own := strings.NewReplacer(fmt.Sprintf("%q", episodes[of]), fmt.Sprintf(`"%s-%d"`, episodes[of], i/len(episodes)),
				fmt.Sprintf(`"Encounter/%s"`, monthID(of)), fmt.Sprintf(`"Encounter/%s"`, monthID(i)))
			for j, typ := range []fhir.Type{"Encounter", "Claim"} {
				if i+j > first {
					body = append(body, ',')
				}
				body = fmt.Appendf(body, `{"request":{"method":"PUT","url":"%s/%s"},"resource":{"id":"%s",%s}`, typ, monthID(i), monthID(i), own.Replace(string(pattern[of][j][1:])))
			}
		}
		return &Request{Method: http.MethodPost, Body: append(body, "]}"...), Header: map[string]string{"Prefer": "return=minimal"}}
	}}.Run(s.ctx, base)
	return s.takenIn(res, s.Claims-len(episodes), "further claims taken in", &atomic.Pointer[error]{})
}

// membersOf reads a resource, without its id and meta.
func membersOf(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s (%v)", url, resp.Status, err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "meta")
	delete(members, "id")
	return json.Marshal(members)
}

// takenIn adds the rate of a load, or says why it failed.
func (s *session) takenIn(res Result, claims int, figure string, failed *atomic.Pointer[error]) error {
	if err := failed.Load(); err != nil {
		return *err
	}
	if len(res.Errors) > 0 {
		return fmt.Errorf("the claims: %s", res.ErrorText())
	}
	s.report.add(Row{Workload: s.Workload, Figure: fmt.Sprintf("%s, %d hospitals", figure, s.Hospitals), Value: float64(claims) / res.Elapsed.Seconds(), Unit: "claims/s",
		Note: fmt.Sprintf("%d claims, p95 %.1f ms", claims, res.Quantile(95))})
	return nil
}
