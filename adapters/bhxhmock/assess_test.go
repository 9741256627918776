package bhxhmock_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// onlyRule is a file of one rule.
func onlyRule(t *testing.T, text string) *bhxhmock.Rules {
	t.Helper()
	r, err := bhxhmock.ParseRules([]byte("name: test\nrules:\n  - {code: R1, vi: lý do, en: reason, " + text + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// edited is the inpatient sample with text of one of its tables replaced; "" drops the table.
func edited(t *testing.T, table string, change func(string) string) []byte {
	t.Helper()
	e, _, err := wire.ReadEnvelope(sample(t, "inpatient.xml"), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var kept []wire.FileHoSo
	for _, f := range e.HoSo[0].Files {
		if f.LoaiHoSo == table {
			f.NoiDung = []byte(change(string(f.NoiDung)))
		}
		if len(f.NoiDung) > 0 {
			kept = append(kept, f)
		}
	}
	e.HoSo[0].Files = kept
	return e.Append(nil)
}

// inpatient gives the inpatient sample as the file of any episode.
func inpatient(t testing.TB) func(maLK string) []byte {
	t.Helper()
	e, _, err := wire.ReadEnvelope(sample(t, "inpatient.xml"), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(e.HoSo[0].Files[0].NoiDung, []byte("<MA_LK>"))
	said, _, _ := bytes.Cut(after, []byte("<"))
	return func(maLK string) []byte {
		own := wire.Envelope{MaCSKCB: e.MaCSKCB, NgayLap: e.NgayLap, HoSo: []wire.Episode{{}}}
		for _, f := range e.HoSo[0].Files {
			f.NoiDung = bytes.ReplaceAll(f.NoiDung, said, []byte(maLK))
			own.HoSo[0].Files = append(own.HoSo[0].Files, f)
		}
		return own.Append(nil)
	}
}

// put sets a field of the n-th row (from 1) of a table.
func put(n int, field, value string) func(string) string {
	return func(s string) string {
		parts := strings.SplitAfter(s, "<"+field+">")
		_, rest, _ := strings.Cut(parts[n], "</")
		parts[n] = value + "</" + rest
		return strings.Join(parts, "")
	}
}

func gone(string) string { return "" }

// paid gives what is accepted of each line of an episode with something claimed, as "table[stt]amount", and cut ones marked
// by their reason.
func (p *portal) paid(maLK string) string {
	p.t.Helper()
	p.clock.Advance(time.Minute)
	h := p.status(maLK)
	var out []string
	for _, l := range h[len(h)-1].ChiTiet {
		s := fmt.Sprintf("%s[%d] %s", l.Bang, l.STT, l.TienChapNhan)
		if l.MaLyDo != "" {
			s += " " + l.MaLyDo
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// The lines of the inpatient sample: drugs 159600.00 (8 at 21000, 95 %) and 2201.50, bed 836000.00 (4 at 220000), X-ray
// 65550.00 (1 at 69000), a supply that is not covered.
func TestEachKindOfRule(t *testing.T) {
	same := func(s string) string { return s }
	for _, c := range []struct {
		name, rule, table string
		change            func(string) string
		want              string // of the lines that are cut; "" none
	}{
		{"price above the ceiling", `kind: price, table: XML3, field: MA_DICH_VU, ceilings: {K02.1911: "200000"}`, "XML3", same, "XML3[1] 760000.00 R1"},
		{"price at the ceiling", `kind: price, table: XML3, field: MA_DICH_VU, ceilings: {K02.1911: "220000.000"}`, "XML3", same, ""},
		{"price, a hundredth above", `kind: price, table: XML3, field: MA_DICH_VU, ceilings: {"18.0119.0028": "68999.990"}`, "XML3", same, "XML3[2] 65549.99 R1"},
		{"price of a drug", `kind: price, table: XML2, field: MA_THUOC, ceilings: {"40.163": "10500"}`, "XML2", same, "XML2[1] 79800.00 R1"},
		{"price before its day", `kind: price, from: 2026-04-01, table: XML3, field: MA_DICH_VU, ceilings: {K02.1911: "1"}`, "XML3", same, ""},
		{"price after its day", `kind: price, to: 2026-02-28, table: XML3, field: MA_DICH_VU, ceilings: {K02.1911: "1"}`, "XML3", same, ""},
		{"price on its only day", `kind: price, from: 2026-03-09, to: 2026-03-09, table: XML3, field: MA_DICH_VU, ceilings: {K02.1911: "110000"}`, "XML3", same, "XML3[1] 418000.00 R1"},
		{"rate of the card", `kind: rate, rates: {"3": 95}`, "XML3", same, ""},
		{"rate above the card's", `kind: rate, where: {MA_NHOM: ["15"]}, rates: {"3": 80}`, "XML3", same, "XML3[1] 704000.00 R1"},
		{"rate, free since it is cheap", `kind: rate, rates: {"3": 80}, free-below: "99999999"`, "XML3", same, ""},
		{"rate, no share any more", `kind: rate, rates: {"3": 80}`, "XML1", put(1, "NGAY_MIEN_CCT", "20260101"), ""},
		{"rate, the better of two cards", `kind: rate, where: {MA_NHOM: ["15"]}, rates: {"3": 80, "1": 95}`, "XML1", put(1, "MA_THE_BHYT", "HC3515101234567;TE1515101234567"), ""},
		{"sum that fits", `kind: sum`, "XML3", same, ""},
		{"sum too high", `kind: sum`, "XML3", put(1, "MUC_HUONG", "50"), "XML3[1] 440000.01 R1"},
		{"no duplicate", `kind: duplicate, fields: [MA_DICH_VU, NGAY_YL]`, "XML3", same, ""},
		{"duplicate", `kind: duplicate, table: XML3, fields: [MA_DICH_VU]`, "XML3", put(2, "MA_DICH_VU", "K02.1911"), "XML3[2] 0.00 R1"},
		{"document there", `kind: document, where: {MA_NHOM: ["2"]}, needs: XML4, same: MA_DICH_VU`, "XML4", same, ""},
		{"document missing", `kind: document, where: {MA_NHOM: ["2"]}, needs: XML4, same: MA_DICH_VU`, "XML4", gone, "XML3[2] 0.00 R1"},
		{"document of something else", `kind: document, where: {MA_NHOM: ["2"]}, needs: XML4, same: MA_DICH_VU`, "XML4", put(1, "MA_DICH_VU", "18.0015.0001"), "XML3[2] 0.00 R1"},
		{"table there", `kind: document, table: XML3, record: {MA_LOAI_KCB: ["03"]}, where: {MA_NHOM: ["15"]}, needs: XML5`, "XML3", same, ""},
		{"table missing", `kind: document, table: XML3, record: {MA_LOAI_KCB: ["03"]}, where: {MA_NHOM: ["15"]}, needs: XML5`, "XML5", gone, "XML3[1] 0.00 R1"},
		{"another kind of episode", `kind: document, record: {MA_LOAI_KCB: ["01"]}, needs: XML5`, "XML5", gone, ""},
		{"code", `kind: code, table: XML3, field: MA_BENH, pattern: "[A-Z][0-9]{2}(\\.[0-9])?"`, "XML3", same, ""},
		{"wrong code", `kind: code, table: XML3, field: MA_BENH, pattern: "[A-Z][0-9]{2}(\\.[0-9])?"`, "XML3", put(1, "MA_BENH", "J18;xx"), "XML3[1] 0.00 R1"},
		{"wrong code of the whole episode", `kind: code, table: XML1, where: {MA_NHOM: ["15"]}, field: MA_BENH_CHINH, pattern: "[A-Z][0-9]{2}(\\.[0-9])?"`, "XML1", put(1, "MA_BENH_CHINH", "?"), "XML3[1] 0.00 R1"},
		{"sample of all", `kind: sample, where: {MA_NHOM: ["15"]}, reduced: 1000, percent: 33`, "XML3", same, "XML3[1] 275880.00 R1"},
		{"sample, rounded half up", `kind: sample, where: {MA_THUOC: ["40.48"]}, reduced: 1000, percent: 33`, "XML3", same, "XML2[2] 726.50 R1"},
		{"sample of none", `kind: sample, percent: 33`, "XML3", same, ""},
		{"overlap with itself", `kind: overlap`, "XML3", same, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bhxhmock.Options{Rules: onlyRule(t, c.rule)})
			file := edited(t, c.table, c.change)
			for range 2 { // the second time as a later version would be
				if r, _, body := p.send(file); r.MaKetQua != wire.Accepted {
					t.Fatal(body)
				}
				var cut []string
				for l := range strings.SplitSeq(p.paid("51901_2026_000002"), "; ") {
					if strings.Contains(l, "R1") {
						cut = append(cut, l)
					}
				}
				if got := strings.Join(cut, "; "); got != c.want {
					t.Errorf("cut %q, want %q", got, c.want)
				}
			}
		})
	}
}

// Two stays of one card overlap, at two hospitals; the one that was received later is denied, also after a restart.
func TestAnOverlapIsSeenAcrossHospitals(t *testing.T) {
	dir := t.TempDir()
	two := []bhxhmock.Account{{Username: account.Username, Password: account.Password}}
	p := start(t, bhxhmock.Options{Dir: dir, Accounts: two, Rules: onlyRule(t, "kind: overlap")})
	p.send(sample(t, "inpatient.xml"))
	if err := p.mock.Close(); err != nil {
		t.Fatal(err)
	}
	p = start(t, bhxhmock.Options{Dir: dir, Accounts: two, Rules: onlyRule(t, "kind: overlap")})
	other := edited(t, "XML1", func(s string) string { return strings.ReplaceAll(s, "51901", "51902") })
	e, _, err := wire.ReadEnvelope(other, wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	e.MaCSKCB = "51902"
	for i := range e.HoSo[0].Files {
		e.HoSo[0].Files[i].NoiDung = bytes.ReplaceAll(e.HoSo[0].Files[i].NoiDung, []byte("51901_2026"), []byte("51902_2026"))
	}
	req := request(e.Append(nil))
	req.MaCSKCB = "51902"
	var r wire.SendReply
	if _, body := p.call(wire.DefaultPaths().Send3176, req.Form(), &r); r.MaKetQua != wire.Accepted {
		t.Fatal(body)
	}
	rows := p.mock.Rows()
	if rows[0].Claimed != rows[0].Accepted || rows[1].Accepted != "0.00" || rows[0].Holder != rows[1].Holder || rows[0].Holder == "" {
		t.Errorf("%+v", rows)
	}
	raw := fmt.Sprint(rows)
	for _, name := range []string{"3515", "HO_TEN"} {
		if strings.Contains(raw, name) {
			t.Errorf("the ledger names a person: %s", name)
		}
	}
}

// The same seed and rules decide the same in another mock; another seed samples others; the samples validate and are
// paid as they are but for what the rules say.
func TestAssessmentFollowsFromSeedAndRules(t *testing.T) {
	decide := func(seed uint64) string {
		p := start(t, bhxhmock.Options{Seed: seed})
		p.send(sample(t, "three-episodes.xml"))
		p.send(many(200))
		var out []string
		for _, r := range p.mock.Rows() {
			if len(r.Errors) > 0 || !strings.HasPrefix(r.Rules, "sandbox-1/") {
				t.Errorf("%+v", r)
			}
			out = append(out, fmt.Sprint(r.MaLK, r.Lines, r.Accepted))
		}
		return strings.Join(out, "\n")
	}
	one := decide(1)
	if decide(1) != one {
		t.Error("the same seed decides otherwise")
	}
	if decide(2) == one {
		t.Error("another seed decides the same")
	}
}

func TestRulesOfAnEarlierTimeStand(t *testing.T) {
	dir := t.TempDir()
	p := start(t, bhxhmock.Options{Dir: dir, Rules: onlyRule(t, "kind: sample, reduced: 1000, percent: 10")})
	p.send(small("LK1", "", 1000))
	if err := p.mock.Close(); err != nil {
		t.Fatal(err)
	}
	p = start(t, bhxhmock.Options{Dir: dir, Rules: onlyRule(t, "kind: sample, denied: 1000")})
	p.send(small("LK2", "", 1000))
	if got := p.paid("LK1") + " | " + p.paid("LK2"); got != "XML3[1] 100.00 R1 | XML3[1] 0.00 R1" {
		t.Error(got)
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	for _, bad := range []string{
		"", "[]", "name: x\nrules: [{}]", "rules: []", "name: x\nunknown: 1",
		"name: x\nrules: [{code: R1, kind: magic, vi: a, en: b}]",
		"name: x\nrules: [{code: r 1, kind: sum, vi: a, en: b}]",
		"name: x\nrules: [{code: R1, kind: sum, vi: a}]",
		"name: x\nrules: [{code: R1, kind: sum, vi: a, en: b, from: 2026-13-01}]",
		"name: x\nrules: [{code: R1, kind: sum, vi: a, en: b, from: 2026-02-01, to: 2026-01-01}]",
		"name: x\nrules: [{code: R1, kind: sum, vi: a, en: b, table: XML4}]",
		"name: x\nrules: [{code: R1, kind: price, vi: a, en: b, table: XML3, field: F}]",
		"name: x\nrules: [{code: R1, kind: price, vi: a, en: b, table: XML3, field: F, ceilings: {a: -1}}]",
		"name: x\nrules: [{code: R1, kind: rate, vi: a, en: b}]",
		"name: x\nrules: [{code: R1, kind: rate, vi: a, en: b, rates: {'1': 101}}]",
		"name: x\nrules: [{code: R1, kind: duplicate, vi: a, en: b}]",
		"name: x\nrules: [{code: R1, kind: document, vi: a, en: b, needs: XML99}]",
		"name: x\nrules: [{code: R1, kind: code, vi: a, en: b, table: XML3, field: F, pattern: '('}]",
		"name: x\nrules: [{code: R1, kind: sample, vi: a, en: b, denied: 1001}]",
	} {
		if _, err := bhxhmock.ParseRules([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, err := bhxhmock.ParseRules(bhxhmock.DefaultRules); err != nil {
		t.Error(err)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(bhxhmock.DefaultRules)
	f.Fuzz(func(t *testing.T, file []byte) {
		if r, err := bhxhmock.ParseRules(file); err == nil && r.ID() == "" {
			t.Fatal("rules without an id")
		}
	})
}
