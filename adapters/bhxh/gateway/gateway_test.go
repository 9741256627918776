package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

const (
	username = "51901_BV"
	password = "mật-khẩu-bí-mật"
)

// portal is a running mock and a client of it.
type portal struct {
	mock   *bhxhmock.Mock
	client *gateway.Client
	url    string
	now    func() time.Time
	skip   func(time.Duration)
}

func start(t *testing.T, timeout time.Duration) *portal {
	t.Helper()
	var mu sync.Mutex
	clock := time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)
	p := &portal{
		now:  func() time.Time { mu.Lock(); defer mu.Unlock(); return clock },
		skip: func(d time.Duration) { mu.Lock(); defer mu.Unlock(); clock = clock.Add(d) },
	}
	var err error
	p.mock, err = bhxhmock.New(bhxhmock.Options{
		Dir: t.TempDir(), Now: p.now,
		Accounts: []bhxhmock.Account{{Username: username, Password: password, Facilities: []string{"51901"}}}, Panel: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p.mock.Handler())
	p.url = s.URL
	p.client = newClient(t, s.URL, timeout, p.now)
	t.Cleanup(func() {
		s.Close()
		if err := p.mock.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func newClient(t *testing.T, url string, timeout time.Duration, now func() time.Time) *gateway.Client {
	t.Helper()
	c, err := gateway.New(gateway.Config{BaseURL: url, Username: username, Password: password, Timeout: timeout, MaxReply: 64 << 10, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func file(maLK string) gateway.File {
	e := wire.Envelope{MaCSKCB: "51901", NgayLap: "20260401", HoSo: []wire.Episode{{Files: []wire.FileHoSo{{
		LoaiHoSo: "XML1",
		NoiDung:  fmt.Appendf(nil, "<TONG_HOP><MA_LK>%s</MA_LK><MA_CSKCB>51901</MA_CSKCB><T_TONGCHI_BV>0</T_TONGCHI_BV></TONG_HOP>", maLK),
	}}}}}
	return gateway.File{MaCSKCB: "51901", Raw: e.Append(nil)}
}

func effects(m *bhxhmock.Mock) (n int) {
	for _, r := range m.Rows() {
		if r.Effect {
			n++
		}
	}
	return n
}

// The table of the package comment: what each fault of the portal proves, and what the file's fate really was.
func TestOutcomes(t *testing.T) {
	yes := true
	once := func(f bhxhmock.Fault) *bhxhmock.Fault { f.Count = 1; return &f }
	for name, c := range map[string]struct {
		faults bhxhmock.Faults
		state  gateway.State
		effect int
	}{
		"none":                       {bhxhmock.Faults{}, gateway.Accepted, 1},
		"5xx":                        {bhxhmock.Faults{Status: once(bhxhmock.Fault{})}, gateway.Unknown, 0},
		"5xx although taken":         {bhxhmock.Faults{Status: once(bhxhmock.Fault{Accept: &yes})}, gateway.Unknown, 1},
		"4xx with HTML":              {bhxhmock.Faults{Status: once(bhxhmock.Fault{Status: 404})}, gateway.Unknown, 0},
		"redirect":                   {bhxhmock.Faults{Status: once(bhxhmock.Fault{Status: 307})}, gateway.Unknown, 0},
		"dropped before":             {bhxhmock.Faults{DropBeforeAccept: once(bhxhmock.Fault{})}, gateway.Unknown, 0},
		"dropped after":              {bhxhmock.Faults{DropAfterAccept: once(bhxhmock.Fault{})}, gateway.Unknown, 1},
		"HTML with 200":              {bhxhmock.Faults{HTML200: once(bhxhmock.Fault{})}, gateway.Unknown, 1},
		"empty body":                 {bhxhmock.Faults{EmptyBody: once(bhxhmock.Fault{})}, gateway.Unknown, 1},
		"200 without maGiaoDich":     {bhxhmock.Faults{WrongReply: once(bhxhmock.Fault{})}, gateway.Unknown, 1},
		"slow, then in time":         {bhxhmock.Faults{Delay: once(bhxhmock.Fault{For: bhxhmock.Duration(time.Millisecond)})}, gateway.Accepted, 1},
		"token expired once":         {bhxhmock.Faults{TokenExpired: once(bhxhmock.Fault{})}, gateway.Accepted, 1},
		"token expired all the time": {bhxhmock.Faults{TokenExpired: &bhxhmock.Fault{}}, gateway.NotSent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, fhirtest.Patience)
			if err := p.mock.SetFaults(c.faults); err != nil {
				t.Fatal(err)
			}
			out := p.client.Send(t.Context(), file("LK1"))
			if out.State != c.state {
				t.Errorf("state %v, code %q, err %v", out.State, out.Code, out.Err)
			}
			if n := effects(p.mock); n != c.effect {
				t.Errorf("%d rows with effect, want %d", n, c.effect)
			}
			if (out.Err == nil) != (out.State == gateway.Accepted) || (out.MaGiaoDich != "") != (out.State == gateway.Accepted) {
				t.Errorf("outcome: %+v", out)
			}
			noSecrets(t, fmt.Sprintf("%v %+v", out.Err, out))
		})
	}
}

func noSecrets(t *testing.T, s string) {
	t.Helper()
	for _, secret := range []string{password, wire.PasswordHash(password), strings.ToLower(wire.PasswordHash(password))} {
		if strings.Contains(s, secret) {
			t.Errorf("a secret is in %q", s)
		}
	}
}

func TestATimeOutAfterAcceptanceIsUnknownUntilAsked(t *testing.T) {
	p := start(t, time.Minute)
	yes := true
	if err := p.mock.SetFaults(bhxhmock.Faults{Delay: &bhxhmock.Fault{For: bhxhmock.Duration(time.Minute), Accept: &yes}}); err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	var g sync.WaitGroup
	g.Go(func() { // the caller's patience ends once the file is taken
		for ctx.Err() == nil && effects(p.mock) == 0 {
			runtime.Gosched()
		}
		giveUp()
	})
	f := file("LK1")
	out := p.client.Send(ctx, f)
	giveUp()
	g.Wait()
	if out.State != gateway.Unknown || out.HTTPStatus != 0 || !errors.Is(out.Err, context.Canceled) {
		t.Fatalf("outcome: %+v", out)
	}
	got, err := p.client.Status(t.Context(), gateway.Query{MaCSKCB: "51901", MaLK: []string{"LK1", "LK2"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].TiepNhan || got[0].SHA256 != wire.FileHash(f.Raw) || got[1].TiepNhan {
		t.Errorf("status: %+v", got)
	}
}

func TestNoConnectionMeansNotSent(t *testing.T) {
	for name, url := range map[string]string{"refused": "http://" + fhirtest.Nowhere(t), "no such host": "http://no-such-host.invalid"} {
		out := newClient(t, url, fhirtest.Patience, nil).Send(t.Context(), file("LK1"))
		if out.State != gateway.NotSent || out.HTTPStatus != 0 {
			t.Errorf("%s: %+v", name, out)
		}
		if e, ok := errors.AsType[*fhir.Error](out.Err); !ok || e.Code != "bhxh-gateway-unreachable" {
			t.Errorf("%s: %v", name, out.Err)
		}
		noSecrets(t, fmt.Sprint(out.Err))
	}
	// The log-in worked and the portal went away before the file was sent.
	p := start(t, fhirtest.Patience)
	if err := p.client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if out := p.client.Send(gone, file("LK1")); out.State == gateway.Accepted || effects(p.mock) != 0 {
		t.Errorf("with an ended context: %+v", out)
	}
}

// replies answers the log-in like the portal and the rest with a fixed text.
func replies(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.DefaultPaths().Take {
			_, _ = io.WriteString(w, `{"maKetQua":"200","APIKey":{"access_token":"A","id_token":"B","expires_in":"2126-03-01T08:10:00Z"}}`)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestOnlyMaKetQuaDecides(t *testing.T) {
	for body, want := range map[string]gateway.State{
		`{"maKetQua":"200","maGiaoDich":"G1"}`:                   gateway.Accepted,
		`{"maKetQua":200,"maGiaoDich":"G1"}`:                     gateway.Accepted,
		`{"maKetQua":"200","maGiaoDich":""}`:                     gateway.Unknown,
		`{"maKetQua":"403","thongDiep":"Không được phép"}`:       gateway.Refused,
		`{"maKetQua":"205"}`:                                     gateway.Refused,
		`{"maKetQua":"701","maGiaoDich":"G1","thongDiep":"Lỗi"}`: gateway.Refused,
		`{"maKetQua":"401"}`:                                     gateway.NotSent,
		`{"maKetQua":"500"}`:                                     gateway.Unknown,
		`{"maKetQua":"101"}`:                                     gateway.Unknown,
		`{"maKetQua":"OK","maGiaoDich":"G1"}`:                    gateway.Unknown,
		`{"maKetQua":null,"maGiaoDich":"G1"}`:                    gateway.Unknown,
		`{"maGiaoDich":"G1"}`:                                    gateway.Unknown,
		`{"maKetQua":"200","maGiaoDich":"G1"`:                    gateway.Unknown,
		`["200"]`:                                                gateway.Unknown,
		`null`:                                                   gateway.Unknown,
		``:                                                       gateway.Unknown,
		`{"maKetQua":"200","maGiaoDich":"` + strings.Repeat("G", 70<<10) + `"}`: gateway.Unknown,
	} {
		for _, status := range []int{200, 400, 500} {
			out := newClient(t, replies(t, status, body), fhirtest.Patience, nil).Send(t.Context(), file("LK1"))
			if out.State != want || out.HTTPStatus != status {
				t.Errorf("%.60s with HTTP %d: %v, want %v (%v)", body, status, out.State, want, out.Err)
			}
		}
	}
}

// A file that is turned away with 401 goes out once more after a new log-in, and then no more: whoever says 401 may have taken it.
func TestAFileGoesOutOnceMoreAfter401(t *testing.T) {
	var logins, files atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.DefaultPaths().Take {
			logins.Add(1)
			_, _ = io.WriteString(w, `{"maKetQua":"200","APIKey":{"access_token":"A","id_token":"B"}}`)
			return
		}
		files.Add(1)
		_, _ = io.WriteString(w, `{"maKetQua":"401"}`)
	}))
	defer s.Close()
	out := newClient(t, s.URL, fhirtest.Patience, nil).Send(t.Context(), file("LK1"))
	if out.State != gateway.NotSent || logins.Load() != 2 || files.Load() != 2 {
		t.Errorf("%v after %d log-ins and %d files", out.State, logins.Load(), files.Load())
	}
}

// A connection that breaks after the file was written, such as one kept from the call before, is no reason to write it again.
func TestABrokenConnectionSendsNothingAgain(t *testing.T) {
	var files atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.DefaultPaths().Take {
			_, _ = io.WriteString(w, `{"maKetQua":"200","APIKey":{"access_token":"A","id_token":"B"}}`)
			return
		}
		files.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer s.Close()
	out := newClient(t, s.URL, fhirtest.Patience, nil).Send(t.Context(), file("LK1"))
	if out.State != gateway.Unknown || files.Load() != 1 {
		t.Errorf("%v after %d files", out.State, files.Load())
	}
}

func TestACutReplyIsUnknown(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.DefaultPaths().Take {
			_, _ = io.WriteString(w, `{"maKetQua":"200","APIKey":{"access_token":"A","id_token":"B"}}`)
			return
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"maKetQua":"200","maGiaoDich":"G1"}`)
	}))
	defer s.Close()
	if out := newClient(t, s.URL, fhirtest.Patience, nil).Send(t.Context(), file("LK1")); out.State != gateway.Unknown || out.HTTPStatus != 200 {
		t.Errorf("%+v", out)
	}
}

func TestSessionsAreSharedAndRenewed(t *testing.T) {
	p := start(t, fhirtest.Patience)
	if err := p.mock.SetFaults(bhxhmock.Faults{Delay: &bhxhmock.Fault{On: []string{bhxhmock.CallToken}}}); err != nil { // counts the log-ins
		t.Fatal(err)
	}
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			if out := p.client.Send(t.Context(), file(fmt.Sprint("LK", i))); out.State != gateway.Accepted {
				t.Errorf("%+v", out)
			}
		})
	}
	g.Wait()
	p.skip(11 * time.Minute)
	if out := p.client.Send(t.Context(), file("LK9")); out.State != gateway.Accepted {
		t.Errorf("%+v", out)
	}
	if n := effects(p.mock); n != 9 {
		t.Errorf("%d rows with effect", n)
	}
	res, err := http.Get(p.url + "/faults")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(raw), `"acted":2`) {
		t.Errorf("want two log-ins: %s %v", raw, err)
	}
}

func TestAWrongAccountIsNotSent(t *testing.T) {
	p := start(t, fhirtest.Patience)
	c, err := gateway.New(gateway.Config{BaseURL: p.url, Username: username, Password: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	out := c.Send(t.Context(), file("LK1"))
	if e, ok := errors.AsType[*fhir.Error](out.Err); out.State != gateway.NotSent || !ok || e.Code != "bhxh-login-refused" {
		t.Errorf("%+v", out)
	}
	if len(p.mock.Rows()) != 0 {
		t.Error("the file was sent without a session")
	}
}

func TestStatusIsAskedWithARenewedSession(t *testing.T) {
	p := start(t, fhirtest.Patience)
	out := p.client.Send(t.Context(), file("LK1"))
	if err := p.mock.SetFaults(bhxhmock.Faults{TokenExpired: &bhxhmock.Fault{Count: 1, On: []string{"status"}}}); err != nil {
		t.Fatal(err)
	}
	got, err := p.client.Status(t.Context(), gateway.Query{MaCSKCB: "51901", MaGiaoDich: out.MaGiaoDich})
	if err != nil || len(got) != 1 || got[0].MaLK != "LK1" {
		t.Errorf("%+v %v", got, err)
	}
	_, err = p.client.Status(t.Context(), gateway.Query{MaCSKCB: "51902", MaLK: []string{"LK1"}})
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Denied {
		t.Errorf("another facility: %v", err)
	}
	for _, f := range []bhxhmock.Faults{
		{HTML200: &bhxhmock.Fault{On: []string{"status"}}}, {EmptyBody: &bhxhmock.Fault{On: []string{"status"}}},
		{DropBeforeAccept: &bhxhmock.Fault{On: []string{"status"}}},
	} {
		if err := p.mock.SetFaults(f); err != nil {
			t.Fatal(err)
		}
		_, err = p.client.Status(t.Context(), gateway.Query{MaCSKCB: "51901", MaLK: []string{"LK1"}})
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.Unavailable {
			t.Errorf("%v", err)
		}
	}
}

func TestCardLookUp(t *testing.T) {
	p := start(t, fhirtest.Patience)
	for card, want := range map[string]wire.MaKetQua{
		"GD4515100000011": "000", "GD4515100000018": "010", "GD4515100000019": "050", "GD45151": "051",
	} {
		r, err := p.client.Card(t.Context(), wire.CardRequest{MaThe: card, HoTen: "NGUYỄN VĂN THỬ", NgaySinh: "15/03/1985", HoTenCB: "LÊ THỊ DỤ", CCCDCB: "051185000001"})
		if err != nil || r.MaKetQua != want || r.GhiChu == "" {
			t.Errorf("%s: %+v %v", card, r, err)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, c := range []gateway.Config{
		{}, {BaseURL: "http://x"}, {BaseURL: "ftp://x", Username: "u", Password: "p"}, {BaseURL: "http://u:p@x", Username: "u", Password: "p"},
		{BaseURL: "x", Username: "u", Password: "p"}, {BaseURL: "http://x?a=b", Username: "u", Password: "p"},
	} {
		if _, err := gateway.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"maKetQua":"200","maGiaoDich":"G1"}`, `{"maKetQua":4e2}`, `<html>`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		out := gateway.Classify(200, body)
		if out.State == gateway.Accepted && (out.MaGiaoDich == "" || out.Code != wire.Accepted) {
			t.Fatalf("accepted without proof: %+v", out)
		}
	})
}
