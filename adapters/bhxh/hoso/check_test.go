package hoso_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// spoils are ways to break a sound episode, each in one place, and the rules that must speak: the first at path, the
// others because they follow from it, and no rule besides.
var spoils = func() []spoilt {
	set := func(id hoso.ID, row int, field, value string) func(*hoso.File) {
		return func(f *hoso.File) { f.HoSo[0].Rows(id)[row].Set(field, value) }
	}
	return []spoilt{
		{"ENV-01", "GIAMDINHHS.MACSKCB", "outpatient", func(f *hoso.File) { f.MaCSKCB = "51902" }},
		{"ENV-02", "GIAMDINHHS.SOLUONGHOSO", "outpatient", func(f *hoso.File) { f.SoLuong = "2" }},
		{"ENV-04", "XML1", "outpatient", func(f *hoso.File) { f.HoSo[0].Tables = f.HoSo[0].Tables[1:] }},
		{"ENV-04", "XML2", "outpatient", func(f *hoso.File) { f.HoSo[0].Tables = append(f.HoSo[0].Tables, f.HoSo[0].Tables[1]) }},
		{"ENV-05", "XML3[2].MA_LK", "outpatient", set(hoso.XML3, 1, "MA_LK", "51901_2026_000009")},
		{"FLD-01", "XML1.HO_TEN", "outpatient", set(hoso.XML1, 0, "HO_TEN", "")},
		{"FLD-01", "XML2[1].TT_THAU", "outpatient", set(hoso.XML2, 0, "TT_THAU", "")},
		{"FLD-02 ENV-01", "XML1.MA_CSKCB", "outpatient", set(hoso.XML1, 0, "MA_CSKCB", "519010")},
		{"FLD-03", "XML2[2].SO_LUONG", "outpatient", set(hoso.XML2, 1, "SO_LUONG", "1,5")},
		{"FLD-04", "XML1.NGAY_VAO", "outpatient", set(hoso.XML1, 0, "NGAY_VAO", "202602300800")},
		{"FLD-04", "XML1.NGAY_SINH", "outpatient", set(hoso.XML1, 0, "NGAY_SINH", "198500150000")},
		{"STT-01", "XML2[2].STT", "outpatient", set(hoso.XML2, 1, "STT", "1")},
		{"ID-01", "XML1.SO_CCCD", "outpatient", set(hoso.XML1, 0, "SO_CCCD", "05108500001")},
		{"ID-02", "XML1.SO_CCCD", "outpatient", set(hoso.XML1, 0, "SO_CCCD", "051185000011")},
		{"ID-02", "XML1.SO_CCCD", "outpatient", set(hoso.XML1, 0, "SO_CCCD", "051086000011")},
		{"ID-03", "XML1.MA_THE_BHYT", "outpatient", set(hoso.XML1, 0, "MA_THE_BHYT", "GD9515100000011")},
		{"CARD-01", "XML1.GT_THE_DEN", "outpatient", set(hoso.XML1, 0, "GT_THE_DEN", "20260301")},
		{"CARD-01", "XML1.MA_DKBD", "outpatient", set(hoso.XML1, 0, "MA_DKBD", "51901;51902")},
		{"CODE-01", "XML1.MA_LOAI_RV", "outpatient", set(hoso.XML1, 0, "MA_LOAI_RV", "9")},
		{"CODE-02", "XML3[1].PHAM_VI", "outpatient", set(hoso.XML3, 0, "PHAM_VI", "4")},
		{"CODE-03", "XML1.MA_BENH_CHINH", "outpatient", set(hoso.XML1, 0, "MA_BENH_CHINH", "I10;I11")},
		{"CODE-03", "XML1.MA_BENH_KT", "outpatient", set(hoso.XML1, 0, "MA_BENH_KT", "e78")},
		{"DATE-01 DATE-03", "XML1.NGAY_RA", "child", set(hoso.XML1, 0, "NGAY_RA", "202603100659")},
		{"DATE-02", "XML1.NGAY_VAO_NOI_TRU", "inpatient", set(hoso.XML1, 0, "NGAY_VAO_NOI_TRU", "202603051014")},
		{"DATE-03", "XML2[1].NGAY_YL", "outpatient", set(hoso.XML2, 0, "NGAY_YL", "202603020931")},
		{"DATE-04", "XML3[2].NGAY_KQ", "outpatient", set(hoso.XML3, 1, "NGAY_KQ", "202603020814")},
		{"DATE-05 ID-02", "XML1.NGAY_SINH", "child", set(hoso.XML1, 0, "NGAY_SINH", "202604010000")},
		{"DATE-06", "XML1.THANG_QT", "outpatient", set(hoso.XML1, 0, "THANG_QT", "02")},
		{"DAY-01", "XML1.SO_NGAY_DTRI", "inpatient", set(hoso.XML1, 0, "SO_NGAY_DTRI", "4")},
		{"AMT-01 AMT-02", "XML2[1].THANH_TIEN_BV", "outpatient", set(hoso.XML2, 0, "SO_LUONG", "31")},
		{"AMT-02", "XML2[2].THANH_TIEN_BH", "outpatient", set(hoso.XML2, 1, "TYLE_TT_BH", "51")},
		{"AMT-03", "XML3[1].THANH_TIEN_BV", "outpatient", set(hoso.XML3, 0, "DON_GIA_BV", "45000.5")},
		{"AMT-04", "XML3[1].THANH_TIEN_BH", "outpatient", set(hoso.XML3, 0, "DON_GIA_BH", "44000")},
		{"AMT-05", "XML2[2].T_NGUONKHAC", "inpatient", set(hoso.XML2, 1, "T_NGUONKHAC_CL", "1999.99")},
		{"AMT-06 TOT-03", "XML2[1].T_BNCCT", "outpatient", set(hoso.XML2, 0, "T_BNCCT", "71999.99")},
		{"AMT-07 AMT-06 TOT-05", "XML2[1].THANH_TIEN_BV", "outpatient", set(hoso.XML2, 0, "T_BHTT", "288000.02")},
		{"AMT-08 AMT-04", "XML3[3].TYLE_TT_BH", "inpatient", set(hoso.XML3, 2, "TYLE_TT_BH", "50")},
		{"AMT-09 AMT-06", "XML3[1].MUC_HUONG", "outpatient", set(hoso.XML3, 0, "MUC_HUONG", "95")},
		{"TOT-01", "XML1.T_THUOC", "outpatient", set(hoso.XML1, 0, "T_THUOC", "415515.01")},
		{"TOT-02", "XML1.T_VTYT", "inpatient", set(hoso.XML1, 0, "T_VTYT", "0.00")},
		{"TOT-03", "XML1.T_BNTT", "outpatient", set(hoso.XML1, 0, "T_BNTT", "0.00")},
		{"TOT-04", "XML1.T_BHTT", "outpatient", set(hoso.XML1, 0, "T_BHTT", "368606.01")},
		{"TOT-05", "XML1.T_BHTT_GDV", "outpatient", set(hoso.XML3, 0, "MA_PTTT", "2")},
		{"REF-01 REF-02", "XML4[1].MA_DICH_VU", "outpatient", set(hoso.XML4, 0, "MA_DICH_VU", "99.9999")},
		{"REF-01 REF-02", "XML4[1].MA_DICH_VU", "inpatient", set(hoso.XML4, 0, "MA_DICH_VU", "")}, // where supplies have none either
		{"REF-02 REF-01", "XML3[2].MA_DICH_VU", "outpatient", set(hoso.XML4, 0, "MA_DICH_VU", "99.9999")},
		{"REF-03", "XML3[2].NGUOI_THUC_HIEN", "outpatient", set(hoso.XML3, 1, "NGUOI_THUC_HIEN", "")},
		{"DUP-01 TOT-01 TOT-03 TOT-05", "XML2[2]", "outpatient", func(f *hoso.File) {
			rows := f.HoSo[0].Rows(hoso.XML2)
			copy(rows[1].Values(), rows[0].Values())
			rows[1].Set("STT", "2")
		}},
		{"DT-01 DT-02", "XML1.MA_DOITUONG_KCB", "child", set(hoso.XML1, 0, "MA_DOITUONG_KCB", "1.7")},
		{"DT-02", "XML1.MA_DOITUONG_KCB", "outpatient", set(hoso.XML1, 0, "MA_DOITUONG_KCB", "3.4")},
		{"DT-03 DT-02", "XML1.GIAY_CHUYEN_TUYEN", "outpatient", set(hoso.XML1, 0, "MA_DOITUONG_KCB", "1.3")},
		{"FLD-01", "XML4[1].NGAY_KQ", "outpatient", set(hoso.XML4, 0, "NGAY_KQ", "")},
		{"REF-02", "XML3[2].MA_DICH_VU", "outpatient", func(f *hoso.File) { f.HoSo[0].Tables = f.HoSo[0].Tables[:3] }},
		{"ENV-03", "XML5.NOIDUNGFILE", "inpatient", unreadable(hoso.XML5)},
		{"FLD-05", "XML2[1]", "inpatient", disordered},
		{"DUP-02", "XML1.MA_LK", "outpatient", set(hoso.XML1, 0, "DU_PHONG", "PB=7;LD=x")},
		{"DUP-03", "XML1.NGAY_VAO", "inpatient", set(hoso.XML1, 0, "SO_CCCD", "051195000099")},
		{"VER-01 DATE-06", "XML1.NGAY_RA", "outpatient", set(hoso.XML1, 0, "NGAY_RA", "202607020930")},
		{"ENC-02", "XML1", "outpatient", set(hoso.XML1, 0, "LY_DO_VV", "Kha\u0301m")},
	}
}()

