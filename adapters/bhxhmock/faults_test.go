package bhxhmock_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

func TestFaultsAreSwitchedOverHTTP(t *testing.T) {
	p := start(t, bhxhmock.Options{Panel: true})
	put := func(body string) (int, string) {
		req, err := http.NewRequest(http.MethodPut, p.url+"/faults", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", wire.JSONType)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	for _, bad := range []string{`{"explode":{}}`, `{"status":{"status":42}}`, `{"html200":{"probability":2}}`, `{"html200":{"on":["x"]}}`, `{"delay":{"for":"soon"}}`, `{"html200":{"for":"1s"}}`, `{"html200":{"status":500}}`, `{"rateLimit":{"retryAfter":-1}}`, `{"status":{"skip":-1}}`, `[]`} {
		if code, body := put(bad); code != 400 || body == "" {
			t.Errorf("%s: %d %s", bad, code, body)
		}
	}
	if code, body := put(`{"seed":3,"html200":{"probability":0.5},"emptyBody":{"count":2,"on":["status"]},"delay":{"for":"1ms","on":["*"]}}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	struck := 0
	for i := range 40 {
		if _, _, body := p.send(small(fmt.Sprint("LK", i), "", 1000)); strings.HasPrefix(body, "<") {
			struck++
		}
	}
	if struck < 8 || struck > 32 {
		t.Errorf("probability 0.5 struck %d of 40 times", struck)
	}
	_, raw := p.get("/faults")
	var f bhxhmock.Faults
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	if f.HTML200.Acted != struck || f.EmptyBody.Acted != 0 || f.Delay.Acted < 40 {
		t.Errorf("%+v %+v %+v", f.HTML200, f.EmptyBody, f.Delay)
	}
	put(`{}`)
	if r, _, body := p.send(small("LKx", "", 1)); r.MaGiaoDich == "" {
		t.Errorf("{} should switch all off: %s", body)
	}
}

// Whoever reaches a mock may not break it unless it was told so.
func TestThePanelIsOffByDefault(t *testing.T) {
	for _, on := range []bool{false, true} {
		p := start(t, bhxhmock.Options{Panel: on, Faults: bhxhmock.Faults{Lag: &bhxhmock.Fault{For: bhxhmock.Duration(time.Hour)}}})
		for _, path := range []string{"/faults", "/panel"} {
			res, raw := p.get(path)
			if (res.StatusCode == 200) != on || on && !bytes.Contains(raw, []byte(`lag`)) {
				t.Errorf("panel %v: %s %d", on, path, res.StatusCode)
			}
		}
		// As a form of another site would send it.
		res, err := http.Post(p.url+"/faults", "text/plain", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		req, err := http.NewRequest(http.MethodPut, p.url+"/faults", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		put, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		put.Body.Close()
		if res.StatusCode < 400 || put.StatusCode < 400 {
			t.Errorf("panel %v: %d %d", on, res.StatusCode, put.StatusCode)
		}
	}
}

func TestThePageListsEachFault(t *testing.T) {
	p := start(t, bhxhmock.Options{Panel: true, Faults: bhxhmock.Faults{Truncate: &bhxhmock.Fault{Count: 2}}})
	p.post(small("LK1", "", 1000))
	res, raw := p.get("/panel")
	for _, s := range bhxhmock.Switches {
		if !bytes.Contains(raw, []byte("<code>"+s.Name+"</code>")) {
			t.Errorf("%s is not on the page", s.Name)
		}
	}
	if !bytes.Contains(raw, []byte("acted 1 times")) || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%s", raw)
	}
}

// post sends a file and gives the answer as it comes.
func (p *portal) post(file []byte) (res *http.Response, body []byte, err error) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+wire.DefaultPaths().Send3176, strings.NewReader(request(file).Form().Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", wire.FormType)
	req.Header.Set(wire.HeaderAccessToken, p.key.AccessToken)
	req.Header.Set(wire.HeaderTokenID, p.key.IDToken)
	req.Header.Set(wire.HeaderPasswordHash, wire.PasswordHash(account.Password))
	res, err = http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res, body, err
}

func TestFaultsOfTheLine(t *testing.T) {
	yes := true
	for _, c := range []struct {
		name   string
		faults bhxhmock.Faults
		effect bool
		reply  bhxhmock.Reply
		check  func(res *http.Response, body []byte, err error) bool
	}{
		{"429", bhxhmock.Faults{RateLimit: &bhxhmock.Fault{RetryAfter: 7}}, false, bhxhmock.ReplyReplaced,
			func(res *http.Response, _ []byte, err error) bool {
				return err == nil && res.StatusCode == 429 && res.Header.Get("Retry-After") == "7"
			}},
		{"429 although taken", bhxhmock.Faults{RateLimit: &bhxhmock.Fault{Accept: &yes}}, true, bhxhmock.ReplyReplaced,
			func(res *http.Response, _ []byte, err error) bool {
				return err == nil && res.StatusCode == 429 && res.Header.Get("Retry-After") == "1"
			}},
		{"truncated", bhxhmock.Faults{Truncate: &bhxhmock.Fault{}}, true, bhxhmock.ReplyReplaced,
			func(res *http.Response, body []byte, err error) bool {
				return errors.Is(err, io.ErrUnexpectedEOF) && res.StatusCode == 200 && bytes.HasPrefix(body, []byte(`{"maKetQua":"200"`)) && !json.Valid(body)
			}},
		{"trickle", bhxhmock.Faults{Trickle: &bhxhmock.Fault{For: bhxhmock.Duration(50 * time.Millisecond)}}, true, bhxhmock.ReplySent,
			func(_ *http.Response, body []byte, err error) bool { return err == nil && json.Valid(body) }},
		{"reset", bhxhmock.Faults{Reset: &bhxhmock.Fault{}}, true, bhxhmock.ReplyDropped,
			func(_ *http.Response, _ []byte, err error) bool {
				return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
			}},
		{"twice", bhxhmock.Faults{TwiceReply: &bhxhmock.Fault{}}, true, bhxhmock.ReplySent,
			func(_ *http.Response, body []byte, err error) bool {
				return err == nil && bytes.Contains(body, []byte("GD51901"))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, bhxhmock.Options{Faults: c.faults})
			res, body, err := p.post(small("LK1", "", 1000))
			if !c.check(res, body, err) {
				t.Errorf("%v %q %v", res, body, err)
			}
			if rows := p.mock.Rows(); len(rows) != 1 || rows[0].Effect != c.effect || rows[0].Reply != c.reply {
				t.Errorf("%+v", rows)
			}
		})
	}
}

// Where a reply comes twice, the next file on the connection gets it, and is not taken.
func TestAReplyThatComesTwice(t *testing.T) {
	p := start(t, bhxhmock.Options{Faults: bhxhmock.Faults{TwiceReply: &bhxhmock.Fault{Count: 1}}})
	first, _, _ := p.send(small("LK1", "", 1000))
	second, _, _ := p.send(small("LK2", "", 1000))
	if second.MaGiaoDich != first.MaGiaoDich || len(p.mock.Rows()) != 1 {
		t.Errorf("%+v, then %+v", first, second)
	}
	if third, _, _ := p.send(small("LK3", "", 1000)); third.MaGiaoDich == first.MaGiaoDich {
		t.Errorf("%+v", third)
	}
}

// The reply of an earlier file is the dangerous one: it looks whole, and nothing was taken.
func TestTheReplyOfAnotherFile(t *testing.T) {
	p := start(t, bhxhmock.Options{Faults: bhxhmock.Faults{OtherReply: &bhxhmock.Fault{Skip: 1, Count: 1}}})
	first, _, _ := p.send(small("LK1", "", 1000))
	other, _, _ := p.send(small("LK2", "", 1000))
	third, _, _ := p.send(small("LK3", "", 1000))
	if other.MaKetQua != wire.Accepted || other.MaGiaoDich != first.MaGiaoDich || third.MaGiaoDich == first.MaGiaoDich {
		t.Errorf("%+v, then %+v, then %+v", first, other, third)
	}
	if rows := p.mock.Rows(); rows[1].Effect || !rows[2].Effect {
		t.Errorf("%+v", rows)
	}
}

func TestAFaultForOneHospital(t *testing.T) {
	all := bhxhmock.Account{Username: account.Username, Password: account.Password}
	p := start(t, bhxhmock.Options{Accounts: []bhxhmock.Account{all}, Faults: bhxhmock.Faults{Status: &bhxhmock.Fault{Facilities: []string{"51902"}}}})
	for _, facility := range []string{"51901", "51902"} {
		req := request(small("LK1", "", 1000))
		req.MaCSKCB = facility
		if status, _ := p.call(wire.DefaultPaths().Send3176, req.Form(), nil); (status == 503) != (facility == "51902") {
			t.Errorf("%s: %d", facility, status)
		}
	}
}

func TestAStatusQueryThatLags(t *testing.T) {
	p := start(t, bhxhmock.Options{Faults: bhxhmock.Faults{Lag: &bhxhmock.Fault{For: bhxhmock.Duration(time.Minute)}}})
	p.send(small("LK1", "", 1000))
	for _, want := range []bool{false, true} {
		if h := p.status("LK1"); len(h) != 1 || h[0].TiepNhan != want {
			t.Errorf("%+v, want received: %v", h, want)
		}
		p.clock.Advance(time.Minute)
	}
}

func TestAClockThatIsSetBackHidesNothing(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	p.send(small("LK1", "", 1000))
	p.clock.Advance(-time.Hour)
	if h := p.status("LK1"); len(h) != 1 || !h[0].TiepNhan || h[0].TrangThai != wire.DaTiepNhan {
		t.Errorf("%+v", h)
	}
}

// The same seed strikes the same requests.
func TestTheSeedOfTheFaults(t *testing.T) {
	struck := func(seed uint64) (out string) {
		p := start(t, bhxhmock.Options{Faults: bhxhmock.Faults{Seed: seed, HTML200: &bhxhmock.Fault{Probability: 0.5}}})
		for i := range 30 {
			_, _, body := p.send(small(fmt.Sprint("LK", i), "", 1000))
			out += body[:1]
		}
		return out
	}
	if a, b, c := struck(1), struck(1), struck(2); a != b || a == c {
		t.Errorf("%s\n%s\n%s", a, b, c)
	}
}
