package certificate_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// noon is when these tests happen.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// world is a store with a service above it.
type world struct {
	*certificate.Service
	clock *clock
	t     *testing.T
}

func newKeys(t testing.TB, from ...time.Time) *certificate.Keys {
	t.Helper()
	var raw []byte
	for _, f := range from {
		var err error
		if raw, _, err = certificate.AddKey(raw, f); err != nil {
			t.Fatal(err)
		}
	}
	k, err := certificate.ParseKeys(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st := enginetest.Open(t, engine.Options{})
	w := &world{clock: &clock{noon}, t: t}
	var err error
	w.Service, err = certificate.New(t.Context(), certificate.Config{
		Interactions: interaction.New(interaction.Config{Store: st}), Keys: newKeys(t, noon.Add(-time.Hour)),
		Issuer: "https://cards.example/certificate", Authority: "Sở Y tế Giả Định", ValidFor: 365 * 24 * time.Hour, Now: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) put(docs ...string) {
	w.t.Helper()
	for _, raw := range docs {
		d, err := resource.New([]byte(raw))
		if err != nil {
			w.t.Fatal(err)
		}
		id, _ := d.Root().ID()
		key := fhir.Key{Type: d.Root().ResourceType(), ID: fhir.ID(id)}
		ctx := store.WithFence(w.t.Context(), store.OpenFence())
		if _, err := w.Interactions.Update(ctx, key, d, interaction.UpdateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// cccd is a citizen ID of nobody: it must never be in a certificate.
const cccd = "051199000011"

const patient = `{"resourceType":"Patient","id":"p1","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"` + cccd + `"}],` +
	`"name":[{"use":"old","family":"Cũ"},{"use":"official","family":"Nguyễn","given":["Thị","Đào"]}],"gender":"female","birthDate":"1999-02-28",` +
	`"address":[{"text":"Xã Giả Định"}],"telecom":[{"value":"0900000000"}],"link":[{"other":{"reference":"Patient/p0"},"type":"replaces"}]}`

// vaccinated makes one; more is further members with a leading comma.
func vaccinated(id, status, cvx, when, lot, more string) string {
	if lot != "" {
		more += `,"lotNumber":"` + lot + `"`
	}
	return `{"resourceType":"Immunization","id":"` + id + `","status":"` + status + `","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"` + cvx + `"}]},` +
		`"patient":{"reference":"Patient/p1"},"occurrenceDateTime":"` + when + `"` + more + `}`
}

func (w *world) issue() certificate.Issued {
	w.t.Helper()
	ctx := store.WithFence(w.t.Context(), store.OpenFence())
	c, err := w.Card(ctx, "p1", certificate.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	i, err := w.Issue(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// code is the catalogue code of an error, "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		return e.Code
	}
	return err.Error()
}

// plain is the content of an SHC.
func plain(t *testing.T, jws string) string {
	t.Helper()
	packed, err := base64.RawURLEncoding.DecodeString(strings.Split(jws, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestACardSaysWhatWasGivenAndNoMore(t *testing.T) {
	w := newWorld(t)
	w.put(`{"resourceType":"Patient","id":"p0","active":false}`, patient,
		`{"resourceType":"Organization","id":"o1","name":"Trạm Y tế Giả Định"}`,
		vaccinated("given", "completed", "198", "2025-01-10", "L1", `,"performer":[{"actor":{"reference":"Practitioner/x","display":"BS Giả Định"}},{"actor":{"reference":"Organization/o1"}}]`),
		vaccinated("given2", "completed", "198", "2025-01-10", "", ``),
		vaccinated("nextday", "completed", "198", "2025-01-11", "L1", ``),
		vaccinated("otherlot", "completed", "198", "2025-01-12", "L2", ``),
		vaccinated("night", "completed", "178", "2025-02-10T18:30:00Z", "N1", ``),
		vaccinated("error", "entered-in-error", "03", "2025-03-10", "LOT-IN-ERROR", ``),
		vaccinated("notdone", "not-done", "05", "2025-03-10", "LOT-NOT-DONE", ``),
		strings.Replace(vaccinated("before", "completed", "08", "1999-03-01", "M1", ``), "Patient/p1", "Patient/p0", 1),
		`{"resourceType":"Immunization","id":"undated","status":"completed","vaccineCode":{"text":"uốn ván"},"patient":{"reference":"Patient/p1"},"occurrenceString":"thời thơ ấu"}`,
	)
	i := w.issue()
	if i.Card.Undated != 1 {
		t.Errorf("%d without a date were counted", i.Card.Undated)
	}
	want := []string{"1999-03-01 08 M1 ", "2025-01-10 198 L1 Trạm Y tế Giả Định", "2025-01-12 198 L2 ", "2025-02-11 178 N1 "}
	for form, text := range map[certificate.Form]string{certificate.SHC: strings.Join(certificate.Numeric(i.JWS), "\n"), certificate.HC1: i.HC1} {
		cards, err := w.Verifier().Verify(t.Context(), text)
		if err != nil || len(cards) != 1 {
			t.Fatalf("%s: %v, %d cards", form, err, len(cards))
		}
		c := cards[0]
		var got []string
		for j, d := range c.Doses {
			if form == certificate.HC1 { // its schema has no place for these
				d.Lot, d.Performer = i.Card.Doses[j].Lot, i.Card.Doses[j].Performer
			}
			got = append(got, d.Date+" "+d.Code+" "+d.Lot+" "+d.Performer)
		}
		if c.FullName() != "Nguyễn Thị Đào" || c.BirthDate != "1999-02-28" || !c.Issued.Equal(noon) || !slices.Equal(got, want) {
			t.Errorf("%s: %+v\n%q", form, c, got)
		}
	}
	for _, private := range []string{cccd, "identifier", "gender", "address", "telecom", "0900000000", "Practitioner", "BS Giả Định", "Patient/p1", `"p1"`, `"meta"`, "LOT-IN-ERROR", "LOT-NOT-DONE"} { // nothing short: keys and hashes are random
		if strings.Contains(plain(t, i.JWS), private) {
			t.Errorf("the card has %q in it", private)
		}
	}
}

func TestACertificateNeedsAPersonAndADose(t *testing.T) {
	w := newWorld(t)
	w.put(patient, `{"resourceType":"Patient","id":"p2","birthDate":"2000-01-01"}`, `{"resourceType":"Patient","id":"p3","name":[{"text":"A"}]}`)
	ctx := store.WithFence(t.Context(), store.OpenFence())
	c, err := w.Card(ctx, "p1", certificate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Issue(ctx, c); code(err) != "certificate-no-doses" {
		t.Errorf("without doses: %v", err)
	}
	for _, id := range []fhir.ID{"p2", "p3"} {
		if _, err := w.Card(ctx, id, certificate.Options{}); code(err) != "certificate-person" {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := w.Card(ctx, "none", certificate.Options{}); code(err) == "" {
		t.Error("a card of nobody")
	}
}

func TestRevocationEndsWhatWasIssuedAndNotWhatComesAfter(t *testing.T) {
	w := newWorld(t)
	w.put(patient, vaccinated("i", "completed", "198", "2025-01-10", "L1", ""))
	old := w.issue()
	ctx := store.WithFence(t.Context(), store.OpenFence())
	for _, reason := range []string{"", "  ", strings.Repeat("x", 1001)} {
		if _, err := w.Revoke(ctx, "p1", reason); code(err) != "certificate-reason" {
			t.Errorf("reason of %d bytes: %v", len(reason), err)
		}
	}
	reader := store.NewFence(map[fhir.Type]*store.Grants{"Patient": {store.ActionRead: {All: true}}}, "")
	if _, err := w.Revoke(store.WithFence(t.Context(), reader), "p1", "sai"); code(err) != "operation-denied" {
		t.Errorf("by one who may only read: %v", err)
	}
	if _, err := w.Revoke(ctx, "p1", "sai ngày tiêm"); err != nil {
		t.Fatal(err)
	}
	fresh := w.issue() // within the same second
	lists := certificate.Revocations{}
	raw, err := w.RevocationList(t.Context(), old.Card.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := lists.Add(raw); err != nil {
		t.Fatal(err)
	}
	// The whole shape, since a key's random id may by chance hold any two letters of a patient's.
	shape := `^\{"kid":"` + regexp.QuoteMeta(old.Card.KeyID) + `","method":"rid","ctr":1,"rids":\["[A-Z2-7]{16}\.[0-9]{10}"\]\}\n?$`
	if !regexp.MustCompile(shape).Match(raw) {
		t.Errorf("the list says %s", raw)
	}
	offline := certificate.Verifier{Keys: w.Keys, Revoked: lists.Before, Now: w.clock.now}
	for name, v := range map[string]certificate.Verifier{"online": w.Verifier(), "offline": offline} {
		for _, text := range []string{old.JWS, old.HC1} {
			if _, err := v.Verify(t.Context(), text); code(err) != "certificate-revoked" {
				t.Errorf("%s, revoked: %v", name, err)
			}
		}
		for _, text := range []string{fresh.JWS, fresh.HC1} {
			if _, err := v.Verify(t.Context(), text); err != nil {
				t.Errorf("%s, issued after it: %v", name, err)
			}
		}
	}
	if _, err := w.RevocationList(t.Context(), "nobody"); code(err) != "certificate-key-unknown" {
		t.Errorf("list of an unknown key: %v", err)
	}
}

func TestFindPrefersTheRecordInUse(t *testing.T) {
	w := newWorld(t)
	w.put(patient, `{"resourceType":"Patient","id":"p0","active":false,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"`+cccd+`"}]}`)
	ctx := store.WithFence(t.Context(), store.OpenFence())
	for _, identifier := range []string{cccd, "https://lienthong.example/sid/cccd|" + cccd} {
		if id, err := w.Find(ctx, identifier); err != nil || id != "p1" {
			t.Errorf("%v %v", id, err)
		}
	}
	for identifier, want := range map[string]string{"": "certificate-identifier", "x": "certificate-identifier", "a|b,c|d": "certificate-identifier", "a|b": "certificate-nobody"} {
		if _, err := w.Find(ctx, identifier); code(err) != want {
			t.Errorf("%q: %v", identifier, err)
		}
	}
	w.put(`{"resourceType":"Patient","id":"p9","identifier":[{"system":"urn:x","value":"1"}]}`, `{"resourceType":"Patient","id":"p8","identifier":[{"system":"urn:x","value":"1"}]}`)
	if _, err := w.Find(ctx, "urn:x|1"); code(err) != "certificate-several" {
		t.Errorf("two: %v", err)
	}
}
