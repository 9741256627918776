package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
	"github.com/lienthong/lienthong/fhir/tabular"
)

var now = time.Date(2025, 11, 20, 5, 0, 0, 0, time.UTC)

func ours() context.Context { return store.Ourselves(context.Background()) }

func open(t testing.TB) *Intake {
	t.Helper()
	systems := identity.Systems{}
	st := enginetest.Open(t, enginetest.Indexed(engine.Options{}, index.Options{FoldSystem: systems.Fold}))
	clock := func() time.Time { return now }
	rules := vaccination.Rules{Store: st, Schedules: immunization.Standard(), Now: clock}
	unique := func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Key.Type != "Patient" || w.Method == store.MethodDelete {
			return interaction.Additions{}, nil
		}
		return interaction.Additions{Unique: systems.Unique(w.Doc)}, nil
	}
	s := interaction.New(interaction.Config{Store: st, FoldSystem: systems.Fold, Hooks: []interaction.Hook{unique, rules.Hook}})
	return &Intake{
		Interactions: s, Schedules: immunization.Standard(), Systems: systems, Now: clock,
		Given: vaccination.New(vaccination.Config{Interactions: s, Now: clock}),
	}
}

func (in *Intake) count(t testing.TB, typ fhir.Type) int {
	t.Helper()
	page, err := in.Interactions.Search(ours(), typ, "_summary=count", interaction.SearchOptions{})
	if err != nil || page.Total == nil {
		t.Fatal(err)
	}
	return *page.Total
}

