package intake

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// Intake takes doses in. It is safe for concurrent use.
type Intake struct {
	Interactions *interaction.Service
	Given        *vaccination.Service
	Schedules    *immunization.Set
	Systems      identity.Systems
	// Numbers refuses with kind Denied if the caller may not number patients for a facility (MA_CSKCB). nil = every caller may for all.
	Numbers func(ctx context.Context, facility string) error
	Fields  *Fields          // nil = Standard
	Now     func() time.Time // nil = time.Now
}

// Outcome of a row.
type Outcome string

// A row comes to one of these. In a dry run Added says that it would be.
const (
	Added   Outcome = "added"
	Present Outcome = "present" // the dose is here already
	Refused Outcome = "refused"
)

// Row is what became of a row.
type Row struct {
	Number    int // as people count them in the file: the head is usually 1
	Outcome   Outcome
	Patient   string // reference; "" if there is none yet
	NewPerson bool   // the person was added, or would be
	Dose      string // reference
	Faults    []Fault
}

// Report is what became of a file.
type Report struct {
	DryRun  bool
	Ignored []string // heads of columns that are no fields
	Rows    []Row
}

// Counts says how many rows came to which outcome.
func (r *Report) Counts() (added, present, refused int) {
	for i := range r.Rows {
		switch r.Rows[i].Outcome {
		case Added:
			added++
		case Present:
			present++
		default:
			refused++
		}
	}
	return added, present, refused
}

// parallel rows are taken at the same time.
const parallel = 8

