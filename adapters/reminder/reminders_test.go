package reminder

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// office is a store with reminders on it and a clock that tests move.
type office struct {
	*Reminders
	clock time.Time
}

func ours() context.Context { return store.Ourselves(context.Background()) }

// post is a Sender that remembers what it took, and does what a test wants.
type post struct {
	mu   sync.Mutex // guards took
	took []Message
	do   func(Message) error // nil = take it
}

func (p *post) Send(_ context.Context, m Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.do != nil {
		if err := p.do(m); err != nil {
			return err
		}
	}
	p.took = append(p.took, m)
	return nil
}

func open(t testing.TB, today string, senders map[string]Sender) *office {
	t.Helper()
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{clock: day.Add(5 * time.Hour)}
	systems := identity.Systems{}
	st := enginetest.Open(t, enginetest.Indexed(engine.Options{}, index.Options{FoldSystem: systems.Fold}))
	now := func() time.Time { return o.clock }
	policies, err := access.Open(access.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s := interaction.New(interaction.Config{Store: st, FoldSystem: systems.Fold})
	reg := registry.New(registry.Config{Store: st, Interactions: s, Now: now, Log: slog.New(slog.DiscardHandler), Given: vaccination.New(vaccination.Config{Interactions: s, Now: now})})
	o.Reminders = New(Config{
		Store: st, Interactions: s, Registry: reg, Policies: policies, Schedules: immunization.Standard(), Senders: senders, Now: now, Log: slog.New(slog.DiscardHandler),
	})
	return o
}

func (o *office) write(t testing.TB, texts ...string) {
	t.Helper()
	var w interaction.WriteSet
	for _, text := range texts {
		d, err := resource.New([]byte(text))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		w.Docs = append(w.Docs, d)
	}
	if _, err := o.Interactions.Apply(ours(), w); err != nil {
		t.Fatalf("%v: %s", err, texts)
	}
}

// round is one run of the job.
func (o *office) round(t testing.TB) {
	t.Helper()
	if err := o.Plan(ours()); err != nil {
		t.Fatal(err)
	}
	if err := o.Deliver(ours()); err != nil {
		t.Fatal(err)
	}
}

// statuses are those of all CommunicationRequests, sorted.
func (o *office) statuses(t testing.TB) (all []string) {
	t.Helper()
	page, err := o.Interactions.Search(ours(), "CommunicationRequest", "_count=100", interaction.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Matches {
		d, err := resource.New(f.Stored.Body)
		if err != nil {
			t.Fatal(err)
		}
		v := d.Root()
		all = append(all, strings.TrimSpace(v.Get("status").Text()+" "+v.Get("statusReason").Get("coding").At(0).Get("code").Text()))
	}
	slices.Sort(all)
	return all
}

// baby is a synthetic child, born on 1 November 2025, with the doses of the day of birth.
func baby(more string) []string {
	return []string{
		`{"resourceType":"Organization","id":"s1","name":"Trạm Y tế Giả Định","telecom":[{"system":"phone","value":"02550000000"}]}`,
		`{"resourceType":"Patient","id":"k","name":[{"text":"Bé Giả Định"}],"birthDate":"2025-11-01","generalPractitioner":[{"reference":"Organization/s1"}],"telecom":[{"system":"email","value":"me@example.com"},{"system":"phone","value":"0900000001"}]` + more + `}`,
		dose("b", "08", "2025-11-01"), dose("g", "19", "2025-11-01"),
	}
}

func dose(id, cvx, on string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","id":%q,"status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}]},"patient":{"reference":"Patient/k"},"occurrenceDateTime":%q}`, id, cvx, on)
}

// consent is a Consent about reminders.
func consent(id, kind, at string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":"active","scope":{"coding":[{"system":%q,"code":%q}]},"category":[{"text":"reminder"}],"patient":{"reference":"Patient/k"},"dateTime":%q,"policyRule":{"text":"reminder"},"provision":{"type":%q}}`, id, ScopeSystem, Scope, at, kind)
}

func TestOneReminderForEachOccasion(t *testing.T) {
	mail := &post{}
	o := open(t, "2025-12-31", map[string]Sender{Email: mail})
	o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
	o.round(t)
	if len(mail.took) != 0 {
		t.Fatalf("nothing is due before two months: %+v", mail.took)
	}
	o.clock = o.clock.AddDate(0, 0, 1) // 1 January 2026: two months
	for range 3 {
		o.round(t)
	}
	if len(mail.took) != 1 {
		t.Fatalf("%d messages", len(mail.took))
	}
	m := mail.took[0]
	if m.To != "me@example.com" || !strings.Contains(m.Text, "Bé Giả Định đến hạn tiêm DPT-VGB-Hib (5 trong 1) (mũi 1)") || !strings.Contains(m.Text, "Trạm Y tế Giả Định, 02550000000") {
		t.Errorf("%+v", m)
	}
	if got := o.statuses(t); !slices.Equal(got, []string{"completed"}) {
		t.Errorf("%q", got)
	}
	page, err := o.Interactions.Search(ours(), "Communication", "based-on=CommunicationRequest/"+m.ID, interaction.SearchOptions{})
	if err != nil || len(page.Matches) != 1 {
		t.Errorf("%v: no Communication says that it was sent", err)
	}
	o.clock = o.clock.AddDate(0, 0, 28) // 29 January: overdue, which is another occasion
	o.round(t)
	o.round(t)
	if len(mail.took) != 2 || mail.took[1].ID == m.ID {
		t.Errorf("%d messages", len(mail.took))
	}
}