type spoilt struct {
	rules, path, sample string // rules separated by blanks
	spoil               func(*hoso.File)
}

func TestEachRuleSpeaksAndNoOther(t *testing.T) {
	for _, c := range spoils {
		t.Run(c.rules+" "+c.path, func(t *testing.T) {
			f := decode(t, sample(t, c.sample+".xml"))
			if fs := hoso.Check(f, options); len(fs) > 0 {
				t.Fatalf("the sample is not clean: %+v", fs)
			}
			c.spoil(f)
			want := strings.Fields(c.rules)
			found := false
			got := map[string]bool{}
			for _, x := range hoso.Check(f, options) {
				found = found || x.Rule == want[0] && x.Path() == c.path
				got[x.Rule] = true
				if x.VI == "" || x.EN == "" {
					t.Error("the finding has no text")
				}
			}
			slices.Sort(want)
			if all := slices.Sorted(maps.Keys(got)); !found || !slices.Equal(all, want) {
				t.Errorf("at %s: %v; rules that spoke: %v", c.path, found, all)
			}
		})
	}
}

// options know of nothing that speaks against the samples, and of two episodes with a past.
var options = hoso.CheckOptions{Now: time.Date(2026, 7, 31, 0, 0, 0, 0, time.UTC), Known: past{}}