// Take takes the rows of a table, which begin with row first of the file. Empty rows are passed over. An error says that
// the table as a whole cannot be taken, or that ctx ended: what was taken until then is taken, and the same file can be
// sent again.
func (in *Intake) Take(ctx context.Context, t *tabular.Table, first int, dryRun bool) (*Report, error) {
	all := in.Fields
	if all == nil {
		all = Standard()
	}
	fields, err := all.Match(t.Head)
	if err != nil {
		return nil, err
	}
	out := &Report{DryRun: dryRun}
	for i, f := range fields {
		if f == nil && t.Head[i] != "" {
			out.Ignored = append(out.Ignored, t.Head[i])
		}
	}
	for i, cells := range t.Rows {
		if slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			out.Rows = append(out.Rows, Row{Number: first + i})
		}
	}
	seen := seen{first: map[string]int{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	var order []string
	rows := map[string][]*work{}
	foreign := map[string]bool{} // facilities, once asked
	for i := range out.Rows {
		w := &work{row: &out.Rows[i]}
		w.entry, w.row.Faults = readRow(fields, t.Rows[w.row.Number-first])
		if w.entry.foreign, err = in.foreign(ctx, &w.entry, foreign); err != nil {
			return nil, err
		}
		w.numbers = w.entry.identifiers(in.Systems)
		person := ""
		if len(w.numbers) > 0 {
			person = w.numbers[0][0] + "|" + w.numbers[0][1] // two facilities may give the same number
		}
		if rows[person] == nil {
			order = append(order, person)
		}
		rows[person] = append(rows[person], w)
	}
	for _, person := range order {
		g.Go(func() error { // those of one person one after the other, as the file has them
			for _, w := range rows[person] {
				if err := in.row(ctx, w, rows[person][0], dryRun, &seen); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return out, g.Wait()
}

// foreign says whether the record number of a row is of a facility for which the caller numbers nobody. Such a number finds the person, and
// is not written.
func (in *Intake) foreign(ctx context.Context, e *entry, known map[string]bool) (bool, error) {
	if in.Numbers == nil || e.record == "" || e.facility == "" {
		return false, nil
	}
	is, asked := known[e.facility]
	if !asked {
		err := in.Numbers(ctx, e.facility)
		refused, ok := errors.AsType[*fhir.Error](err)
		if err != nil && (!ok || refused.Kind != fhir.Denied) {
			return false, err
		}
		is = err != nil
		known[e.facility] = is
	}
	return is, nil
}

// work is a row on its way.
type work struct {
	row     *Row
	entry   entry
	numbers [][2]string
}

// seen are the doses of the file so far, of a dry run.
type seen struct {
	mu    sync.Mutex // guards first
	first map[string]int
}

// before gives the row in which the dose was before, 0 if this is the first.
func (s *seen) before(dose string, row int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.first[dose]; n != 0 {
		return n
	}
	s.first[dose] = row
	return 0
}

// row takes one row. Only what has nothing to do with the row is an error.
func (in *Intake) row(ctx context.Context, w, first *work, dryRun bool, seen *seen) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, e, numbers := w.row, &w.entry, w.numbers
	if len(numbers) == 0 && !refused(r.Faults) {
		r.Faults = append(r.Faults, Fault{*refuse("intake-who"), ""})
	}
	if refused(r.Faults) {
		r.Outcome = Refused
		return nil
	}
	who, err := in.who(ctx, numbers)
	if err != nil {
		return r.refuse(err)
	}
	if who != nil {
		r.Patient = who.Lead.Key.String()
		if r.Faults = append(r.Faults, e.disagrees(who.Lead.Doc)...); refused(r.Faults) {
			r.Outcome = Refused
			return nil
		}
	}
	if who == nil && e.foreign {
		if len(e.given(in.Systems)) == 0 {
			r.Outcome, r.Faults = Refused, append(r.Faults, Fault{*refuse("intake-foreign-record", e.facility), "ma_ho_so"})
			return nil
		}
		r.Faults = append(r.Faults, Fault{fhir.Issue{Severity: fhir.SeverityWarning, Code: "intake-record-left-out", Args: []any{e.facility}}, "ma_ho_so"})
	}
	if who == nil && dryRun && first != w { // by then the person would be here
		r.Faults = append(r.Faults, e.disagreesWith(&first.entry)...)
	}
	if in.judge(r, e); refused(r.Faults) {
		r.Outcome = Refused
		return nil
	}
	if dryRun {
		return in.rehearse(ctx, r, e, numbers, who, seen)
	}
	return in.write(ctx, r, e, numbers, who)
}

func refused(faults []Fault) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.Severity == fhir.SeverityError })
}

// refuse notes why a row cannot be taken; what is not the row's fault comes back as an error.
func (r *Row) refuse(err error) error {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok || e.Kind == fhir.Busy || e.Kind == fhir.Unavailable || e.Kind == fhir.Internal || e.Kind == fhir.Denied {
		return err
	}
	r.Outcome = Refused
	if e.Code == "person-known" { // one whom the caller may not see
		r.Faults = append(r.Faults, Fault{*refuse("intake-held"), "so_cccd"})
		return nil
	}
	if len(e.Issues) == 0 {
		r.Faults = append(r.Faults, Fault{fhir.Issue{Severity: fhir.SeverityError, Code: e.Code, Args: e.Args}, ""})
	}
	for _, i := range e.Issues {
		r.Faults = append(r.Faults, Fault{i, columnOf(i.Path)})
	}
	return nil
}

// who finds the person by the surest of the numbers that anybody here has; nil if nobody has one.
func (in *Intake) who(ctx context.Context, numbers [][2]string) (*vaccination.Person, error) {
	for _, n := range numbers {
		query := "_total=none&_count=20&identifier=" + url.QueryEscape(search.EscapeValue(n[0])+"|"+search.EscapeValue(n[1]))
		page, err := in.Interactions.Search(ctx, "Patient", query, interaction.SearchOptions{})
		if err != nil {
			return nil, err
		}
		if len(page.Matches) == 0 {
			continue
		}
		p, _, err := in.Given.Gather(ctx, page.Matches[0].Key, page.AsOf)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Matches {
			if !slices.Contains(p.Keys(), m.Key) {
				return nil, fhir.Errorf(fhir.Conflict, "vaccination-several", "")
			}
		}
		return &p, nil
	}
	return nil, nil
}

// disagrees compares the row with the person who has its number.
func (e *entry) disagrees(patient resource.Value) (faults []Fault) {
	if !sameName(e.name, patient) {
		faults = append(faults, Fault{*refuse("intake-other-name"), "ho_ten"})
	}
	switch birth := patient.Get("birthDate").Text(); {
	case len(birth) < 4 || e.birth == birth:
	case birth[:4] != e.birth[:4]:
		faults = append(faults, Fault{*refuse("intake-other-birth"), "ngay_sinh"})
	default:
		faults = append(faults, Fault{fhir.Issue{Severity: fhir.SeverityWarning, Code: "intake-other-day"}, "ngay_sinh"})
	}
	return faults
}

// disagreesWith compares rows of one number, of which the first would add the person.
func (e *entry) disagreesWith(first *entry) (faults []Fault) {
	doc, err := resource.New(resource.AppendJSON(nil, resource.ObjectOf{"name", resource.ListOf{resource.ObjectOf{"text", first.name}}, "birthDate", first.birth}))
	if err != nil {
		return nil
	}
	return e.disagrees(doc.Root())
}

// sameName says whether a name of the Patient has the same words, in any order and with or without diacritics. Without a
// name that may be seen there is nothing to disagree with.
func sameName(name string, patient resource.Value) bool {
	want, any := wordsOf(name), false
	for n := range patient.Get("name").Elements() {
		full := n.Get("text").Text()
		if full == "" {
			full = n.Get("family").Text()
			for g := range n.Get("given").Elements() {
				full += " " + g.Text()
			}
		}
		if strings.TrimSpace(full) == "" {
			continue
		}
		if any = true; slices.Equal(wordsOf(full), want) {
			return true
		}
	}
	return !any
}

func wordsOf(name string) []string {
	words := strings.Fields(string(search.AppendFolded(nil, name, 0)))
	slices.Sort(words)
	return words
}

// judge asks the rules of doses, so that a dry run says what a write would be refused for.
func (in *Intake) judge(r *Row, e *entry) {
	doc, err := resource.New(resource.AppendJSON(nil, e.immunization(in.Systems, "Patient/x")))
	if err != nil {
		r.Faults = append(r.Faults, Fault{*refuse("intake-row"), ""})
		return
	}
	birth, _ := immunization.ParseDay(e.birth)
	now := time.Now
	if in.Now != nil {
		now = in.Now
	}
	record := history.Read(doc.Root())
	for _, i := range history.Faults(in.Schedules, &record, birth, immunization.LocalDay(now())) {
		r.Faults = append(r.Faults, Fault{i, columnOf(i.Path)})
	}
	if birth.After(immunization.LocalDay(now())) {
		r.Faults = append(r.Faults, Fault{*refuse("intake-not-born"), "ngay_sinh"})
	}
}

// columnOf is the field that an element of a dose comes from.
func columnOf(path string) string {
	for element, column := range map[string]string{
		"occurrence": "ngay_tiem", "vaccineCode": "ma_vac_xin", "lotNumber": "so_lo", "expirationDate": "han_dung", "status": "tinh_trang", "identifier": "so_cccd", "birthDate": "ngay_sinh",
	} {
		if strings.Contains(path, "."+element) {
			return column
		}
	}
	return ""
}

// sameDose are the criteria of the dose that a row is about, of a person who is found by person. One that was entered in
// error is the same: what somebody took back does not come back with the next file.
func (e *entry) sameDose(person string) string {
	product := "vaccine-code=" + url.QueryEscape(search.EscapeValue(history.CVX)+"|"+e.cvx)
	if e.cvx == "" {
		product = "vaccine-code:text=" + url.QueryEscape(search.EscapeValue(e.vaccine))
	}
	return person + "&" + product + "&date=" + e.on.Format(time.DateOnly) + "&status=" + e.status + ",entered-in-error"
}

func byNumber(n [2]string) string {
	return url.QueryEscape(search.EscapeValue(n[0]) + "|" + search.EscapeValue(n[1]))
}

// rehearse says what write would do.
func (in *Intake) rehearse(ctx context.Context, r *Row, e *entry, numbers [][2]string, who *vaccination.Person, seen *seen) error {
	r.Outcome, r.NewPerson = Added, who == nil
	person := "patient.identifier=" + byNumber(numbers[0])
	if who != nil {
		person = "patient=" + r.Patient
		page, err := in.Interactions.Search(ctx, "Immunization", e.sameDose(person)+"&_total=none&_count=1", interaction.SearchOptions{})
		if err != nil {
			return r.refuse(err)
		}
		if len(page.Matches) > 0 {
			return in.there(r, e, page.Matches[0].Key, page.Matches[0].Stored.Body)
		}
	}
	if n := seen.before(e.sameDose(person), r.Number); n != 0 {
		r.Outcome, r.NewPerson = Present, false
		r.Faults = append(r.Faults, Fault{fhir.Issue{Severity: fhir.SeverityInformation, Code: "intake-twice", Args: []any{n}}, ""})
	}
	return nil
}

// there notes that the dose is here, and what the row says differently.
func (in *Intake) there(r *Row, e *entry, key fhir.Key, body []byte) error {
	r.Outcome, r.NewPerson, r.Dose = Present, false, key.String()
	doc, err := resource.New(body)
	if err != nil {
		return err
	}
	have := history.Read(doc.Root())
	if have.Status == "entered-in-error" {
		r.Faults = append(r.Faults, Fault{fhir.Issue{Severity: fhir.SeverityWarning, Code: "intake-retracted"}, ""})
	}
	if e.lot != "" && have.Lot != "" && !strings.EqualFold(have.Lot, e.lot) {
		r.Faults = append(r.Faults, Fault{fhir.Issue{Severity: fhir.SeverityWarning, Code: "dose-lots-differ"}, "so_lo"})
	}
	return nil
}

// write adds the person who is not here yet, then the dose, each by a conditional create: it is found out in the commit
// whether they are here (EXACT). The rules of doses were asked before, so that a person seldom comes without a dose; the same
// file again then finds the person.
func (in *Intake) write(ctx context.Context, r *Row, e *entry, numbers [][2]string, who *vaccination.Person) error {
	if who == nil {
		made, err := in.create(ctx, "Patient", e.patient(in.Systems), "identifier="+byNumber(numbers[0]))
		if err != nil {
			return r.refuse(err)
		}
		r.Patient, r.NewPerson = made.Key.String(), !made.Same
	}
	dose, err := in.create(ctx, "Immunization", e.immunization(in.Systems, r.Patient), e.sameDose("patient="+r.Patient))
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "criteria-many" { // several records of the dose are here
		r.Outcome = Present
		return nil
	}
	if err != nil {
		return r.refuse(err)
	}
	if dose.Same {
		fresh := r.NewPerson
		err := in.there(r, e, dose.Key, dose.Stored.Body)
		r.NewPerson = fresh
		return err
	}
	r.Outcome, r.Dose = Added, dose.Key.String()
	return nil
}

func (in *Intake) create(ctx context.Context, t fhir.Type, doc resource.ObjectOf, unless string) (interaction.Result, error) {
	d, err := resource.New(resource.AppendJSON(nil, doc))
	if err != nil {
		return interaction.Result{}, fhir.Errorf(fhir.Unprocessable, "intake-row", "")
	}
	return in.Interactions.Create(ctx, d, interaction.CreateOptions{Type: t, IfNoneExist: &unless})
}
