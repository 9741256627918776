package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// asking is the context of a caller who may see these Patients and all that is recorded of them.
func asking(t testing.TB, patients ...string) context.Context {
	t.Helper()
	grants := map[fhir.Type]*store.Grants{}
	for typ, param := range map[fhir.Type]string{"Patient": "_id", "Immunization": "patient"} {
		params, err := search.Parse(param + "=" + strings.Join(patients, ","))
		if err != nil {
			t.Fatal(err)
		}
		req, err := search.Bind(typ, params, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g := &store.Grants{}
		g[store.ActionRead] = store.Grant{Where: req.Query.Where}
		g[store.ActionSearch] = g[store.ActionRead]
		grants[typ] = g
	}
	return store.WithFence(context.Background(), store.NewFence(grants, ""))
}

// walk gives the persons of all pages of a list.
func walk(t *testing.T, o *office, ctx context.Context, q DueQuery) (all []string) {
	t.Helper()
	for n := 0; ; n++ {
		d, err := o.Due(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Persons {
			all = append(all, p.Patient)
		}
		if q.After = d.Next; q.After == "" {
			return all
		}
		if n > 100 {
			t.Fatal("the pages do not end")
		}
	}
}

func TestDueListOfACommune(t *testing.T) {
	o := village(t)
	whole := walk(t, o, ours(), DueQuery{Commune: "Xã Bình Sơn", Limit: 1000})
	if len(whole) != 12 {
		t.Fatalf("%q", whole)
	}
	for _, limit := range []int{1, 5, 12, 13} {
		if got := walk(t, o, ours(), DueQuery{Commune: "Xã Bình Sơn", Limit: limit}); !slices.Equal(got, whole) {
			t.Errorf("by pages of %d: %q, want %q", limit, got, whole)
		}
	}
	if got := walk(t, o, ours(), DueQuery{Clinic: "s1", Limit: 5}); !slices.Equal(got, whole) {
		t.Errorf("the clinic's list: %q", got)
	}
	d, err := o.Due(ours(), DueQuery{Commune: "Xã Bình Sơn", Limit: 3, Series: []string{"DTP-HepB-Hib"}})
	if err != nil || len(d.Persons) != 3 {
		t.Fatalf("%v %+v", err, d)
	}
	for _, p := range d.Persons {
		if len(p.Doses) != 1 || p.Doses[0].Series.Name != "DTP-HepB-Hib" {
			t.Errorf("%+v", p.Doses)
		}
	}
	// Born on 10 May 2024: measles and rubella at 18 months, on 10 November 2025, overdue from 8 December.
	for on, want := range map[string]int{"2025-11-09": 0, "2025-11-10": 12} {
		until, _ := time.Parse(time.DateOnly, on)
		o.write(t, someone("z"+on, "2024-05-10", "Xã Trà Bồng", ""), given("m"+on, "z"+on, "05", "2025-02-10", ""))
		o.catchUp(t)
		got := walk(t, o, ours(), DueQuery{Commune: "Xã Trà Bồng", Limit: 10, Series: []string{"MR"}, Until: until})
		if (len(got) > 0) != (want > 0) {
			t.Errorf("until %s: %q", on, got)
		}
	}
	if _, err := o.Due(ours(), DueQuery{Commune: "Nơi Khác", Limit: 1}); code(err) != "registry-commune" {
		t.Errorf("%v", err)
	}
	o.write(t, strings.Replace(someone("hue", "2024-05-10", "Xã Ba Tơ", ""), "Quảng Ngãi", "Huế", 1))
	o.catchUp(t)
	if _, err := o.Due(ours(), DueQuery{Commune: "Xã Ba Tơ", Limit: 1}); code(err) != "registry-communes" {
		t.Errorf("%v", err)
	}
}

// The list rolls over with the calendar although nothing is written.
func TestDueListFollowsTheCalendar(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	o.write(t, someone("new", "2025-11-01", "Xã Ba Tơ", ""), given("b", "new", "08", "2025-11-01", ""), given("g", "new", "19", "2025-11-01", ""))
	for _, step := range []struct {
		day          string
		due, overdue int
	}{{"2025-11-20", 0, 0}, {"2025-12-31", 0, 0}, {"2026-01-01", 1, 0}, {"2026-01-28", 1, 0}, {"2026-01-29", 1, 1}, {"2026-03-01", 1, 1}} {
		o.clock = noon(step.day)
		o.catchUp(t)
		due := walk(t, o, ours(), DueQuery{Commune: "xã ba tơ", Limit: 9, Series: []string{"OPV"}})
		overdue := walk(t, o, ours(), DueQuery{Commune: "xã ba tơ", Limit: 9, Series: []string{"OPV"}, Overdue: true})
		if len(due) != step.due || len(overdue) != step.overdue {
			t.Errorf("on %s: due %q, overdue %q", step.day, due, overdue)
		}
	}
}

// FENCED: a list has those whom the caller may see, page by page, and neither rows, numbers nor marks tell of others.
func TestDueListIsHeldToTheFence(t *testing.T) {
	o := village(t)
	ctx := asking(t, "k3", "k7", "k11")
	for _, limit := range []int{1, 2, 50} {
		if got := walk(t, o, ctx, DueQuery{Commune: "Xã Bình Sơn", Limit: limit}); len(got) != 3 || !slices.Contains(got, "Patient/k7") {
			t.Errorf("by %d: %q", limit, got)
		}
	}
	d, err := o.Due(ctx, DueQuery{Commune: "Xã Bình Sơn", Limit: 1})
	if err != nil || d.Next == "" {
		t.Fatal(err)
	}
	if strings.Contains(d.Next, "k") && strings.Contains(d.Next, "|") {
		t.Error("the mark can be read")
	}
	if _, err := o.Due(ctx, DueQuery{Clinic: "s1", Limit: 1, After: d.Next}); code(err) != "registry-mark" {
		t.Errorf("a mark of another list: %v", err)
	}
	for _, bad := range []string{"x", d.Next[:len(d.Next)-2], strings.ToUpper(d.Next), "AAAA"} {
		if _, err := o.Due(ctx, DueQuery{Commune: "Xã Bình Sơn", Limit: 1, After: bad}); code(err) != "registry-mark" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRecallOfALot(t *testing.T) {
	o := village(t)
	o.write(t, given("other", "k11", "05", "2025-03-01", `,"lotNumber":"L-1"`), given("longer", "k11", "198", "2025-03-01", `,"lotNumber":"L-11"`),
		strings.Replace(given("wrong", "k10", "198", "2024-07-10", `,"lotNumber":"L-1"`), "completed", "entered-in-error", 1))
	gather := func(ctx context.Context, q RecallQuery) (all []string) {
		for {
			c, err := o.Recall(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range c.Doses {
				all = append(all, d.Record.Ref+" "+d.Name)
			}
			if q.After = c.Next; q.After == "" {
				return all
			}
		}
	}
	for _, lot := range []string{"L-1", "l-1", " L-1 "} {
		if got := gather(ours(), RecallQuery{Lot: lot, Limit: 3}); len(got) != 9 {
			t.Errorf("%s: %q", lot, got)
		}
		if got := gather(ours(), RecallQuery{Lot: lot, Vaccine: "198", Limit: 100}); len(got) != 8 || !slices.Contains(got, "Immunization/five-k3 Synthetic k3") {
			t.Errorf("%s of one product: %q", lot, got)
		}
	}
	if got := gather(ours(), RecallQuery{Lot: "L-1,L-9", Limit: 3}); len(got) != 0 {
		t.Errorf("two lots are asked for at once: %q", got)
	}
	if got := gather(asking(t, "k3", "k9"), RecallQuery{Lot: "L-1", Limit: 100}); len(got) != 1 || got[0] != "Immunization/five-k3 Synthetic k3" {
		t.Errorf("held to the fence: %q", got)
	}
}

// After a merge the person in use is the one to call.
func TestRecallReachesWhoStandsForThePatient(t *testing.T) {
	o := open(t, "2025-11-20", nil)
	o.write(t, someone("old", "2024-05-10", "Xã Ba Tơ", `,"active":false,"link":[{"type":"replaced-by","other":{"reference":"Patient/new"}}]`),
		someone("new", "2024-05-10", "Xã Ba Tơ", `,"telecom":[{"system":"phone","value":"0900000001"}],"contact":[{"name":{"text":"Synthetic Mother"},"telecom":[{"system":"phone","value":"0900000002"}]}]`),
		given("dose", "old", "05", "2025-03-01", `,"lotNumber":"X7"`))
	c, err := o.Recall(ours(), RecallQuery{Lot: "X7", Limit: 5})
	if err != nil || len(c.Doses) != 1 {
		t.Fatalf("%v %+v", err, c)
	}
	if d := c.Doses[0]; d.Name != "Synthetic new" || d.Phones != "0900000001" || d.Guardian != "Synthetic Mother, 0900000002" {
		t.Errorf("%+v", d.contact)
	}
}

// What the lists are written as is FHIR, and each cell stands under its head.
func TestListsAreBundlesAndTables(t *testing.T) {
	o := village(t)
	d, err := o.Due(ours(), DueQuery{Commune: "Xã Bình Sơn", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	c, err := o.Recall(ours(), RecallQuery{Lot: "L-1", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]resource.ObjectOf{"due": d.Bundle(outcome.Vietnamese, "http://a/x", "http://a/y"), "recall": c.Bundle("http://a/x", "")} {
		text := string(resource.AppendJSON(nil, b))
		o.write(t, strings.Replace(text, `{"resourceType":"Bundle"`, fmt.Sprintf(`{"resourceType":"Bundle","id":%q`, name), 1)) // which checks it
		if !strings.Contains(text, `"mode":"match"`) || !strings.Contains(text, `"resourceType":"Patient"`) {
			t.Errorf("%s", text)
		}
	}
	for _, l := range []outcome.Language{outcome.Vietnamese, outcome.English} {
		for _, table := range []interface {
			CSV() ([]byte, error)
			XLSX() ([]byte, error)
		}{d.Table(l), c.Table(l)} {
			if raw, err := table.CSV(); err != nil || !strings.Contains(string(raw), "Synthetic k") {
				t.Errorf("%v %s", err, raw)
			}
			if raw, err := table.XLSX(); err != nil || len(raw) < 1000 {
				t.Error(err)
			}
		}
		for _, r := range append(d.Table(l).Rows, c.Table(l).Rows...) {
			if len(r) != len(d.Table(l).Head) && len(r) != len(c.Table(l).Head) {
				t.Errorf("%d cells", len(r))
			}
		}
	}
}
