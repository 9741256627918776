package bhxhmock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// portal is a running mock with a session.
type portal struct {
	t     *testing.T
	mock  *bhxhmock.Mock
	url   string
	clock *fhirtest.Clock
	key   wire.APIKey
}

var account = bhxhmock.Account{Username: "51901_BV", Password: "mật khẩu", Facilities: []string{"51901"}}

func start(t *testing.T, o bhxhmock.Options) *portal {
	t.Helper()
	p := &portal{t: t, clock: fhirtest.NewClock(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC))}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Accounts == nil {
		o.Accounts = []bhxhmock.Account{account}
	}
	o.Now = p.clock.Now
	var err error
	if p.mock, err = bhxhmock.New(o); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p.mock.Handler())
	t.Cleanup(func() {
		s.Close()
		if err := p.mock.Close(); err != nil {
			t.Error(err)
		}
	})
	p.url = s.URL
	p.login()
	return p
}

// get asks for what needs no session.
func (p *portal) get(path string) (res *http.Response, body []byte) {
	p.t.Helper()
	res, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		p.t.Fatal(err)
	}
	return res, body
}

func (p *portal) login() wire.TakeReply {
	p.t.Helper()
	var r wire.TakeReply
	p.call(wire.DefaultPaths().Take, wire.TakeRequest{Username: account.Username, Password: wire.PasswordHash(account.Password)}.Form(), &r)
	if r.MaKetQua == wire.Accepted {
		p.key = *r.APIKey
	}
	return r
}

// call posts a form and reads the JSON of the reply into v; it gives the HTTP status, 0 if the connection was cut.
func (p *portal) call(path string, form url.Values, v any) (status int, body string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", wire.FormType)
	req.Header.Set(wire.HeaderAccessToken, p.key.AccessToken)
	req.Header.Set(wire.HeaderTokenID, p.key.IDToken)
	req.Header.Set(wire.HeaderPasswordHash, wire.PasswordHash(account.Password))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if json.Valid(raw) && v != nil {
		if err := json.Unmarshal(raw, v); err != nil {
			p.t.Fatal(err)
		}
	}
	return res.StatusCode, string(raw)
}

func (p *portal) send(file []byte) (r wire.SendReply, status int, body string) {
	p.t.Helper()
	status, body = p.call(wire.DefaultPaths().Send3176, request(file).Form(), &r)
	return r, status, body
}

func (p *portal) status(maLK ...string) []wire.HoSo {
	p.t.Helper()
	var r wire.StatusReply
	p.call(wire.DefaultPaths().Status, wire.StatusRequest{Username: account.Username, MaCSKCB: "51901", MaLK: maLK}.Form(), &r)
	if r.MaKetQua != wire.Accepted {
		p.t.Fatalf("status: %+v", r)
	}
	return r.DSHoSo
}

