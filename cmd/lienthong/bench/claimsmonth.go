package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir"
)

// firstHospital is the MA_CSKCB of the first hospital of the month; the others follow.
const firstHospital = 51901

// claimsMonth measures the month of a province: claims of many hospitals wait in the outbox, then the jobs bring all of them to the
// mock portal and their decisions back. Loading them is not measured. The portal is a process of its own on the same machine.
func (s *session) claimsMonth() error {
	dir := filepath.Join(s.dir, "month")
	data, portalDir := filepath.Join(dir, "store"), filepath.Join(dir, "portal")
	if err := os.MkdirAll(portalDir, 0o700); err != nil {
		return err
	}
	loader, err := start(s.ctx, dir, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data)
	if err != nil {
		return err
	}
	res, err := s.backlog(loader.base)
	if stopped := loader.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	s.report.add(Row{Workload: "claims-month", Figure: fmt.Sprintf("claims taken in, %d hospitals", s.Hospitals), Value: float64(s.Claims) / res.Elapsed.Seconds(), Unit: "claims/s",
		Note: fmt.Sprintf("%d transactions, p95 %.1f ms", s.Claims, res.Quantile(95))})

	portal, err := start(s.ctx, portalDir, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", portalDir, "--assessing-after", "1ms", "--assessed-after", "1ms", "--log-level", "error")
	if err != nil {
		return err
	}
	defer portal.kill()
	account := filepath.Join(dir, "account.yaml")
	if err := os.WriteFile(account, []byte("username: 51_demo\npassword: demo\n"), 0o600); err != nil {
		return err
	}
	began := time.Now()
	server, err := start(s.ctx, dir, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "warn",
		"--gateway-url", portal.base, "--gateway-credentials", account, "--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s", "--gateway-ask-every", "1s", "--gateway-retry-first", "1s")
	if err != nil {
		return err
	}
	defer server.kill()
	first, took, err := s.untilAssessed(server, portal, began)
	if err != nil {
		return err
	}
	_, peak, cpu := server.usage()
	_, _, portalCPU := portal.usage()
	s.report.add(Row{Workload: "claims-month", Figure: fmt.Sprintf("from a backlog of %d to assessed", s.Claims), Value: float64(s.Claims) / took.Seconds(), Unit: "claims/s", Limit: 500,
		Note: fmt.Sprintf("%.1f s; processor: server %.1f s, portal %.1f s", took.Seconds(), cpu, portalCPU)})
	s.report.add(Row{Workload: "claims-month", Figure: "first claim at the portal after the server was ready", Value: (first - server.ready).Seconds(), Unit: "s", Limit: 2, AtMost: true,
		Note: fmt.Sprintf("ready after %.2f s; a slot each second", server.ready.Seconds())})
	s.report.add(Row{Workload: "claims-month", Figure: "memory of the server at its peak", Value: float64(peak) / 1e6, Unit: "MB", Limit: 500, AtMost: true})
	return s.once(portal)
}

// backlog loads the claims, each as the transaction that an import makes of it.
func (s *session) backlog(base string) (Result, error) {
	people := synthetic.New(synthetic.Config{Citizens: min(3*s.Claims/2+100, 15_000), Seed: 1, Today: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), SID: "https://lienthong.example/sid/"})
	if len(people.Episodes) == 0 {
		return Result{}, fmt.Errorf("the population has no episodes")
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	res := Load{Clients: 2 * s.Senders, Next: func(_, _ int) *Request {
		i := int(next.Add(1)) - 1
		if i >= s.Claims || failed.Load() != nil {
			return nil
		}
		person := i % len(people.Episodes) // who is always a patient of the same hospital
		h := moved(people.Episodes[person].HoSo, fmt.Sprint(firstHospital+person%s.Hospitals))
		h = renamed(h, fmt.Sprintf("%s-%d", h.MaLK(), i/len(people.Episodes)))
		raw, err := mapping.Episode(h, mapping.EpisodeOptions{ID: fhir.ID(fmt.Sprintf("month-%d", i))})
		if err != nil {
			failed.Store(&err)
			return nil
		}
		return &Request{Method: http.MethodPost, Body: raw, Header: map[string]string{"Prefer": "return=minimal"}}
	}}.Run(s.ctx, base)
	if err := failed.Load(); err != nil {
		return res, *err
	}
	if len(res.Errors) > 0 {
		return res, fmt.Errorf("the claims: %s", res.ErrorText())
	}
	return res, nil
}

// untilAssessed waits until all claims are assessed; first is when the portal had its first one, after began.
func (s *session) untilAssessed(server, portal *process, began time.Time) (first, took time.Duration, err error) {
	wait := 20 * time.Millisecond
	var last int
	moved := time.Now()
	for s.ctx.Err() == nil {
		if first == 0 {
			n, err := linesOf(portal.base+"/ledger.ndjson", 1)
			if err != nil {
				return 0, 0, err
			}
			if n > 0 {
				first, wait = time.Since(began), 500*time.Millisecond
			}
		} else {
			n, err := countOf(server.base + "/Task?business-status=assessed&_summary=count")
			switch {
			case err != nil:
				return 0, 0, err
			case n >= s.Claims:
				return first, time.Since(began) - server.ready, nil
			case n > last:
				last, moved = n, time.Now()
			case time.Since(moved) > 2*time.Minute:
				return 0, 0, fmt.Errorf("%d of %d claims are assessed, and none more for two minutes; see %s", n, s.Claims, server.log)
			}
		}
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
		}
	}
	return 0, 0, s.ctx.Err()
}

// once demands of the portal's ledger that each claim had just one effect.
func (s *session) once(portal *process) error {
	resp, err := http.Get(portal.base + "/ledger.ndjson")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	effects := map[string]int{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var row struct {
			MaLK    string `json:"MA_LK"`
			Version uint64 `json:"version"`
			Effect  bool   `json:"effect"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return err
		}
		if row.Effect {
			effects[fmt.Sprint(row.MaLK, "/", row.Version)]++
		}
	}
	twice := 0
	for _, n := range effects {
		if n > 1 {
			twice++
		}
	}
	s.report.add(Row{Workload: "claims-month", Figure: "claims with an effect at the portal", Value: float64(len(effects)), Unit: "claims", Limit: float64(s.Claims), Note: fmt.Sprintf("%d with more than one", twice)})
	if twice > 0 || len(effects) != s.Claims {
		return fmt.Errorf("ONCE: %d effects of %d claims, %d of them twice", len(effects), s.Claims, twice)
	}
	return nil
}

// linesOf counts the lines of an answer, at most so many.
func linesOf(url string, most int) (n int, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); n < most && lines.Scan(); n++ {
	}
	return n, nil
}

// countOf reads Bundle.total.
func countOf(url string) (int, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var bundle struct {
		Total *int `json:"total"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&bundle); err != nil || bundle.Total == nil {
		return 0, fmt.Errorf("%s: %s: no total (%v)", url, resp.Status, err)
	}
	return *bundle.Total, nil
}
