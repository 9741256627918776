package precheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/xuri/excelize/v2"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// spoilt is a file of n episodes, of which every third has a wrong total and the one after it no name.
func spoilt(tb testing.TB, n int) []byte {
	f, err := hoso.Decode(manyEpisodes(tb, n), hoso.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	for i, h := range f.HoSo {
		switch i % 3 {
		case 1:
			h.XML1().Set("T_THUOC", "1.00")
		case 2:
			h.XML1().Set("HO_TEN", "")
		}
	}
	return f.Encode()
}

func check(tb testing.TB, raw []byte, o Options, past *Past) (Count, []hoso.Finding) {
	tb.Helper()
	var fs []hoso.Finding
	n, err := Run(tb.Context(), bytes.NewReader(raw), o, past, func(f hoso.Finding) error {
		fs = append(fs, f)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return n, fs
}

// Many workers must find what one look over the whole file finds, in the same order.
func TestManyWorkersFindWhatCheckFinds(t *testing.T) {
	raw := spoilt(t, 60)
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := hoso.Check(f, hoso.CheckOptions{})
	n, got := check(t, raw, Options{Workers: 7}, &Past{})
	if len(got) != len(want) || n != (Count{Files: 1, Episodes: 60, Errors: 40}) {
		t.Fatalf("%d findings, want %d; %+v", len(got), len(want), n)
	}
	for i := range want {
		want[i].Element = got[i].Element
		if got[i] != want[i] {
			t.Fatalf("finding %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	if got[0].Element != "Claim.extension('https://lienthong.example/fhir/StructureDefinition/xml1').extension('T_THUOC')" || got[1].Element != "Patient.name" {
		t.Errorf("elements: %q %q", got[0].Element, got[1].Element)
	}
}

// What is wrong with the file itself is told after its episodes, whose number is known only then.
func TestTheFileItselfIsChecked(t *testing.T) {
	raw := bytes.Replace(spoilt(t, 3), []byte("<SOLUONGHOSO>3<"), []byte("<SOLUONGHOSO>2<"), 1)
	n, fs := check(t, raw, Options{}, &Past{})
	if len(fs) != 3 || fs[2].Rule != "ENV-02" || fs[2].Field != "SOLUONGHOSO" || n != (Count{Files: 1, Episodes: 3, Errors: 3}) {
		t.Errorf("%+v %+v", n, fs)
	}
}

func TestTheSameEpisodeTwiceInAFileIsSeen(t *testing.T) {
	f, err := hoso.Decode(manyEpisodes(t, 2), hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	f.HoSo = append(f.HoSo, f.HoSo[0])
	var past Past
	for pass := range 2 { // a file that is checked again is a copy of itself: information, and the error within it again
		if n, fs := check(t, f.Encode(), Options{}, &past); len(fs) != 1+2*pass || fs[len(fs)-1].Rule != "DUP-02" || n.Errors != 1 || n.Warnings != 0 {
			t.Errorf("%+v", fs)
		}
	}
	f.HoSo[2].XML1().Set("DU_PHONG", "PB=2;LD=sửa")
	if n, _ := check(t, f.Encode(), Options{}, &past); n.Errors != 1 { // both share their rows: version 2 twice
		t.Errorf("%+v", n)
	}
}

// The same version in two files: a copy is told, and two that differ are an error, whatever the order; a corrected version is
// neither, and bare tables of an episode are no deliveries.
func TestTheSameVersionInTwoFiles(t *testing.T) {
	f, err := hoso.Decode(manyEpisodes(t, 2), hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	raw := f.Encode()
	f.HoSo[0].XML1().Set("HO_TEN", "Người Khác Giả Định")
	other := f.Encode()
	f.HoSo[0].XML1().Set("DU_PHONG", "PB=2;LD=sửa")
	corrected := f.Encode()
	rules := func(fs []hoso.Finding) (out string) {
		for _, x := range fs {
			out += x.Rule + " " + x.Level() + ";"
		}
		return out
	}
	const copied, clash = "DUP-02 information;", "DUP-02 error;"
	for name, c := range map[string]struct {
		files [][]byte
		last  string
	}{
		"a copy":              {[][]byte{raw, raw}, copied + copied},
		"the same, differing": {[][]byte{raw, other}, clash + copied},
		"a corrected version": {[][]byte{raw, corrected}, copied},
		"three":               {[][]byte{raw, corrected, raw}, copied + copied},
	} {
		var past Past
		var fs []hoso.Finding
		for _, file := range c.files {
			_, fs = check(t, file, Options{}, &past)
		}
		if got := rules(fs); got != c.last {
			t.Errorf("%s: %s, want %s", name, got, c.last)
		}
	}
}

func TestAStayAtTwoFacilitiesIsSeenAcrossFiles(t *testing.T) {
	raw := manyEpisodes(t, 2) // the second is the inpatient
	f, err := hoso.Decode(raw, hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var past Past
	check(t, raw, Options{}, &past)
	f.MaCSKCB, f.HoSo = "51902", f.HoSo[1:]
	x := f.HoSo[0].XML1()
	x.Set("MA_CSKCB", "51902")
	x.Set("MA_DKBD", "51902")
	if n, fs := check(t, f.Encode(), Options{}, &past); len(fs) != 1 || fs[0].Rule != "DUP-03" || n.Warnings != 1 {
		t.Errorf("%+v", fs)
	}
	if _, fs := check(t, f.Encode(), Options{}, &Past{}); len(fs) != 0 {
		t.Errorf("without a past: %+v", fs)
	}
}

func TestWhatCannotBeReadIsAnErrorOfTheFile(t *testing.T) {
	raw := spoilt(t, 30)
	n, err := Run(t.Context(), bytes.NewReader(raw[:len(raw)/2]), Options{}, &Past{}, func(hoso.Finding) error { return nil })
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != "bhxh-file-unreadable" || n.Unreadable != 1 || n.Episodes == 0 || n.Errors == 0 {
		t.Errorf("%v %+v", err, n)
	}
	full := errors.New("disk full")
	if _, err := Run(t.Context(), bytes.NewReader(raw), Options{}, &Past{}, func(hoso.Finding) error { return full }); !errors.Is(err, full) {
		t.Errorf("the error of the report: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, bytes.NewReader(raw), Options{}, &Past{}, func(hoso.Finding) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// An element that never ends must not fill the memory.
func TestAnEndlessFileIsRefused(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("<GIAMDINHHS><THONGTINDONVI><MACSKCB>"), ones{})
	o := Options{Limits: hoso.Limits{Bytes: 1 << 20, HoSo: 10, Rows: 10}}
	_, err := Run(t.Context(), endless, o, &Past{}, func(hoso.Finding) error { return nil })
	if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.TooLarge {
		t.Errorf("got %v", err)
	}
}

type ones struct{}

func (ones) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '1'
	}
	return len(p), nil
}

func TestFormats(t *testing.T) {
	f := hoso.NewFinding("AMT-06", "XML2", 3, "T_BHTT")
	f.MaLK, f.Element = "=1+1\x1b[31m", "Claim.item.where(sequence=3)"
	write := func(format string, l outcome.Language) string {
		var b bytes.Buffer
		w := NewWriter(format, &b, l)
		if err := errors.Join(w.Write("a.xml", f), w.Write("a.xml", hoso.NewFinding("ENV-02", "", 0, "SOLUONGHOSO")), w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	lines := strings.Split(strings.TrimSpace(write(JSON, outcome.Vietnamese)), "\n")
	var one, two map[string]any
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &one), json.Unmarshal([]byte(lines[1]), &two)); err != nil || len(lines) != 2 {
		t.Fatal(err, lines)
	}
	for name, want := range map[string]any{"file": "a.xml", "rule": "AMT-06", "severity": "error", "table": "XML2", "row": 3, "field": "T_BHTT",
		"message": "Phân bổ chi phí sai công thức", "message_en": "Split of the cost does not follow the formula", "path": f.Element} {
		if fmt.Sprint(one[name]) != fmt.Sprint(want) {
			t.Errorf("%s: %v", name, one[name])
		}
	}
	if two["table"] != "envelope" || fmt.Sprint(two["row"]) != "0" {
		t.Errorf("%v", two)
	}
	table := write(Table, outcome.English)
	if !strings.Contains(table, "AMT-06   error     =1+1\uFFFD[31m") || !strings.Contains(table, "XML2[3].T_BHTT") || !strings.Contains(table, "Split of the cost") {
		t.Errorf("%s", table)
	}
	book, err := excelize.OpenReader(strings.NewReader(write(Spreadsheet, outcome.Vietnamese)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("precheck")
	formula, _ := book.GetCellFormula("precheck", "D2")
	if err != nil || len(rows) != 3 || rows[0][0] != "Tệp" || rows[1][1] != "AMT-06" || rows[1][2] != "lỗi" || rows[2][6] != "SOLUONGHOSO" || formula != "" {
		t.Errorf("%v %v %q", rows, err, formula)
	}
	if NewWriter("pdf", io.Discard, outcome.English) != nil {
		t.Error("there is no format pdf")
	}
}
