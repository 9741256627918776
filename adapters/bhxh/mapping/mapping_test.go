package mapping_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/walk"
)

// reporter is what tests and properties have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// shelf is a Reader over resources in memory.
type shelf map[fhir.Key]*resource.Document

func (s shelf) Read(_ context.Context, key fhir.Key) (*resource.Document, error) {
	if d, ok := s[key]; ok {
		return d, nil
	}
	return nil, fhir.Errorf(fhir.NotFound, "not-found", "")
}

func (s shelf) put(tb reporter, id string, raw []byte) resource.Value {
	tb.Helper()
	d, err := resource.New(raw)
	if err != nil {
		tb.Fatalf("%v in %s", err, raw)
	}
	for _, issue := range walk.Resource(d.Root(), 10) {
		tb.Errorf("%s: %s %v", issue.Path, issue.Code, issue.Args)
	}
	s[fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}] = d
	return d.Root()
}

// load stores the entries of a transaction as a server would, and gives the Claim.
func load(tb reporter, bundle []byte) (s shelf, claim resource.Value) {
	tb.Helper()
	d, err := resource.New(bundle)
	if err != nil {
		tb.Fatalf("%v in %s", err, bundle)
	}
	for _, issue := range walk.Resource(d.Root(), 10) {
		tb.Errorf("%s: %s %v", issue.Path, issue.Code, issue.Args)
	}
	urls := map[string]string{}
	n := 0
	for e := range d.Root().Get("entry").Elements() {
		n++
		url := e.Get("fullUrl").Text()
		if urls[url] != "" {
			tb.Errorf("two entries have the fullUrl %s", url)
		}
		urls[url] = fmt.Sprintf("%s/r%d", e.Get("resource").ResourceType(), n)
	}
	for ref := range d.Root().Strings("reference") {
		if at, ok := urls[ref.Text()]; ok {
			ref.ReplaceString(at)
		} else if strings.HasPrefix(ref.Text(), "urn:") {
			tb.Errorf("%s points to nothing", ref.Text())
		}
	}
	s = shelf{}
	n = 0
	for e := range d.Root().Get("entry").Elements() {
		n++
		v := s.put(tb, fmt.Sprintf("r%d", n), e.Get("resource").AppendTo(nil))
		if v.ResourceType() == "Claim" {
			claim = v
		}
	}
	return s, claim
}

func samples(tb testing.TB) map[string]hoso.HoSo {
	tb.Helper()
	out := map[string]hoso.HoSo{}
	for _, name := range []string{"outpatient", "inpatient", "child"} {
		raw, err := os.ReadFile(filepath.Join(fhirtest.Data(tb, "domain", "claim-xml", "samples"), name+".xml"))
		if err != nil {
			tb.Fatal(err)
		}
		f, err := hoso.Decode(raw, hoso.DefaultLimits())
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = f.HoSo[0]
	}
	return out
}

// differences lists the fields in which two episodes differ.
func differences(want, got hoso.HoSo) (out []string) {
	for id := hoso.XML1; id <= 15; id++ {
		w, g := want.Rows(id), got.Rows(id)
		if len(w) != len(g) {
			return append(out, fmt.Sprintf("%s has %d rows, want %d", id, len(g), len(w)))
		}
		for i := range w {
			for k, f := range w[i].Layout().Fields {
				if a, b := w[i].Values()[k], g[i].Values()[k]; a != b {
					out = append(out, fmt.Sprintf("%s[%d].%s: %q became %q", id, i+1, f.Name, a, b))
				}
			}
		}
	}
	return out
}

