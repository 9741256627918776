package reminder

import (
	"strings"
	"testing"
)

// Nobody is reminded of what must not be given, not even if the reminder was planned before that was known; when it is over the
// dose is asked for.
func TestNobodyIsRemindedOfWhatMustNotBeGiven(t *testing.T) {
	const failing = `{"resourceType":"Condition","id":"heart","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"I50.0"}]},"subject":{"reference":"Patient/k"}`
	mail := &post{}
	o := open(t, "2026-01-01", map[string]Sender{Email: mail})
	o.write(t, append(baby(""), consent("c", "permit", "2025-11-02"), failing+`}`)...)
	o.round(t)
	if len(mail.took) != 0 {
		t.Fatalf("all is deferred: %+v", mail.took)
	}
	o.write(t, failing+`,"abatementDateTime":"2026-01-03"}`)
	o.clock = o.clock.AddDate(0, 0, 2)
	o.round(t)
	if len(mail.took) != 1 {
		t.Fatalf("%d messages once it is over", len(mail.took))
	}
	o.clock = o.clock.AddDate(0, 0, 28)
	if err := o.Plan(ours()); err != nil {
		t.Fatal(err)
	}
	o.write(t, strings.Replace(failing, `"heart"`, `"again"`, 1)+`}`)
	if err := o.Deliver(ours()); err != nil {
		t.Fatal(err)
	}
	if len(mail.took) != 1 {
		t.Errorf("%d messages: what was planned went out all the same", len(mail.took))
	}
}