type past struct{}

func (past) Accepted(maCSKCB, maLK string, version uint64) bool {
	return maCSKCB == "51901" && maLK == "51901_2026_000001" && version == 7
}

func (past) StayedElsewhere(soCCCD, maCSKCB, from, to string) bool {
	return soCCCD == "051195000099" && maCSKCB == "51901" && from == "202603051015" && to == "202603091400"
}

func TestEveryRuleHasAFunctionAndATest(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(fhirtest.Data(t, "domain", "claim-xml"), "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Rules []struct {
			ID, Severity string
			VI           string `json:"message_vi"`
			EN           string `json:"message_en"`
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Rules) != 48 {
		t.Errorf("rules.json has %d rules", len(file.Rules))
	}
	tested := map[string]bool{"ENC-01": true, "ENC-03": true, "ENC-04": true} // of the reader: read_test.go
	for _, c := range spoils {
		tested[strings.Fields(c.rules)[0]] = true
	}
	decided := hoso.Decided()
	for _, r := range file.Rules {
		have, ok := hoso.RuleByID(r.ID)
		if !ok || have.VI != r.VI || have.EN != r.EN || have.Level() != r.Severity {
			t.Errorf("%s is not as in rules.json: %+v", r.ID, have)
		}
		if !slices.Contains(decided, r.ID) {
			t.Errorf("%s has no function", r.ID)
		}
	}
	for _, id := range decided {
		if _, ok := hoso.RuleByID(id); !ok {
			t.Errorf("%s has a function and no message", id)
		}
		if !tested[id] {
			t.Errorf("%s has no case that violates it", id)
		}
	}
}