func (in *Intake) take(t testing.TB, csv string, dryRun bool) *Report {
	t.Helper()
	table, first, err := tabular.Read([]byte(csv), tabular.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Take(ours(), table, first, dryRun)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcomes are what became of the rows, with the codes of their faults.
func outcomes(r *Report) (all []string) {
	for _, row := range r.Rows {
		text := fmt.Sprint(row.Number, " ", row.Outcome)
		for _, f := range row.Faults {
			text += " " + f.Code
			if f.Column != "" {
				text += "@" + f.Column
			}
		}
		all = append(all, text)
	}
	return all
}

// The persons are synthetic.
const file = `Số định danh cá nhân;Họ và tên *;Ngày sinh;Giới tính;Xã, phường;Tỉnh;Họ tên mẹ;Điện thoại mẹ;Ngày tiêm;Mã vắc xin (CVX);Tên vắc xin;Mũi thứ;Số lô;Hạn dùng;Liều lượng (ml);Phản ứng sau tiêm;Mã cơ sở tiêm;Ghi chú
051225000011;Giả Định An;31/01/2025;Nam;Xã Ba Tơ;Quảng Ngãi;Giả Định Mẹ;0900000001;31/01/2025;8;Viêm gan B;1;VG-1;31/12/2026;0,5;sốt nhẹ;51903;bỏ qua
051225000011;An Giả Định;31/01/2025;Nam;Xã Ba Tơ;Quảng Ngãi;;;01-04-2025;198;5 trong 1;1;P-1;;;;51903;

051225000011;Gia Dinh An;45688;nam;;;;;31/1/2025;08;Viêm gan B;1;vg-1;;;;51903;
051225000012;Giả Định Bình;2025-02-01;Nữ;;;;;20250201;08;;;;;;;;
`

func TestAFileOfDoses(t *testing.T) {
	want := []string{"2 added", "3 added", "5 present intake-twice", "6 added"}
	in := open(t)
	rehearsed := in.take(t, file, true)
	if got := outcomes(rehearsed); !slices.Equal(got, want) {
		t.Errorf("dry run: %q, want %q", got, want)
	}
	if in.count(t, "Patient") != 0 || in.count(t, "Immunization") != 0 {
		t.Error("a dry run wrote something")
	}
	if !slices.Equal(rehearsed.Ignored, []string{"Ghi chú"}) {
		t.Errorf("ignored columns: %q", rehearsed.Ignored)
	}
	first := in.take(t, file, false)
	if added, present, refused := first.Counts(); added != 3 || present != 1 || refused != 0 {
		t.Errorf("%q", outcomes(first))
	}
	again := in.take(t, file, false)
	if added, present, refused := again.Counts(); added != 0 || present != 4 || refused != 0 {
		t.Errorf("the same file again: %q", outcomes(again))
	}
	if p, d := in.count(t, "Patient"), in.count(t, "Immunization"); p != 2 || d != 3 {
		t.Errorf("%d persons and %d doses", p, d)
	}
	page, err := in.Interactions.Search(ours(), "Immunization", "lot-number=VG-1", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Fatalf("%v %d", err, len(page.Matches))
	}
	text := string(page.Matches[0].Stored.Body)
	for _, part := range []string{`"code":"08"`, `"value":0.5`, `"expirationDate":"2026-12-31"`, `"display":"sốt nhẹ"`, `"doseNumberPositiveInt":1`, `sid/cskcb","value":"51903"`} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	// A dose that was taken back does not come back with the file.
	doc, err := resource.New([]byte(strings.Replace(text, `"completed"`, `"entered-in-error"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Interactions.Apply(ours(), interaction.WriteSet{Docs: []*resource.Document{doc}}); err != nil {
		t.Fatal(err)
	}
	if got := outcomes(in.take(t, file, false))[0]; got != "2 present intake-retracted" {
		t.Errorf("%s", got)
	}
}

func TestRowsThatCannotBeTaken(t *testing.T) {
	in := open(t)
	in.take(t, file, false)
	head := "so_cccd,ma_ho_so,ma_cskcb,ho_ten,ngay_sinh,ngay_tiem,ma_vac_xin,so_lo\n"
	for row, want := range map[string]string{
		`051225000011,,,Giả Định Khác,31/01/2025,01/05/2025,198,`:  "2 refused intake-other-name@ho_ten",
		`051225000011,,,Giả Định An,31/01/2024,01/05/2025,198,`:    "2 refused intake-other-birth@ngay_sinh",
		`051225000011,,,Giả Định An,30/01/2025,01/05/2025,198,P-2`: "2 added intake-other-day@ngay_sinh",
		`51225000011,,,A B,31/01/2025,01/05/2025,198,`:             "2 refused intake-cccd@so_cccd",
		`,,,A B,31/01/2025,01/05/2025,198,`:                        "2 refused intake-who",
		`,BN1,,A B,31/01/2025,01/05/2025,198,`:                     "2 refused intake-who",
		`,BN1,51903,A B,31/01/2025,01/05/2025,198,`:                "2 added",
		`051225000013,,,,31/02/2025,13/13/2025,,`:                  "2 refused intake-missing@ho_ten intake-date@ngay_sinh intake-date@ngay_tiem intake-missing@ma_vac_xin",
		`051225000013,,,A B,31/01/2025,01/01/2025,198,`:            "2 refused dose-before-birth@ngay_tiem",
		`051225000013,,,A B,31/01/2025,21/11/2025,198,`:            "2 refused dose-future@ngay_tiem",
		`051225000014,,,A B,21/11/2025,20/11/2025,198,`:            "2 refused dose-before-birth@ngay_tiem intake-not-born@ngay_sinh",
		`051225000013,,,A B,31/01/2025,01/05/2025,998,000`:         "2 added dose-product@ma_vac_xin dose-lot@so_lo",
		`051225000013,,,A B,31/01/2025,01/05/2025,five,`:           "2 refused intake-value@ma_vac_xin intake-missing@ma_vac_xin",
	} {
		dry := in.take(t, head+row+"\n", true)
		if got := outcomes(dry); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n     %q\nwant %q", row, got, want)
		}
		for _, l := range []outcome.Language{outcome.Vietnamese, outcome.English} {
			for _, line := range dry.Table(l).Rows {
				words := map[outcome.Language][]string{outcome.Vietnamese: {"", "lỗi", "cảnh báo", "thông tin"}, outcome.English: {"", "error", "warning", "note"}}[l]
				if len(line) != 9 || line[3] != "" && line[6] == "" || !slices.Contains(words, line[3]) {
					t.Errorf("%q", line)
				}
			}
			text := string(resource.AppendJSON(nil, dry.Parameters(l)))
			if _, err := resource.New([]byte(text)); err != nil {
				t.Errorf("%v: %s", err, text)
			}
		}
		if real := outcomes(in.take(t, head+row+"\n", false)); real[0] != want {
			t.Errorf("%s: the dry run said %q, the write %q", row, want, real)
		}
	}
	for csv, want := range map[string]string{
		"ho_ten,ngay_sinh\nx,y\n": "intake-columns",
		"Họ và tên,Họ tên,Ngày sinh,Ngày tiêm,CVX\na,a,b,c,d\n": "intake-column-twice",
	} {
		table, first, err := tabular.Read([]byte(csv), tabular.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Take(ours(), table, first, false); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: %v, want %s", csv, err, want)
		}
	}
}

// TestCellsAsPeopleWriteThem: an expiry as vials have it, a word whose marks are kept apart from their letters.
func TestCellsAsPeopleWriteThem(t *testing.T) {
	field := func(name string) *Field {
		for i := range Standard().All {
			if f := &Standard().All[i]; f.Name == name {
				return f
			}
		}
		t.Fatalf("there is no field %s", name)
		return nil
	}
	for _, c := range []struct{ field, cell, want string }{
		{"han_dung", "12/2026", "2026-12"}, {"han_dung", "2026-12", "2026-12"}, {"han_dung", "1-2027", "2027-01"}, {"han_dung", "31/12/2026", "2026-12-31"},
		{"han_dung", "46387", "2026-12-31"}, {"han_dung", "13/2026", ""}, {"han_dung", "12/26", ""}, {"han_dung", "2026", ""},
		{"gioi_tinh", "Nu\u031b\u0303", "female"}, {"gioi_tinh", "NỮ", "female"}, {"gioi_tinh", "nửa", ""},
		{"tinh_trang", norm.NFD.String("Không tiêm"), "not-done"},
	} {
		e, faults := readRow([]*Field{field(c.field), field("ten_vac_xin")}, []string{c.cell, "x"})
		got := map[string]string{"han_dung": e.expiry, "gioi_tinh": e.gender, "tinh_trang": e.status}[c.field]
		if got != c.want || (len(faults) > 0) != (c.want == "") {
			t.Errorf("%s %q: %q, %v; want %q", c.field, c.cell, got, faults, c.want)
		}
	}
}

// A number of somebody whom the caller may not see is told to be held, and nothing of the person.
func TestRowOfSomebodyHidden(t *testing.T) {
	in := open(t)
	in.take(t, file, false)
	table, first, err := tabular.Read([]byte("so_cccd,ma_ho_so,ma_cskcb,ho_ten,ngay_sinh,ngay_tiem,ma_vac_xin,so_lo\n051225000011,,,Giả Định Khác,31/01/2024,01/05/2025,198,\n"), tabular.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	all := store.Grant{All: true}
	nobody := store.Grant{Where: []search.Condition{search.IDs{ID: []fhir.ID{"nobody"}}}}
	fence := store.NewFence(map[fhir.Type]*store.Grants{
		"Patient":      {store.ActionCreate: all, store.ActionRead: nobody, store.ActionSearch: nobody},
		"Immunization": {store.ActionCreate: all, store.ActionRead: all, store.ActionSearch: all},
	}, "k1")
	r, err := in.Take(store.WithFence(t.Context(), fence), table, first, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(r); len(got) != 1 || got[0] != "2 refused intake-held@so_cccd" {
		t.Errorf("%q", got)
	}
}

// A dry run sees that rows of a number which is new contradict each other.
func TestRowsThatContradictEachOther(t *testing.T) {
	const csv = "so_cccd,ho_ten,ngay_sinh,ngay_tiem,cvx\n051225000011,A B,31/01/2025,01/05/2025,198\n051225000011,A C,31/01/2025,02/05/2025,08\n051225000011,B A,31/01/2024,02/05/2025,08\n"
	want := []string{"2 added", "3 refused intake-other-name@ho_ten", "4 refused intake-other-birth@ngay_sinh"}
	in := open(t)
	for _, dry := range []bool{true, false} {
		if got := outcomes(in.take(t, csv, dry)); !slices.Equal(got, want) {
			t.Errorf("dry run %v: %q, want %q", dry, got, want)
		}
	}
}

// The same file by several senders at once makes each person and each dose once.
func TestManyAtOnce(t *testing.T) {
	in := open(t)
	var b strings.Builder
	b.WriteString("so_cccd,ho_ten,ngay_sinh,ngay_tiem,ma_vac_xin\n")
	for i := range 40 {
		fmt.Fprintf(&b, "0512250%05d,Giả Định %d,01/02/2025,%02d/06/2025,198\n", i/8, i/8, i%8+1)
	}
	done := make(chan *Report)
	for range 3 {
		go func() { done <- in.take(t, b.String(), false) }()
	}
	sum := 0
	for range 3 {
		r := <-done
		added, present, refused := r.Counts()
		if refused != 0 || added+present != 40 {
			t.Errorf("%q", outcomes(r))
		}
		sum += added
	}
	if p, d := in.count(t, "Patient"), in.count(t, "Immunization"); p != 5 || d != 40 || sum != 40 {
		t.Errorf("%d persons, %d doses, %d added", p, d, sum)
	}
}

// Every field has a place to go, and a table made from the template is taken in either form and language.
func TestTemplateIsTaken(t *testing.T) {
	if n := len(Standard().All); n != 44 || n != len(setters) {
		t.Fatalf("%d fields, %d of them known", n, len(setters))
	}
	values := map[string]string{
		"so_cccd": "051225000011", "so_cmnd": "123456789", "so_ho_chieu": "B1234567", "ma_the_bhyt": "TE1510000000011", "ngay_sinh": "31/01/2025", "gioi_tinh": "Nam",
		"ngay_tiem": "01/05/2025", "tinh_trang": "Đã tiêm", "mui_thu": "1", "lieu_luong": "0.5", "ma_vac_xin": "198", "han_dung": "31/12/2026", "ngay_phan_ung": "02/05/2025", "so_lo": "L1", "ma_cskcb": "51903",
	}
	for _, l := range []outcome.Language{outcome.Vietnamese, outcome.English} {
		in := open(t)
		table := Standard().Template(l)
		var row []string
		for _, f := range Standard().All {
			v := values[f.Name]
			if v == "" {
				v = "giả định " + f.Name
			}
			row = append(row, v)
		}
		table.Rows = [][]string{row}
		for i, write := range []func() ([]byte, error){table.CSV, table.XLSX} {
			raw, err := write()
			if err != nil {
				t.Fatal(err)
			}
			read, first, err := tabular.Read(raw, tabular.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			r, err := in.Take(ours(), read, first, false)
			if err != nil || len(r.Ignored) != 0 {
				t.Fatalf("%v %+v", err, r)
			}
			if want := []Outcome{Added, Present}[i]; r.Rows[0].Outcome != want {
				t.Errorf("%q, want %s", outcomes(r), want)
			}
		}
		stored := ""
		for _, typ := range []fhir.Type{"Patient", "Immunization"} {
			page, err := in.Interactions.Search(ours(), typ, "", interaction.SearchOptions{})
			if err != nil {
				t.Fatal(err)
			}
			stored += string(page.Matches[0].Stored.Body)
		}
		for i, f := range Standard().All {
			switch f.Name {
			case "ngay_sinh", "ngay_tiem", "han_dung", "ngay_phan_ung", "gioi_tinh", "tinh_trang":
			case "ly_do_hoan", "ten_cskcb":
			default:
				if !strings.Contains(stored, row[i]) {
					t.Errorf("%s went nowhere", f.Name)
				}
			}
		}
	}
}

func TestDaysAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"31/01/2025": "2025-01-31", "1/2/2025": "2025-02-01", "01-02-2025": "2025-02-01", "1.2.2025": "2025-02-01", "2025-02-01": "2025-02-01",
		"20250201": "2025-02-01", "45688": "2025-01-31", "29/02/2024": "2024-02-29", "10000": "1927-05-18",
		"29/02/2025": "", "13/13/2025": "", "1/2/25": "", "01/2025": "", "60": "", "1985": "", "2026": "", "9999": "", "045688": "", "0": "", "45688.5": "2025-01-31", "x": "", "31/01/1825": "",
		"01/07/2025 08:30": "2025-07-01", "2025-07-01T08:30:00": "2025-07-01", "45688.4166667": "2025-01-31", "45688.": "", "60.5": "", "1/7/2025 8h30": "",
	} {
		d, ok := ParseDay(text)
		if got := d.Format(time.DateOnly); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s %v, want %q", text, got, ok, want)
		}
	}
}

// A record number of a facility for which the sender numbers nobody finds a person, and is given to none: the row goes without it, or is
// refused alone. A facility that cannot be asked stops the table.
func TestRecordNumbersOfOthers(t *testing.T) {
	const table = `so_cccd,ma_ho_so,ma_cskcb,ho_ten,ngay_sinh,ngay_tiem,ma_vac_xin
051225000011,BN1,51902,Giả Định An,31/01/2025,31/01/2025,08
,BN1,51902,Giả Định Bình,31/01/2025,31/01/2025,08
,BN2,51903,Giả Định Bình,31/01/2025,31/01/2025,08
051225000013,,51902,Giả Định Chi,31/01/2025,31/01/2025,08
,BN9,51902,Giả Định Dung,31/01/2025,31/01/2025,08
`
	want := []string{"2 added intake-record-left-out@ma_ho_so", "3 refused intake-foreign-record@ma_ho_so", "4 added", "5 added", "6 added"}
	in := open(t)
	asked := 0
	in.Numbers = func(_ context.Context, code string) error {
		if asked++; code == "51903" {
			return nil
		}
		return fhir.Errorf(fhir.Denied, "facility-foreign", "", code)
	}
	there, err := resource.New([]byte(`{"resourceType":"Patient","id":"d","identifier":[{"system":"` + in.Systems.MaBN("51902") + `","value":"BN9"}],"name":[{"text":"Giả Định Dung"}],"birthDate":"2025-01-31"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Interactions.Apply(ours(), interaction.WriteSet{Docs: []*resource.Document{there}}); err != nil {
		t.Fatal(err)
	}
	for _, dryRun := range []bool{true, false} {
		if got := outcomes(in.take(t, table, dryRun)); !slices.Equal(got, want) {
			t.Errorf("dry run %v:\n got %q\nwant %q", dryRun, got, want)
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times", asked) // of each facility once in a table
	}
	page, err := in.Interactions.Search(ours(), "Patient", "", interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 4 {
		t.Fatalf("%v %d", err, len(page.Matches))
	}
	for _, m := range page.Matches {
		if m.Key.ID != "d" && strings.Contains(string(m.Stored.Body), "51902") {
			t.Errorf("%s", m.Stored.Body)
		}
	}
	if got := outcomes(in.take(t, table, false)); got[0] != "2 present" { // who is there needs no number
		t.Errorf("again: %q", got)
	}
	in.Numbers = func(context.Context, string) error { return fhir.Errorf(fhir.Unavailable, "busy", "") }
	parsed, first, err := tabular.Read([]byte(table), tabular.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Take(ours(), parsed, first, false); err == nil {
		t.Error("taken, though nobody can say whose the numbers are")
	}
}
