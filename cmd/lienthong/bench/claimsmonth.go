package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// claimsMonth measures the month of a province: claims of many hospitals wait in the outbox, then the jobs bring all of them to the
// mock portal and their decisions back. The portal is a process of its own on the same machine. A backlog that Options.Dir has
// already is taken as it is.
func (s *session) claimsMonth() error {
	server, portal, began, err := s.bring(s.makeBacklog)
	if err != nil {
		return err
	}
	defer portal.kill()
	defer server.kill()
	first, err := s.firstAt(portal, began)
	if err != nil {
		return err
	}
	took, err := s.untilAssessed(server, began)
	if err != nil {
		return err
	}
	_, _, cpu := server.usage()
	_, _, portalCPU := portal.usage()
	s.report.add(Row{Workload: "claims-month", Figure: fmt.Sprintf("from a backlog of %d to assessed", s.Claims), Value: float64(s.Claims) / took.Seconds(), Unit: "claims/s", Limit: 500,
		Note: fmt.Sprintf("%.1f s; processor: server %.1f s, portal %.1f s", took.Seconds(), cpu, portalCPU)})
	s.begun("claims-month", server, first)
	return s.once(portal)
}

// claimsSlot measures how soon a slot over a long backlog sends its first claim. Nothing of the backlog is brought to an end.
func (s *session) claimsSlot() error {
	server, portal, began, err := s.bring(s.makeLongBacklog)
	if err != nil {
		return err
	}
	defer portal.kill()
	defer server.kill()
	first, err := s.firstAt(portal, began)
	if err != nil {
		return err
	}
	s.begun("claims-slot", server, first)
	return nil
}

// bring makes the backlog, unless it is there, and starts the portal and a server that brings the claims to it.
func (s *session) bring(backlog func(dir, data string) error) (server, portal *process, began time.Time, err error) {
	dir := filepath.Join(s.dir, "month")
	data, portalDir := filepath.Join(dir, "store"), filepath.Join(dir, "portal")
	if err := os.MkdirAll(portalDir, 0o700); err != nil {
		return nil, nil, began, err
	}
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		if err := backlog(dir, data); err != nil {
			return nil, nil, began, err
		}
	}
	portal, err = start(s.ctx, portalDir, "mock-bhxh", "--listen", "127.0.0.1:0", "--data", portalDir, "--assessing-after", "1ms", "--assessed-after", "1ms", "--log-level", "error")
	if err != nil {
		return nil, nil, began, err
	}
	account := filepath.Join(dir, "account.yaml")
	if err = os.WriteFile(account, []byte("username: 51_demo\npassword: demo\n"), 0o600); err == nil {
		began = time.Now()
		server, err = start(s.ctx, dir, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "warn",
			"--gateway-url", portal.base, "--gateway-credentials", account, "--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s", "--gateway-ask-every", "1s", "--gateway-retry-first", "1s")
	}
	if err != nil {
		portal.kill()
	}
	return server, portal, began, err
}

// begun adds how soon the first claim went, after the server was ready, and the server's memory.
func (s *session) begun(workload string, server *process, first time.Duration) {
	_, peak, _ := server.usage()
	s.report.add(Row{Workload: workload, Figure: fmt.Sprintf("first of %d claims at the portal after the server was ready", s.Claims), Value: (first - server.ready).Seconds(), Unit: "s", Limit: 2, AtMost: true,
		Note: fmt.Sprintf("ready after %.2f s; a slot each second", server.ready.Seconds())})
	s.report.add(Row{Workload: workload, Figure: "memory of the server at its peak", Value: float64(peak) / 1e6, Unit: "MB", Limit: 500, AtMost: true})
}

// firstAt waits until the portal has a claim, and gives when that was after began.
func (s *session) firstAt(portal *process, began time.Time) (time.Duration, error) {
	for s.ctx.Err() == nil {
		n, err := linesOf(portal.base+"/ledger.ndjson", 1)
		if err != nil || n > 0 {
			return time.Since(began), err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.ctx.Done():
		}
	}
	return 0, s.ctx.Err()
}

// untilAssessed waits until all claims are assessed; took is the time since the server was ready.
func (s *session) untilAssessed(server *process, began time.Time) (took time.Duration, err error) {
	var last int
	moved := time.Now()
	for s.ctx.Err() == nil {
		n, err := countOf(server.base + "/Task?business-status=assessed&_summary=count")
		switch {
		case err != nil:
			return 0, err
		case n >= s.Claims:
			return time.Since(began) - server.ready, nil
		case n > last:
			last, moved = n, time.Now()
		case time.Since(moved) > 2*time.Minute:
			return 0, fmt.Errorf("%d of %d claims are assessed, and none more for two minutes; see %s", n, s.Claims, server.log)
		}
		select {
		case <-time.After(max(500*time.Millisecond, time.Duration(s.Claims)*time.Second/20_000)): // each count costs something itself
		case <-s.ctx.Done():
		}
	}
	return 0, s.ctx.Err()
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