func TestUnknownCodesOfAnIncompleteListAreWarnings(t *testing.T) {
	f := decode(t, sample(t, "outpatient.xml"))
	f.HoSo[0].XML1().Set("MA_DOITUONG_KCB", "6.6")
	f.HoSo[0].XML1().Set("MA_DKBD", "51902")
	fs := hoso.Check(f, hoso.CheckOptions{})
	if len(fs) != 1 || fs[0].Rule != "CODE-01" || fs[0].Severity != fhir.SeverityWarning || hoso.Held(fs) {
		t.Errorf("got %+v", fs)
	}
	f.HoSo[0].XML1().Set("KET_QUA_DTRI", "8")
	if !hoso.Held(hoso.Check(f, hoso.CheckOptions{})) {
		t.Error("a code outside a complete list must hold the claim")
	}
	if hoso.Held(hoso.Check(f, hoso.CheckOptions{MoreCodes: map[string][]string{"KET_QUA_DTRI": {"8"}}})) {
		t.Error("a code added by configuration must pass")
	}
}

func TestDischargeInTheFutureIsSeen(t *testing.T) {
	f := decode(t, sample(t, "child.xml"))
	fs := hoso.Check(f, hoso.CheckOptions{Now: time.Date(2026, 3, 10, 0, 44, 59, 0, time.UTC)}) // 07:44:59 in Việt Nam
	if len(fs) != 1 || fs[0].Rule != "DATE-06" {
		t.Errorf("got %+v", fs)
	}
}

// Births with only a year, cards printed without an end, two cards one after the other: all are in the field.
func TestSoundOddities(t *testing.T) {
	f := decode(t, sample(t, "outpatient.xml"))
	x := f.HoSo[0].XML1()
	x.Set("NGAY_SINH", "198500000000")
	x.Set("GT_THE_DEN", "")
	x.Set("NGAY_MIEN_CCT", "20260405")
	x.Set("SO_CCCD", "")
	if fs := hoso.Check(f, hoso.CheckOptions{}); len(fs) > 0 {
		t.Errorf("one card: %+v", fs)
	}
	x.Set("MA_THE_BHYT", "GD4515100000011;GD4515100000011")
	x.Set("MA_DKBD", "51901;51902")
	x.Set("GT_THE_TU", "20250101;20260301")
	x.Set("GT_THE_DEN", "20260228;20270228")
	x.Set("MA_DOITUONG_KCB", "1.2")
	if fs := hoso.Check(f, hoso.CheckOptions{}); len(fs) > 0 {
		t.Errorf("two cards: %+v", fs)
	}
}

func TestFindingsNameNoContent(t *testing.T) {
	f := decode(t, sample(t, "outpatient.xml"))
	f.HoSo[0].XML1().Set("SO_CCCD", "SECRET-123")
	for _, x := range hoso.Check(f, hoso.CheckOptions{}) {
		if strings.Contains(x.VI+x.EN+x.Path(), "SECRET") {
			t.Errorf("%+v", x)
		}
	}
}