func fromFHIR(tb testing.TB, s shelf, claim resource.Value, o mapping.Options) mapping.Claim {
	tb.Helper()
	c, err := mapping.FromFHIR(ours(tb.Context()), s, claim, o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// roundTrip says in which fields an episode changes on its way through FHIR.
func roundTrip(tb testing.TB, h hoso.HoSo, o mapping.EpisodeOptions) (mapping.Claim, []string) {
	tb.Helper()
	bundle, err := mapping.Episode(h, o)
	if err != nil {
		tb.Fatal(err)
	}
	s, claim := load(tb, bundle)
	c := fromFHIR(tb, s, claim, mapping.Options{Systems: o.Systems})
	for _, f := range c.Findings {
		tb.Errorf("%s %s %s", f.Rule, f.Path(), f.Element)
	}
	if read := mapping.ClaimedIn(claim, o.Systems); !reflect.DeepEqual(c.Claimed, read) {
		tb.Errorf("claimed is %+v, read of the Claim alone it is %+v", c.Claimed, read)
	}
	return c, differences(h, c.HoSo)
}

func TestSamplesGoThroughFHIRUnchanged(t *testing.T) {
	for name, h := range samples(t) {
		for how, o := range map[string]mapping.EpisodeOptions{
			"by identifier": {},
			"by id":         {ID: "gd-1", Tag: mapping.Tag{System: "https://lienthong.example/fhir/CodeSystem/tag", Code: "synthetic"}},
			"another base":  {Systems: mapping.Systems{Base: "https://benhvien.example/x/"}},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				c, diff := roundTrip(t, h, o)
				for _, d := range diff {
					t.Error(d)
				}
				if fs := hoso.CheckEpisode(nil, c.HoSo, hoso.CheckOptions{}); len(fs) > 0 {
					t.Errorf("findings: %+v", fs)
				}
				if c.MaLK != h.MaLK() || c.MaCSKCB != "51901" || c.Decision.Name != "3176/QĐ-BYT" {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// What does not fit its FHIR element must take the other way and still arrive.
func TestOddValuesGoThroughFHIRUnchanged(t *testing.T) {
	base := samples(t)
	for _, c := range []struct {
		table hoso.ID
		set   []string
	}{
		{hoso.XML1, []string{"NGAY_SINH", "198500000000"}},
		{hoso.XML1, []string{"NGAY_SINH", "202603020415"}},
		{hoso.XML1, []string{"NGAY_SINH", "202602300000"}},
		{hoso.XML1, []string{"NGAY_SINH", "198500001200"}},
		{hoso.XML1, []string{"SO_CCCD", "C1234567"}},
		{hoso.XML1, []string{"SO_CCCD", "212345678"}},
		{hoso.XML1, []string{"SO_CCCD", ""}},
		{hoso.XML1, []string{"SO_CCCD", "", "MA_BN", ""}},
		{hoso.XML1, []string{"SO_CCCD", "12 34"}},
		{hoso.XML1, []string{"GIOI_TINH", "3"}},
		{hoso.XML1, []string{"GIOI_TINH", "9"}},
		{hoso.XML1, []string{"STT", "7"}},
		{hoso.XML1, []string{"HO_TEN", "", "DIA_CHI", "", "DIEN_THOAI", "0900000000"}},
		{hoso.XML1, []string{"MA_THE_BHYT", "GD4515100000011;GD4515100000012", "GT_THE_TU", "20260101;20260303", "GT_THE_DEN", "", "MA_DKBD", "51901;51902"}},
		{hoso.XML1, []string{"MA_THE_BHYT", "GD4515100000011;GD4515100000012"}},
		{hoso.XML1, []string{"MA_THE_BHYT", "", "GT_THE_TU", "", "GT_THE_DEN", "", "MA_DKBD", ""}},
		{hoso.XML1, []string{"GT_THE_TU", "2026"}},
		{hoso.XML1, []string{"NGAY_VAO", "2026", "NGAY_RA", ""}},
		{hoso.XML1, []string{"MA_BENH_CHINH", "", "CHAN_DOAN_RV", ""}},
		{hoso.XML1, []string{"MA_BENH_CHINH", "I10 ", "MA_BENH_KT", "E78.5; J00"}},
		{hoso.XML1, []string{"MA_BENH_KT", "E78.5;J00;K29", "MA_BENH_YHCT", "U50.001"}},
		{hoso.XML1, []string{"MA_DOITUONG_KCB", "1.3", "MA_NOI_DI", "51902", "MA_NOI_DEN", "51903", "GIAY_CHUYEN_TUYEN", "12/GCT"}},
		{hoso.XML1, []string{"MA_LOAI_KCB", "99", "KET_QUA_DTRI", "", "SO_NGAY_DTRI", "3"}},
		{hoso.XML1, []string{"T_TONGCHI_BV", "0488515.00", "T_BHTT", "1,5"}},
		{hoso.XML1, []string{"DU_PHONG", "PB=3;LD=bổ sung;x"}},
		{hoso.XML1, []string{"GHI_CHU", "a \"b\" <c> & \\ \u2028 𝛼"}},
		{hoso.XML2, []string{"MA_THUOC", ""}},
		{hoso.XML2, []string{"SO_LUONG", "030", "DON_GIA", "1,5"}},
		{hoso.XML2, []string{"STT", "9"}},
		{hoso.XML2, []string{"MA_BAC_SI", "5100000002;5100000009"}},
		{hoso.XML2, []string{"MA_BAC_SI", ";"}},
		{hoso.XML2, []string{"MA_NHOM", "", "MA_KHOA", "", "NGAY_TH_YL", "", "DON_VI_TINH", ""}},
		{hoso.XML2, []string{"NGAY_TH_YL", "20260302"}},
		{hoso.XML3, []string{"MA_VAT_TU", "N03", "TEN_VAT_TU", "Kim"}},
		{hoso.XML3, []string{"MA_DICH_VU", "", "MA_VAT_TU", ""}},
		{hoso.XML3, []string{"NGUOI_THUC_HIEN", "5100000002", "MA_BAC_SI", "5100000002"}},
		{hoso.XML3, []string{"MA_GIUONG", "H001", "T_TRANTT", "100.10"}},
	} {
		t.Run(fmt.Sprint(c.table, c.set), func(t *testing.T) {
			h := clone(base["outpatient"])
			for i := 0; i < len(c.set); i += 2 {
				h.Rows(c.table)[0].Set(c.set[i], c.set[i+1])
			}
			_, diff := roundTrip(t, h, mapping.EpisodeOptions{})
			for _, d := range diff {
				t.Error(d)
			}
		})
	}
}

func clone(h hoso.HoSo) hoso.HoSo {
	var out hoso.HoSo
	for _, t := range h.Tables {
		c := hoso.Table{Layout: t.Layout}
		for _, r := range t.Rows {
			copy(c.Add().Values(), r.Values())
		}
		out.Tables = append(out.Tables, c)
	}
	return out
}

func TestEpisodeUsesWhatExists(t *testing.T) {
	h := samples(t)["outpatient"]
	bundle, err := mapping.Episode(h, mapping.EpisodeOptions{
		ID: "gd1", Patient: "Patient/p1", Provider: "Organization/o1",
		Practitioner: func(n string) string { return "Practitioner/nv-" + n },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, claim := load(t, bundle)
	var types []string
	for k := range s {
		types = append(types, string(k.Type))
	}
	slices.Sort(types)
	if strings.Join(types, " ") != "Claim Coverage Encounter Observation" {
		t.Errorf("entries: %v", types)
	}
	s.put(t, "p1", []byte(`{"resourceType":"Patient","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051085000011"}],"name":[{"text":"Nguyễn Văn Thử"}],"gender":"male","birthDate":"1985-03-15","address":[{"text":"Xã Giả Định, tỉnh Quảng Ngãi"}]}`))
	s.put(t, "o1", []byte(`{"resourceType":"Organization","identifier":[{"system":"http://fhir.hl7.org.vn/core/sid/cskcb","value":"51901"}]}`))
	for _, n := range []string{"5100000002", "5100000003"} {
		s.put(t, "nv-"+n, []byte(`{"resourceType":"Practitioner","identifier":[{"system":"https://lienthong.example/sid/bhxh","value":"`+n+`"}]}`))
	}
	c := fromFHIR(t, s, claim, mapping.Options{Version: 2, Reason: "sai giá; sửa"})
	got := differences(h, c.HoSo)
	want := []string{`XML1[1].HO_TEN: "NGUYỄN VĂN THỬ" became "Nguyễn Văn Thử"`, `XML1[1].DU_PHONG: "" became "PB=2;LD=sai giá, sửa"`}
	if !slices.Equal(got, want) || len(c.Findings) > 0 {
		t.Errorf("%v %+v", got, c.Findings)
	}
}

func TestAnIncompleteEpisodeIsRefused(t *testing.T) {
	for _, field := range []string{"MA_LK", "MA_CSKCB"} {
		h := clone(samples(t)["child"])
		h.XML1().Set(field, "")
		_, err := mapping.Episode(h, mapping.EpisodeOptions{})
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "bhxh-episode-incomplete" {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := mapping.Episode(hoso.HoSo{}, mapping.EpisodeOptions{}); err == nil {
		t.Error("an empty episode was taken")
	}
}

func parse(t *testing.T, text string) *resource.Document {
	t.Helper()
	d, err := resource.New([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Each case takes one thing away or spoils it: the claim must be held, with the place, and nothing made up.
func TestWhatIsMissingHoldsTheClaim(t *testing.T) {
	bundle, err := mapping.Episode(samples(t)["outpatient"], mapping.EpisodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	drop := func(typ fhir.Type) func(shelf, string) (shelf, string) {
		return func(s shelf, claim string) (shelf, string) {
			for k := range s {
				if k.Type == typ {
					delete(s, k)
				}
			}
			return s, claim
		}
	}
	swap := func(old, new string) func(shelf, string) (shelf, string) {
		return func(s shelf, claim string) (shelf, string) {
			if !strings.Contains(claim, old) {
				t.Fatalf("the Claim has no %s", old)
			}
			return s, strings.Replace(claim, old, new, 1)
		}
	}
	// other lets what is of the patient be of somebody else, of whom the second patient says what linked is.
	other := func(typ fhir.Type, linked string) func(shelf, string) (shelf, string) {
		return func(s shelf, claim string) (shelf, string) {
			of := regexp.MustCompile(`"patient":\{"reference":"(Patient/[^"]+)"`).FindStringSubmatch(claim)[1]
			for k, d := range s {
				if k.Type == typ {
					s[k] = parse(t, strings.Replace(string(d.Root().Raw()), `"`+of+`"`, `"Patient/other"`, 1))
				}
			}
			s[fhir.Key{Type: "Patient", ID: "other"}] = parse(t, `{"resourceType":"Patient","id":"other","link":[{"type":"`+linked+`","other":{"reference":"`+of+`"}}]}`)
			return s, claim
		}
	}
	// Entries that were merged are one person.
	for _, typ := range []fhir.Type{"Encounter", "Coverage"} {
		s, claim := load(t, bundle)
		s, text := other(typ, "replaced-by")(s, string(claim.Raw()))
		if got := fromFHIR(t, s, parse(t, text).Root(), mapping.Options{}); hoso.Held(got.Findings) {
			t.Errorf("%s of an entry that was merged: %+v", typ, got.Findings)
		}
	}
	for name, c := range map[string]struct {
		spoil      func(shelf, string) (shelf, string)
		rule, path string
	}{
		"patient":                       {drop("Patient"), "MAP-01", "XML1.HO_TEN"},
		"coverage":                      {drop("Coverage"), "MAP-01", "XML1.MA_THE_BHYT"},
		"encounter":                     {drop("Encounter"), "MAP-01", "XML1.NGAY_VAO"},
		"practitioner":                  {drop("Practitioner"), "MAP-02", "XML2[1].MA_BAC_SI"},
		"episode":                       {swap("/sid/malk/51901", "/sid/malk/"), "MAP-02", "XML1.MA_LK"},
		"other episode":                 {swap(`"value":"51901_2026_000001"`, `"value":"51901_2026_000009"`), "MAP-03", "XML1.MA_LK"},
		"an encounter of somebody else": {other("Encounter", "seealso"), "MAP-03", "XML1.HO_TEN"},
		"a card of somebody else": {func(s shelf, c string) (shelf, string) {
			s, c = swap(`{"url":"GT_THE_DEN",`, `{"url":"NAM_NAM_LIEN_TUC",`)(s, c) // now the Coverage says until when
			return other("Coverage", "seealso")(s, c)
		}, "MAP-03", "XML1.MA_THE_BHYT"},
		"currency":      {swap(`"net":{"value":360000.00,"currency":"VND"}`, `"net":{"value":360000.00,"currency":"USD"}`), "MAP-04", "XML2[1].THANH_TIEN_BV"},
		"negative":      {swap(`"quantity":{"value":30`, `"quantity":{"value":-30`), "MAP-04", "XML2[1].SO_LUONG"},
		"unknown field": {swap(`{"url":"CAN_NANG"`, `{"url":"CAN_NANG_GI"`), "MAP-04", "XML1"},
		"no table": {func(s shelf, c string) (shelf, string) {
			return s, strings.NewReplacer("CodeSystem/bang-xml", "x", "CodeSystem/ma-nhom", "x", "StructureDefinition/xml2", "x").Replace(c)
		}, "MAP-05", "XML3"},
		"day without time":  {swap(`"servicedPeriod":{"start":"2026-03-02T08:30:00+07:00"`, `"servicedPeriod":{"start":"2026-03-02"`), "MAP-04", "XML2[1].NGAY_TH_YL"},
		"extension differs": {swap(`{"url":"CAN_NANG"`, `{"url":"SO_CCCD","valueString":"051085000012"},{"url":"CAN_NANG"`), "MAP-03", "XML1.SO_CCCD"},
	} {
		t.Run(name, func(t *testing.T) {
			s, claim := load(t, bundle)
			s, text := c.spoil(s, string(claim.Raw()))
			d, err := resource.New([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			got := fromFHIR(t, s, d.Root(), mapping.Options{})
			if !slices.ContainsFunc(got.Findings, func(f hoso.Finding) bool {
				return f.Rule == c.rule && f.Path() == c.path && f.VI != "" && f.EN != "" && f.Element != ""
			}) {
				t.Errorf("findings: %+v", got.Findings)
			}
			if !hoso.Held(got.Findings) {
				t.Error("the claim is not held")
			}
		})
	}
}

// failing is a Reader whose store is away.
type failing struct{}

func (failing) Read(context.Context, fhir.Key) (*resource.Document, error) {
	return nil, fhir.Errorf(fhir.Unavailable, "store-away", "")
}

func TestAReaderThatFailsIsAnError(t *testing.T) {
	bundle, err := mapping.Episode(samples(t)["child"], mapping.EpisodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, claim := load(t, bundle)
	if _, err := mapping.FromFHIR(ours(t.Context()), failing{}, claim, mapping.Options{}); err == nil {
		t.Error("the mapping went on without the store")
	}
}

func TestWhichClaimsAreForTheInsurer(t *testing.T) {
	good := `{"resourceType":"Claim","status":"active","use":"claim","identifier":[{"system":"urn:x","value":"1"},{"system":"http://fhir.hl7.org.vn/core/sid/malk/51901","value":"LK1"}]}`
	for name, c := range map[string]struct {
		old, new string
		ok       bool
	}{
		"good": {"", "", true}, "draft": {`"active"`, `"draft"`, false}, "preauthorization": {`"use":"claim"`, `"use":"preauthorization"`, false},
		"no episode": {"malk/51901", "mabn/51901", false}, "another type": {`"Claim"`, `"ClaimResponse"`, false}, "no value": {`"LK1"`, `""`, false},
		"our own system": {"http://fhir.hl7.org.vn/core", "https://lienthong.example", true},
	} {
		d, err := resource.New([]byte(strings.Replace(good, c.old, c.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		facility, episode, ok := mapping.EpisodeOf(d.Root(), mapping.Systems{})
		if ok != c.ok || ok && (facility != "51901" || episode != "LK1") {
			t.Errorf("%s: %q %q %v", name, facility, episode, ok)
		}
	}
}

func assessed(t *testing.T) (a mapping.Assessment, claim resource.Value, s shelf) {
	t.Helper()
	bundle, err := mapping.Episode(samples(t)["inpatient"], mapping.EpisodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, claim = load(t, bundle)
	return mapping.Assessment{
		ID: "claim-response-1", ClaimKey: fhir.Key{Type: "Claim", ID: "c1"}, Claim: mapping.ClaimedIn(claim, mapping.Systems{}),
		Created: time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC),
		Record: wire.HoSo{MaLK: "51901_2026_000002", MaGiaoDich: "GD1", TiepNhan: true, TrangThai: wire.DaGiamDinh, ThoiGianGiamDinh: "20260402080000", ChiTiet: []wire.ChiTiet{
			{Bang: "XML2", STT: 1, TienDeNghi: "159600.00", TienChapNhan: "159600.00"},
			{Bang: "XML3", STT: 2, TienDeNghi: "65550.00", TienChapNhan: "0.00", MaLyDo: "GD11", LyDo: "Chỉ định không phù hợp chẩn đoán"},
		}},
	}, claim, s
}

func TestClaimResponses(t *testing.T) {
	a, claim, s := assessed(t)
	read := func(raw []byte, err error) resource.Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s.put(t, "x", raw)
	}
	v := read(mapping.ClaimResponse(a))
	if v.Get("outcome").Text() != "partial" || v.Get("request").Get("reference").Text() != "Claim/c1" || v.Get("created").Text() != "2026-04-02T08:00:00+07:00" ||
		v.Get("identifier").At(0).Get("value").Text() != "GD1" || v.Get("item").Len() != 2 {
		t.Errorf("%s", v.Raw())
	}
	cut := v.Get("item").At(1)
	if cut.Get("itemSequence").Text() != "4" { // two drugs, then the second service
		t.Errorf("%s", cut.Raw())
	}
	got := map[string]string{}
	for adj := range cut.Get("adjudication").Elements() {
		got[adj.Get("category").Get("coding").At(0).Get("code").Text()] = adj.Get("amount").Get("value").Text() + " " + adj.Get("reason").Get("coding").At(0).Get("code").Text()
	}
	want := map[string]string{"submitted": "69000.00 ", "requested-fund": "65550.00 ", "eligible": "69000.00 ", "copay": "3450.00 ", "benefit": "0.00 GD11"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	totals := map[string]string{}
	for sum := range v.Get("total").Elements() {
		totals[sum.Get("category").Get("coding").At(0).Get("code").Text()] = sum.Get("amount").Get("value").Text()
	}
	if want := map[string]string{"submitted": "237000.00", "requested-fund": "225150.00", "benefit": "159600.00"}; fmt.Sprint(totals) != fmt.Sprint(want) {
		t.Errorf("totals %v, want %v", totals, want)
	}
	for i := range v.Get("item").Len() {
		item := v.Get("item").At(i)
		for line := range claim.Get("item").Elements() {
			if line.Get("sequence").Text() == item.Get("itemSequence").Text() && line.Get("net").Get("value").Text() != item.Get("adjudication").At(0).Get("amount").Get("value").Text() {
				t.Errorf("submitted is not the amount of the line: %s", item.Raw())
			}
		}
	}
	for state, outcome := range map[wire.TrangThai]string{wire.DaTiepNhan: "queued", wire.DangGiamDinh: "queued", wire.LoiDinhDang: "error"} {
		b := a
		b.Record.TrangThai, b.Record.ThoiGianGiamDinh, b.Record.ChiTiet = state, "", nil
		if v := read(mapping.ClaimResponse(b)); v.Get("outcome").Text() != outcome || v.Get("item").Len() != 0 || v.Get("created").Text() != "2026-04-01T08:00:00+07:00" {
			t.Errorf("%s: %s", state, v.Raw())
		}
	}
	full := a
	full.Record.ChiTiet = a.Record.ChiTiet[:1]
	if v := read(mapping.ClaimResponse(full)); v.Get("outcome").Text() != "complete" {
		t.Errorf("%s", v.Raw())
	}
	if v := read(mapping.Refusal(a, "205", "Số lượng hồ sơ không khớp")); v.Get("outcome").Text() != "error" || v.Get("error").At(0).Get("code").Get("text").Text() != "Số lượng hồ sơ không khớp" {
		t.Errorf("%s", v.Raw())
	}
}
