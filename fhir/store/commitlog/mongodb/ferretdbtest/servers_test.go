package ferretdbtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// run does a step by HTTP. What a server that died left unanswered is unknown.
func (s step) exchange(base string) seen {
	at := base + "/Patient/" + s.Register
	read := func() (value int, tag string, ok bool) {
		status, body, h, err := exchange(http.MethodGet, at, "")
		if err != nil || status != http.StatusOK && status != http.StatusNotFound {
			return 0, "", false
		}
		if status == http.StatusNotFound {
			return 0, "", true
		}
		var p struct{ Identifier []struct{ Value string } }
		if json.Unmarshal(body, &p) != nil || len(p.Identifier) != 1 {
			return 0, "", false
		}
		_, err = fmt.Sscan(p.Identifier[0].Value, &value)
		return value, h.Get("ETag"), err == nil
	}
	if s.Kind == readStep {
		v, _, ok := read()
		return seen{Value: v, Unknown: !ok}
	}
	var header []string
	if s.Kind == casStep {
		v, tag, ok := read()
		switch {
		case !ok:
			return seen{Unknown: true}
		case v != s.Expect || tag == "": // a resource that is not there has no tag to compare with
			return seen{Unknown: v == s.Expect}
		}
		header = []string{"If-Match", tag}
	}
	body := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"https://lienthong.example/sid/step","value":"%d"}]}`, s.Register, s.Value)
	status, _, _, err := exchange(http.MethodPut, at, body, header...)
	switch {
	case err != nil:
		return seen{Unknown: true}
	case status == http.StatusOK || status == http.StatusCreated:
		return seen{Done: true}
	case status == http.StatusPreconditionFailed && s.Kind == casStep:
		return seen{}
	}
	return seen{Unknown: true}
}

// TestServersKilled: three servers of the program on one log. Clients read, write, compare and set, create under conditions
// and walk pages, each step on another server, while the servers are killed again and again.
func TestServersKilled(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("EXACT/"+s.Name, func(t *testing.T) { serversKilled(t, s) })
	}
}

func serversKilled(t *testing.T, s Server) {
	n := seed(t)
	servers := []*process{newProcess(t, s), newProcess(t, s), newProcess(t, s)}
	const listed = 45
	for i := range listed {
		status, body, err := servers[i%3].put(fmt.Sprint("p", i), "x")
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %v\n%s", status, err, body)
		}
	}
	r := &recorder{began: time.Now()}
	lasts := 12 * time.Second
	if testing.Short() {
		lasts = 5 * time.Second
	}
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var clients, killer sync.WaitGroup
	for c := range 5 {
		own := rand.New(rand.NewPCG(n, uint64(10+c)))
		clients.Go(func() {
			for i := 0; ctx.Err() == nil && i < 150; i++ {
				in := step{Register: fmt.Sprint("r", own.IntN(3)), Kind: stepKind(own.IntN(3)), Value: 1 + c*1000 + i}
				base := servers[own.IntN(len(servers))].url()
				if in.Kind == casStep {
					v := step{Register: in.Register}.exchange(base)
					if v.Unknown || v.Value == 0 {
						continue
					}
					in.Expect = v.Value
				}
				r.do(c, in, func() seen { return in.exchange(base) })
			}
		})
	}
	clients.Go(func() { onlyOnce(ctx, t, n, servers) })
	clients.Go(func() { pages(ctx, t, n, servers, listed) })
	kills := 0
	killer.Go(func() {
		rng := rand.New(rand.NewPCG(n, 0))
		for ctx.Err() == nil {
			wait(ctx, time.Duration(100+rng.IntN(700))*time.Millisecond)
			p := servers[rng.IntN(len(servers))]
			p.kill()
			p.start(t)
			kills++
		}
	})
	clients.Wait()
	stop()
	killer.Wait()
	t.Logf("%d kills", kills)
	r.check(t)
}

// onlyOnce creates under a condition, on all servers at once.
func onlyOnce(ctx context.Context, t *testing.T, n uint64, servers []*process) {
	for i := 0; ctx.Err() == nil && i < 40; i++ {
		query := fmt.Sprintf("identifier=https://lienthong.example/sid/once|%d-%d", n, i)
		body := fmt.Sprintf(`{"resourceType":"Basic","identifier":[{"system":"https://lienthong.example/sid/once","value":"%d-%d"}],"code":{"text":"once"}}`, n, i)
		var wg sync.WaitGroup
		for _, p := range servers {
			wg.Go(func() {
				_, _, _, _ = exchange(http.MethodPost, p.url()+"/Basic", body, "If-None-Exist", query) // a server may be gone
			})
		}
		wg.Wait()
		for _, p := range servers {
			status, raw, _, err := exchange(http.MethodGet, p.url()+"/Basic?_summary=count&"+strings.ReplaceAll(query, "|", "%7C"), "")
			var b struct{ Total int }
			if err != nil || status != http.StatusOK {
				continue
			}
			if json.Unmarshal(raw, &b) != nil || b.Total > 1 {
				t.Errorf("EXACT: %d resources under one condition", b.Total)
			}
		}
	}
}

// pages walks a search, each page on another server: every match once.
func pages(ctx context.Context, t *testing.T, n uint64, servers []*process, listed int) {
	rng := rand.New(rand.NewPCG(n, 99))
	for walks := 0; ctx.Err() == nil && walks < 30; walks++ {
		query := "code:text=x&_count=7"
		found := map[string]int{}
		for query != "" && ctx.Err() == nil {
			status, raw, _, err := exchange(http.MethodGet, servers[rng.IntN(len(servers))].url()+"/Basic?"+query, "")
			if err != nil || status == http.StatusServiceUnavailable {
				continue // it was killed; the same page from another one
			}
			var b struct {
				Link  []struct{ Relation, URL string }
				Entry []struct{ Resource struct{ ID string } }
			}
			if status != http.StatusOK || json.Unmarshal(raw, &b) != nil {
				t.Errorf("AS-OF: page %q: %d %s", query, status, raw)
				return
			}
			for _, e := range b.Entry {
				found[e.Resource.ID]++
			}
			query = ""
			for _, l := range b.Link {
				if u, err := url.Parse(l.URL); err == nil && l.Relation == "next" {
					query = u.RawQuery
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
		for i := range listed {
			if id := fmt.Sprint("p", i); found[id] != 1 {
				t.Errorf("AS-OF: %s is %d times on the pages of three servers", id, found[id])
			}
		}
	}
}

// TestLogAway: what a server answers while its log is out of reach, and that it comes back by itself.
func TestLogAway(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("FRESH/"+s.Name, func(t *testing.T) { logAway(t, s) })
	}
}

func logAway(t *testing.T, s Server) {
	strict, lax := NewProxy(t, s, 1), NewProxy(t, s, 2)
	through := func(p *Proxy) Server { return Server{s.Name, p.URI, s.Single, ""} }
	a := newProcess(t, through(strict), "--log-timeout", "2s", "--metrics-listen", "127.0.0.1:0")
	b := newProcess(t, through(lax), "--log-timeout", "2s", "--log-stale-reads", "--metrics-listen", "127.0.0.1:0")
	const body = `{"resourceType":"Patient","id":"x"}`
	if status, raw, _, err := exchange(http.MethodPut, a.url()+"/Patient/x", body); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v\n%s", status, err, raw)
	}
	ask := func(p *process) (int, http.Header) {
		status, _, h, err := exchange(http.MethodGet, p.url()+"/Patient/x", "")
		if err != nil {
			t.Fatal(err)
		}
		return status, h
	}
	if status, _ := ask(b); status != http.StatusOK {
		t.Fatalf("FRESH: the other server answers %d", status)
	}
	strict.Set(Harm{Down: true})
	lax.Set(Harm{Down: true})
	if status, h := ask(a); status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" {
		t.Errorf("without the log: %d, Retry-After %q", status, h.Get("Retry-After"))
	}
	if status, h := ask(b); status != http.StatusOK || !strings.HasPrefix(h.Get("Warning"), "110 ") || !strings.Contains(h.Get("Warning"), "as of change ") {
		t.Errorf("without the log, stale reads allowed: %d, Warning %q", status, h.Get("Warning"))
	}
	for _, p := range []*process{a, b} {
		told(t, p, p == b, "log-unreachable")
	}
	for _, p := range []*process{a, b} {
		status, raw, h, err := exchange(http.MethodPut, p.url()+"/Patient/x", `{"resourceType":"Patient","id":"x","active":true}`)
		if err != nil || status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || !strings.Contains(string(raw), "log-un") {
			t.Errorf("a write without the log: %d, %v\n%s", status, err, raw)
		}
	}
	strict.Set(Harm{})
	lax.Set(Harm{})
	for _, p := range []*process{a, b} {
		for began := time.Now(); ; {
			status, h := ask(p)
			if status == http.StatusOK && h.Get("Warning") == "" {
				break
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("the log is back and the answer is %d", status)
			}
		}
		told(t, p, false, "")
	}
}

// told waits until /readyz and the figures, from which the alerts are, tell the same reasons; none if code is "". serves: a proxy is to
// go on sending requests all the same.
func told(t *testing.T, p *process, serves bool, code string) {
	t.Helper()
	status, line, metric := http.StatusOK, "ready\n", "" // of what is in the way
	if code != "" {
		status, line, metric = http.StatusServiceUnavailable, "not ready: "+code+": ", fmt.Sprintf("lienthong_not_ready{code=%q} 1", code)
		if serves {
			status, line = http.StatusOK, "ready, reads are stale: "+code+": "
		}
	}
	until(t, fmt.Sprintf("%d %q of /readyz with %q of the figures", status, line, metric), func() bool {
		got, said, _, err := exchange(http.MethodGet, strings.TrimSuffix(p.url(), "/fhir")+"/readyz", "")
		if err != nil || got != status || !strings.HasPrefix(string(said), line) || strings.Count(string(said), "\n") != 1 {
			return false
		}
		_, raw, _, err := exchange(http.MethodGet, p.figures, "")
		var red []string
		for figure := range strings.Lines(string(raw)) {
			if strings.HasPrefix(figure, "lienthong_not_ready{") && !strings.HasSuffix(figure, " 0\n") {
				red = append(red, strings.TrimSpace(figure))
			}
		}
		return err == nil && strings.Contains(string(raw), "lienthong_not_ready{") && strings.Join(red, "") == metric
	})
}

// TestDemoLogAway: a demo whose log is out of reach for a while goes on when it is back.
func TestDemoLogAway(t *testing.T) {
	s := Ferret(t)
	x := NewProxy(t, s, 3)
	d := newDemo(t, "--every", "1h", "--log", x.URI, "--log-single", "--log-timeout", "2s")
	ready := func() int {
		status, _, _, err := exchange(http.MethodGet, strings.TrimSuffix(d.url(), "/fhir")+"/readyz", "")
		if err != nil {
			t.Fatalf("the demo ended: %v\n%s", err, d.log.String())
		}
		return status
	}
	x.Set(Harm{Down: true})
	for refused := 0; refused < 3; { // it asks for its claims twice a second, and each refusal takes a second
		if ready() == http.StatusServiceUnavailable {
			refused++
		}
	}
	x.Set(Harm{})
	for began := time.Now(); ready() != http.StatusOK; {
		if time.Since(began) > 30*time.Second {
			t.Fatal("the log is back and the demo is not ready")
		}
	}
}

// TestClaimsOfTwoServers: the demo and a second server on its log bring claims to one portal, by leases in the log. No claim
// version has two effects there.
func TestClaimsOfTwoServers(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("ONCE/"+s.Name, func(t *testing.T) { claimsOfTwo(t, s) })
	}
}

func claimsOfTwo(t *testing.T, s Server) {
	d := newDemo(t, append(onLog(s, "--log"), "--every", "1s")...)
	second := newProcess(t, s, "--gateway-url", d.gateway, "--gateway-credentials", filepath.Join(d.dir, "demo", "gateway.yaml"),
		"--gateway-schedule", "@every 1s", "--gateway-status-schedule", "@every 1s", "--gateway-timeout", "5s", "--gateway-settle", "8s", "--gateway-lease", "6s")
	defer second.kill()
	effects := map[string]int{}
	for began := time.Now(); ; {
		_, raw, _, err := exchange(http.MethodGet, d.gateway+"/ledger.ndjson", "")
		if err != nil {
			t.Fatal(err)
		}
		clear(effects)
		for line := range strings.Lines(string(raw)) {
			var row struct {
				MaLK    string `json:"MA_LK"`
				Version uint64
				Effect  bool
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			if row.Effect {
				effects[fmt.Sprint(row.MaLK, " version ", row.Version)]++
			}
		}
		_, raw, _, err = exchange(http.MethodGet, second.url()+"/Claim?_summary=count", "")
		var b struct{ Total int }
		if err != nil || json.Unmarshal(raw, &b) != nil {
			t.Fatalf("%v %s", err, raw)
		}
		if b.Total > 0 && len(effects) >= b.Total {
			break
		}
		if time.Since(began) > 60*time.Second {
			if len(effects) == 0 {
				t.Fatalf("no claim of %d reached the portal", b.Total)
			}
			break // some are held back for other reasons, by the rules
		}
	}
	t.Logf("%d claim versions had an effect", len(effects))
	for claim, n := range effects {
		if n > 1 {
			t.Errorf("ONCE: %s had %d effects", claim, n)
		}
	}
}