// unreadable gives the file as one whose table could not be read.
func unreadable(id hoso.ID) func(*hoso.File) {
	return func(f *hoso.File) {
		for i, table := range f.HoSo[0].Tables {
			if table.Layout.ID == id {
				f.HoSo[0].Tables = slices.Delete(f.HoSo[0].Tables, i, i+1)
			}
		}
		raw := strings.Replace(string(f.Encode()), "      </HOSO>", "<FILEHOSO><LOAIHOSO>"+id.String()+"</LOAIHOSO><NOIDUNGFILE>!</NOIDUNGFILE></FILEHOSO>      </HOSO>", 1)
		again, err := hoso.Decode([]byte(raw), hoso.DefaultLimits())
		if err != nil {
			panic(err)
		}
		*f = *again
	}
}

// disordered gives the first row of XML2 an element that is none of its fields.
func disordered(f *hoso.File) {
	table := f.HoSo[0].Table(hoso.XML2)
	raw := strings.Replace(string(table.AppendXML(nil)), "<STT>", "<LA>1</LA><STT>", 1)
	again, err := hoso.ReadTable([]byte(raw), table.Layout, hoso.DefaultLimits())
	if err != nil {
		panic(err)
	}
	*table = again
}

// TestBenefitRateAsTheTextHasIt: the rates that AMT-09 takes, at each boundary of the text, as a second implementation of the rule found them.
func TestBenefitRateAsTheTextHasIt(t *testing.T) {
	for _, c := range []struct {
		card, kind, covered, out, exempt string
		takes                            []string // of those below
	}{
		{card: "4", takes: []string{"80"}}, {card: "3", takes: []string{"95"}}, {card: "1", takes: []string{"100"}}, {card: "2", takes: []string{"100"}}, {card: "5", takes: []string{"100"}},
		{card: "4", covered: "351000.00", takes: []string{"80"}}, {card: "4", covered: "350999.99", takes: []string{"80", "100"}}, {card: "4", covered: "0", takes: []string{"80", "100"}},
		{card: "4", covered: "270000.00", out: "20240630", takes: []string{"80"}}, {card: "4", covered: "269999.99", out: "20240630", takes: []string{"80", "100"}},
		{card: "4", covered: "270000.00", out: "20240701", takes: []string{"80", "100"}}, {card: "4", covered: "999999999999.99", takes: []string{"80"}},
		{card: "4", exempt: "20260302", takes: []string{"80", "100"}}, {card: "4", exempt: "202603022359", takes: []string{"80", "100"}},
		{card: "4", exempt: "20260303", takes: []string{"80"}}, {card: "4", exempt: "202603030000", takes: []string{"80"}},
		{card: "4", kind: "2", takes: []string{"80"}}, {card: "4", kind: "1.10", takes: []string{"80"}},
		{card: "4", kind: "3.1", takes: []string{"0", "32", "80"}}, {card: "3", kind: "3.7", takes: []string{"0", "32", "80", "95"}},
		{card: "4", kind: "8", takes: []string{"0", "32", "80", "95", "100"}}, {card: "4", kind: "7.1", takes: []string{"0", "32", "80", "95", "100"}},
	} {
		for _, rate := range []string{"0", "32", "80", "95", "100"} {
			h := decode(t, sample(t, "outpatient.xml")).HoSo[0]
			x := h.XML1()
			x.Set("MA_THE_BHYT", "GD"+c.card+"515100000011")
			for field, v := range map[string]string{"MA_DOITUONG_KCB": c.kind, "T_TONGCHI_BH": c.covered, "NGAY_MIEN_CCT": c.exempt} {
				if v != "" {
					x.Set(field, v)
				}
			}
			if c.out != "" {
				x.Set("NGAY_RA", c.out+"0930")
			}
			h.Rows(hoso.XML2)[0].Set("MUC_HUONG", rate)
			told := slices.ContainsFunc(hoso.CheckEpisode(nil, h, hoso.CheckOptions{}), func(f hoso.Finding) bool {
				return f.Rule == "AMT-09" && f.Path() == "XML2[1].MUC_HUONG"
			})
			if takes := slices.Contains(c.takes, rate); told == takes {
				t.Errorf("%+v: %s is told of: %v", c, rate, told)
			}
		}
	}
}