func TestConsentDecides(t *testing.T) {
	const privacy = `{"resourceType":"Consent","id":"p","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"text":"privacy"}],"patient":{"reference":"Patient/k"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]}}`
	for name, c := range map[string]struct {
		optOut   bool
		consents []string
		want     int
	}{
		"opt in, nobody asked":           {false, nil, 0},
		"opt in, agreed":                 {false, []string{consent("a", "permit", "2025-11-02")}, 1},
		"opt in, taken back later":       {false, []string{consent("a", "permit", "2025-11-02"), consent("b", "deny", "2025-12-01")}, 0},
		"opt in, agreed again":           {false, []string{consent("b", "deny", "2025-12-01"), consent("a", "permit", "2025-12-02")}, 1},
		"both on one day":                {false, []string{consent("a", "permit", "2025-12-02"), consent("b", "deny", "2025-12-02")}, 0},
		"opt out, nobody asked":          {true, nil, 1},
		"opt out, denied":                {true, []string{consent("b", "deny", "2025-12-01")}, 0},
		"agreed, but kept from clinics":  {false, []string{consent("a", "permit", "2025-11-02"), privacy}, 0},
		"opt out, but kept from clinics": {true, []string{privacy}, 0},
		"inactive":                       {false, []string{strings.Replace(consent("a", "permit", "2025-11-02"), `"active"`, `"inactive"`, 1)}, 0},
	} {
		mail := &post{}
		o := open(t, "2026-01-05", map[string]Sender{Email: mail})
		o.OptOut = c.optOut
		o.write(t, append(baby(""), c.consents...)...)
		o.round(t)
		if len(mail.took) != c.want {
			t.Errorf("%s: %d messages, want %d", name, len(mail.took), c.want)
		}
	}
}

// What changes between planning and sending is looked at again.
func TestNothingIsSentThatShouldNotBeAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		then string
		want []string
	}{
		"given":     {dose("5", "198", "2026-01-04"), []string{"completed"}}, // others are still due
		"taken":     {consent("z", "deny", "2026-01-04"), []string{"revoked not-agreed"}},
		"dead":      {strings.Replace(baby("")[1], `"birthDate"`, `"deceasedBoolean":true,"birthDate"`, 1), []string{"revoked not-due"}},
		"no number": {strings.Replace(baby("")[1], `"telecom"`, `"active":true,"contact"`, 1), []string{"revoked not-agreed"}},
	} {
		mail := &post{}
		o := open(t, "2026-01-05", map[string]Sender{Email: mail})
		o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
		if err := o.Plan(ours()); err != nil {
			t.Fatal(err)
		}
		then := c.then
		if name == "no number" {
			then = `{"resourceType":"Patient","id":"k","name":[{"text":"Bé Giả Định"}],"birthDate":"2025-11-01","generalPractitioner":[{"reference":"Organization/s1"}]}`
		}
		o.write(t, then)
		if err := o.Deliver(ours()); err != nil {
			t.Fatal(err)
		}
		if got := o.statuses(t); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Killed at any point of a delivery, the server sends no message a second time: what was handed over and not written down
// is unknown.
func TestKilledInBetween(t *testing.T) {
	for _, taken := range []bool{false, true} {
		mail := &post{}
		mail.do = func(m Message) error {
			if taken {
				mail.took = append(mail.took, m)
			}
			panic("killed")
		}
		o := open(t, "2026-01-05", map[string]Sender{Email: mail})
		o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
		if err := o.Plan(ours()); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = o.Deliver(ours())
		}()
		mail.mu = sync.Mutex{}
		mail.do = nil
		o.Reminders = New(o.Config)
		for range 3 {
			o.round(t)
			o.clock = o.clock.Add(time.Hour)
		}
		want := map[bool]int{true: 1}[taken]
		if got := o.statuses(t); len(mail.took) != want || !slices.Equal(got, []string{"unknown interrupted"}) {
			t.Errorf("taken %v: %d messages, %q", taken, len(mail.took), got)
		}
	}
}

// Two servers that hold the same slot by mistake do not send twice: the row that is sent from must be as it was read.
func TestTwoAtOnce(t *testing.T) {
	mail := &post{}
	o := open(t, "2026-01-05", map[string]Sender{Email: mail})
	o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			r := New(o.Config)
			_ = r.Plan(ours())
			_ = r.Deliver(ours())
		})
	}
	both.Wait()
	o.round(t)
	if len(mail.took) > 1 {
		t.Errorf("%d messages", len(mail.took))
	}
	if n := len(o.statuses(t)); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestWhatIsNotSentIsTriedAgain(t *testing.T) {
	mail := &post{}
	tries := 0
	mail.do = func(Message) error {
		if tries++; tries < 3 {
			return &NotSent{Err: fmt.Errorf("full")}
		}
		return nil
	}
	o := open(t, "2026-01-05", map[string]Sender{Email: mail})
	o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
	o.round(t)
	o.round(t) // it waits
	if tries != 1 {
		t.Fatalf("%d tries at once", tries)
	}
	for range 3 {
		o.clock = o.clock.Add(time.Hour)
		o.round(t)
	}
	if got := o.statuses(t); tries != 3 || len(mail.took) != 1 || !slices.Equal(got, []string{"completed"}) {
		t.Errorf("%d tries, %q", tries, got)
	}
	// For good, or too often: a person has to look.
	for _, final := range []bool{true, false} {
		mail := &post{do: func(Message) error { return &NotSent{Final: final, Err: fmt.Errorf("no such address")} }}
		o := open(t, "2026-01-05", map[string]Sender{Email: mail})
		o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"))...)
		for range mostTries + 1 {
			o.round(t)
			o.clock = o.clock.Add(4 * time.Hour)
		}
		if got := o.statuses(t); !slices.Equal(got, []string{"on-hold refused"}) {
			t.Errorf("final %v: %q", final, got)
		}
	}
}