func request(file []byte) wire.SendRequest {
	return wire.SendRequest{Username: account.Username, LoaiHoSo: wire.LoaiHoSoClaim, MaTinh: "51", MaCSKCB: "51901", File: file}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(fhirtest.Data(t, "domain", "claim-xml", "samples"), name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// small is a claim file made by hand, so that most tests need no shared data. lines are T_BHTT of XML3 lines.
func small(maLK, duPhong string, lines ...int) []byte {
	var rows strings.Builder
	sum := 0
	for i, n := range lines {
		sum += n
		fmt.Fprintf(&rows, "<CHI_TIET_DVKT><MA_LK>%s</MA_LK><STT>%d</STT><THANH_TIEN_BV>%d.00</THANH_TIEN_BV><T_BHTT>%d</T_BHTT><T_BNCCT>0</T_BNCCT><T_BNTT>0</T_BNTT><T_NGUONKHAC>0</T_NGUONKHAC></CHI_TIET_DVKT>", maLK, i+1, n, n)
	}
	e := wire.Envelope{MaCSKCB: "51901", NgayLap: "20260401", HoSo: []wire.Episode{{Files: []wire.FileHoSo{
		{LoaiHoSo: "XML1", NoiDung: fmt.Appendf(nil, "<TONG_HOP><MA_LK>%s</MA_LK><MA_CSKCB>51901</MA_CSKCB><NAM_QT>2026</NAM_QT><THANG_QT>03</THANG_QT><T_TONGCHI_BV>%d</T_TONGCHI_BV><DU_PHONG>%s</DU_PHONG></TONG_HOP>", maLK, sum, duPhong)},
		{LoaiHoSo: "XML3", NoiDung: []byte("<CHITIEU_CHITIET_DVKT_VTYT><DSACH_CHI_TIET_DVKT>" + rows.String() + "</DSACH_CHI_TIET_DVKT></CHITIEU_CHITIET_DVKT_VTYT>")},
	}}}}
	return e.Append(nil)
}

func TestSamplesAreTakenAndAssessed(t *testing.T) {
	p := start(t, bhxhmock.Options{AssessingAfter: time.Minute, AssessedAfter: time.Hour})
	file := sample(t, "three-episodes.xml")
	r, _, _ := p.send(file)
	if r.MaKetQua != wire.Accepted || r.MaGiaoDich == "" || r.ThoiGianTiepNhan != "20260401080000" {
		t.Fatalf("reply: %+v", r)
	}
	rows := p.mock.Rows()
	if len(rows) != 3 {
		t.Fatalf("%d rows for three episodes", len(rows))
	}
	for i, row := range rows {
		if !row.Effect || row.Version != 1 || row.SHA256 != wire.FileHash(file) || row.Reply != bhxhmock.ReplySent || row.Request != 1 ||
			row.MaLK != fmt.Sprintf("51901_2026_%06d", i+1) || row.Facility != "51901" || row.Account != account.Username || row.Address == "" || len(row.Errors) > 0 {
			t.Errorf("row %d: %+v", i, row)
		}
	}
	for _, step := range []struct {
		wait time.Duration
		want wire.TrangThai
	}{{0, wire.DaTiepNhan}, {time.Minute, wire.DangGiamDinh}, {59 * time.Minute, wire.DaGiamDinh}} {
		p.clock.Advance(step.wait)
		p.login()
		for _, h := range p.status("51901_2026_000001", "51901_2026_000002") {
			if h.TrangThai != step.want || !h.TiepNhan || h.MaGiaoDich != r.MaGiaoDich || h.PhienBan != 1 || (len(h.ChiTiet) > 0) != (step.want == wire.DaGiamDinh) {
				t.Errorf("after %v: %+v", step.wait, h)
			}
		}
	}
	lines := p.status("51901_2026_000002")[0].ChiTiet
	if len(lines) != 5 || lines[0].Bang != "XML2" || lines[0].TienDeNghi != "159600.00" {
		t.Errorf("lines: %+v", lines)
	}
	for _, l := range lines {
		if (l.TienChapNhan == l.TienDeNghi) != (l.LyDo == "") || (l.LyDo == "") != (l.MaLyDo == "") {
			t.Errorf("a reduction without a reason, or the other way round: %+v", l)
		}
	}
}

// The share of full, reduced and denied lines is what a clinic's staff meets in the demo; the decision never changes.
func TestAssessmentIsDeterministicAndMixed(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	lines := make([]int, 400)
	for i := range lines {
		lines[i] = 1000 + i
	}
	p.send(small("LK1", "", lines...))
	p.send(small("LK1", "PB=2;LD=sai giá", lines...))
	p.clock.Advance(time.Minute)
	records := p.status("LK1")
	if len(records) != 2 || records[0].PhienBan != 1 || records[1].PhienBan != 2 {
		t.Fatalf("records: %+v", records)
	}
	count := map[string]int{}
	for i, l := range records[0].ChiTiet {
		if l != records[1].ChiTiet[i] {
			t.Fatalf("line %d differs between versions", i)
		}
		switch l.TienChapNhan {
		case l.TienDeNghi:
			count["full"]++
		case "0.00":
			count["denied"]++
		default:
			count["reduced"]++
		}
	}
	if count["full"] < 300 || count["reduced"] < 20 || count["denied"] < 5 {
		t.Errorf("shares: %v", count)
	}
}

func TestARepeatedFileIsAVisibleViolation(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	for range 2 {
		if r, _, _ := p.send(small("LK1", "", 1000)); r.MaKetQua != wire.Accepted {
			t.Fatalf("%+v", r)
		}
	}
	p.send(small("LK1", "PB=2", 1000))
	effects := map[uint64]int{}
	for _, r := range p.mock.Rows() {
		if r.Effect {
			effects[r.Version]++
		}
	}
	if effects[1] != 2 || effects[2] != 1 {
		t.Errorf("rows with effect by version: %v", effects)
	}
	strict := start(t, bhxhmock.Options{RefuseRepeats: true})
	strict.send(small("LK1", "", 1000))
	if r, _, _ := strict.send(small("LK1", "", 1000)); r.MaKetQua != wire.BadParameter || r.ThongDiep != "Hồ sơ đã gửi" {
		t.Errorf("strict: %+v", r)
	}
	if rows := strict.mock.Rows(); rows[1].Effect || rows[1].Decision != bhxhmock.DecisionRefused {
		t.Errorf("strict: %+v", rows[1])
	}
}

func TestBadFilesAreRefusedWithTheReason(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	good := string(small("LK1", "", 1000))
	for name, file := range map[string]string{
		"not an envelope":  "<html/>",
		"wrong count":      strings.Replace(good, "<SOLUONGHOSO>1", "<SOLUONGHOSO>2", 1),
		"another facility": strings.Replace(good, "<MACSKCB>51901", "<MACSKCB>51902", 1),
		"no XML1":          strings.Replace(good, "<LOAIHOSO>XML1", "<LOAIHOSO>XML4", 1),
		"table unreadable": strings.Replace(good, "<LOAIHOSO>XML3", "<LOAIHOSO>XML2", 1),
		"empty":            "",
		"no episode":       string((&wire.Envelope{MaCSKCB: "51901"}).Append(nil)),
	} {
		r, status, _ := p.send([]byte(file))
		if r.MaKetQua != wire.BadParameter || r.ThongDiep == "" || status != 200 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	form := request(small("LK1", "", 1000)).Form()
	form.Set("maCSKCB", "51902")
	var r wire.SendReply
	if p.call(wire.DefaultPaths().Send4750, form, &r); r.MaKetQua != wire.NotAllowed {
		t.Errorf("another facility's file: %+v", r)
	}
	for _, row := range p.mock.Rows() {
		if row.Effect || row.Decision != bhxhmock.DecisionRefused {
			t.Errorf("%+v", row)
		}
	}
}

func TestFormatErrorsAreToldLater(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	e, _, err := wire.ReadEnvelope(small("LK1", "", 1000, 2000), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	x := &e.HoSo[0].Files[1]
	x.NoiDung = bytes.Replace(x.NoiDung, []byte("<T_BHTT>2000"), []byte("<T_BHTT>2001"), 1)
	if r, _, _ := p.send(e.Append(nil)); r.MaKetQua != wire.Accepted {
		t.Fatalf("%+v", r)
	}
	p.clock.Advance(time.Minute)
	h := p.status("LK1")[0]
	if h.TrangThai != wire.LoiDinhDang || len(h.Loi) != 1 || h.Loi[0].Ma != "XML3[2]" || len(h.ChiTiet) > 0 {
		t.Errorf("%+v", h)
	}
}

func TestSessions(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	p.clock.Advance(10 * time.Minute)
	if r, _, _ := p.send(small("LK1", "", 1000)); r.MaKetQua != wire.NotLoggedIn {
		t.Errorf("an old token: %+v", r)
	}
	p.login()
	good := p.key
	p.key.IDToken = "x"
	if r, _, _ := p.send(small("LK1", "", 1000)); r.MaKetQua != wire.NotLoggedIn {
		t.Errorf("a wrong id_token: %+v", r)
	}
	p.key = good
	if r, _, _ := p.send(small("LK1", "", 1000)); r.MaKetQua != wire.Accepted {
		t.Errorf("%+v", r)
	}
	var r wire.TakeReply
	p.call(wire.DefaultPaths().Take, wire.TakeRequest{Username: account.Username, Password: account.Password}.Form(), &r)
	if r.MaKetQua != wire.NotLoggedIn || r.APIKey != nil {
		t.Errorf("a password in the clear: %+v", r)
	}
	// The token is bound to the caller's address.
	req := httptest.NewRequest(http.MethodPost, wire.DefaultPaths().Status, strings.NewReader("maCSKCB=51901&dsMaLK=LK1"))
	req.Header.Set("Content-Type", wire.FormType)
	req.Header.Set(wire.HeaderAccessToken, good.AccessToken)
	req.Header.Set(wire.HeaderTokenID, good.IDToken)
	req.Header.Set(wire.HeaderPasswordHash, wire.PasswordHash(account.Password))
	req.RemoteAddr = "192.0.2.7:1"
	w := httptest.NewRecorder()
	p.mock.Handler().ServeHTTP(w, req)
	if !strings.Contains(w.Body.String(), `"401"`) {
		t.Errorf("from another address: %s", w.Body)
	}
}

func TestAskingBack(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	r, _, _ := p.send(small("LK1", "", 100_000))
	p.send(small("LK2", "", 50_000))
	p.send(small("LK2", "PB=2", 70_000))
	form := func(kv ...string) url.Values {
		v := url.Values{"maCSKCB": {"51901"}}
		for i := 0; i < len(kv); i += 2 {
			v.Set(kv[i], kv[i+1])
		}
		return v
	}
	var byReceipt wire.StatusReply
	p.call(wire.DefaultPaths().Status, form("maGiaoDich", r.MaGiaoDich), &byReceipt)
	if len(byReceipt.DSHoSo) != 1 || byReceipt.DSHoSo[0].MaLK != "LK1" {
		t.Errorf("by receipt: %+v", byReceipt)
	}
	if h := p.status("LK9")[0]; h.TiepNhan || h.TrangThai != wire.KhongCo {
		t.Errorf("never sent: %+v", h)
	}
	var batches wire.BatchReply
	p.call(wire.DefaultPaths().Batches, form("nam", "2026", "thang", "3"), &batches)
	if len(batches.DSDot) != 1 || batches.DSDot[0].SoHoSo != 2 || batches.DSDot[0].TrangThai != wire.DangGiamDinh {
		t.Errorf("batches: %+v", batches)
	}
	var open, closed wire.SettlementReply
	p.call(wire.DefaultPaths().Settlement, form("nam", "2026", "quy", "1"), &open)
	if open.NgayQT != "" || open.TienDaTra != "0.00" {
		t.Errorf("open: %+v", open)
	}
	p.clock.Advance(time.Minute)
	p.call(wire.DefaultPaths().Settlement, form("nam", "2026", "quy", "1"), &closed)
	if closed.TienDeNghi != "170000.00" || closed.SoHoSo != 2 || closed.NgayQT != "20260401" || closed.TienDaTra != closed.TienChapNhan {
		t.Errorf("closed: %+v", closed)
	}
}

func TestCheckInHasNoEffectInTheLedger(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	req := request([]byte("<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB><MA_LK>LK1</MA_LK></TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB></CHI_TIEU_TRANG_THAI_KCB>"))
	req.LoaiHoSo = wire.LoaiHoSoCheckIn
	var r wire.SendReply
	p.call(wire.DefaultPaths().CheckIn, req.Form(), &r)
	if rows := p.mock.Rows(); r.MaKetQua != wire.Accepted || len(rows) != 1 || rows[0].MaLK != "LK1" || rows[0].Effect || rows[0].Decision != bhxhmock.DecisionAccepted {
		t.Errorf("%+v %+v", r, rows)
	}
}

func TestFaultsStrikeAndAreNoted(t *testing.T) {
	yes, no := true, false
	once := func(f bhxhmock.Fault) *bhxhmock.Fault { f.Count = 1; return &f }
	for name, c := range map[string]struct {
		faults bhxhmock.Faults
		status int // 0 = cut
		body   string
		effect bool
		reply  bhxhmock.Reply
	}{
		"status":              {bhxhmock.Faults{Status: once(bhxhmock.Fault{})}, 503, "<!DOCTYPE", false, bhxhmock.ReplyReplaced},
		"status after":        {bhxhmock.Faults{Status: once(bhxhmock.Fault{Status: 504, Accept: &yes})}, 504, "<!DOCTYPE", true, bhxhmock.ReplyReplaced},
		"drop before":         {bhxhmock.Faults{DropBeforeAccept: once(bhxhmock.Fault{})}, 0, "", false, bhxhmock.ReplyDropped},
		"drop after":          {bhxhmock.Faults{DropAfterAccept: once(bhxhmock.Fault{})}, 0, "", true, bhxhmock.ReplyDropped},
		"html":                {bhxhmock.Faults{HTML200: once(bhxhmock.Fault{})}, 200, "<!DOCTYPE", true, bhxhmock.ReplyReplaced},
		"html without effect": {bhxhmock.Faults{HTML200: once(bhxhmock.Fault{Accept: &no})}, 200, "<!DOCTYPE", false, bhxhmock.ReplyReplaced},
		"empty":               {bhxhmock.Faults{EmptyBody: once(bhxhmock.Fault{})}, 200, "", true, bhxhmock.ReplyReplaced},
		"wrong reply":         {bhxhmock.Faults{WrongReply: once(bhxhmock.Fault{})}, 200, `{"maKetQua":"200"}`, true, bhxhmock.ReplyReplaced},
		"token expired":       {bhxhmock.Faults{TokenExpired: once(bhxhmock.Fault{})}, 200, `{"maKetQua":"401"`, false, bhxhmock.ReplySent},
		"delay":               {bhxhmock.Faults{Delay: once(bhxhmock.Fault{For: bhxhmock.Duration(time.Millisecond)})}, 200, `{"maKetQua":"200","maGiaoDich"`, true, bhxhmock.ReplySent},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, bhxhmock.Options{Faults: c.faults})
			_, status, body := p.send(small("LK1", "", 1000))
			if status != c.status || !strings.HasPrefix(body, c.body) || c.body == "" && body != "" {
				t.Errorf("status %d, body %q", status, body)
			}
			rows := p.mock.Rows()
			if len(rows) != 1 || rows[0].Effect != c.effect || rows[0].Reply != c.reply || rows[0].MaLK != "LK1" || rows[0].Version != 1 {
				t.Errorf("%+v", rows)
			}
			p.login()
			if r, _, _ := p.send(small("LK2", "", 1000)); r.MaKetQua != wire.Accepted || r.MaGiaoDich == "" {
				t.Errorf("the fault should act once: %+v", r)
			}
		})
	}
}

// A delay ends when the caller hangs up; one that lingers goes on, and the file takes effect after all.
func TestALingeringDelayOutlivesItsCaller(t *testing.T) {
	const short = 50 * time.Millisecond
	for _, c := range []struct {
		fault bhxhmock.Fault
		least time.Duration
	}{
		{bhxhmock.Fault{For: bhxhmock.Duration(time.Hour)}, 0},
		{bhxhmock.Fault{For: bhxhmock.Duration(short), Linger: true}, short},
	} {
		p := start(t, bhxhmock.Options{Faults: bhxhmock.Faults{Delay: &c.fault}})
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		begun := time.Now()
		r := httptest.NewRequestWithContext(gone, http.MethodPost, wire.DefaultPaths().Send4750, strings.NewReader("fileHSBase64=x"))
		r.Header.Set("Content-Type", wire.FormType)
		p.mock.Handler().ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(begun); took < c.least || took >= time.Hour {
			t.Errorf("%+v took %s", c.fault, took)
		}
		if rows := p.mock.Rows(); len(rows) != 1 || rows[0].Decision == bhxhmock.DecisionNone {
			t.Errorf("%+v: %+v", c.fault, rows)
		}
	}
	if err := start(t, bhxhmock.Options{}).mock.SetFaults(bhxhmock.Faults{HTML200: &bhxhmock.Fault{Linger: true}}); err == nil {
		t.Error("a page that lingers makes no sense")
	}
}

func TestLedgerSurvives(t *testing.T) {
	dir := t.TempDir()
	p := start(t, bhxhmock.Options{Dir: dir})
	p.send(small("LK1", "", 1000))
	p.send(small("LK2", "PB=3;LD=bổ sung", 2000))
	if _, err := bhxhmock.New(bhxhmock.Options{Dir: dir}); err == nil {
		t.Fatal("a second mock opened the same ledger")
	}
	before := p.mock.Rows()
	if err := p.mock.Close(); err != nil {
		t.Fatal(err)
	}
	if _, status, _ := p.send(small("LK3", "", 1000)); status != 500 {
		t.Errorf("a closed ledger took a file: %d", status)
	}
	path := filepath.Join(dir, "ledger.ndjson")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A crash can leave a part of a row that was never acknowledged.
	if err := os.WriteFile(path, append(whole, `{"n":3,"req`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, bhxhmock.Options{Dir: dir})
	if fmt.Sprint(again.mock.Rows()) != fmt.Sprint(before) {
		t.Errorf("rows changed:\n%+v\n%+v", before, again.mock.Rows())
	}
	again.clock.Advance(time.Minute)
	if h := again.status("LK2")[0]; h.TrangThai != wire.DaGiamDinh || h.PhienBan != 3 || len(h.ChiTiet) != 1 {
		t.Errorf("after the restart: %+v", h)
	}
	again.send(small("LK3", "", 1000))
	_, raw := again.get("/ledger.ndjson")
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if last["MA_LK"] != "LK3" || last["version"] != 1.0 || last["effect"] != true || last["decision"] != "accepted" {
		t.Errorf("%v", last)
	}
}

func TestManyAtOnce(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	var g sync.WaitGroup
	for i := range 16 {
		g.Go(func() {
			for j := range 4 {
				p.send(small(fmt.Sprintf("LK%d-%d", i, j), "", 1000))
			}
		})
	}
	g.Wait()
	seen := map[string]bool{}
	for i, r := range p.mock.Rows() {
		if r.N != uint64(i+1) || seen[r.MaGiaoDich] || !r.Effect {
			t.Errorf("row %d: %+v", i, r)
		}
		seen[r.MaGiaoDich] = true
	}
	if len(seen) != 64 {
		t.Errorf("%d rows", len(seen))
	}
}

func FuzzReadClaim(f *testing.F) {
	f.Add([]byte("x"))
	f.Add(small("LK1", "PB=2", 1000, 2000))
	f.Fuzz(func(t *testing.T, file []byte) {
		maLK, fault := bhxhmock.ReadClaim(file, "51901")
		if len(maLK) == 0 && fault == "" {
			t.Fatal("a file without episodes was taken")
		}
	})
}
