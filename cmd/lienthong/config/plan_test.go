package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadPlan(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "plan.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	p, err := ReadPlan(write("catch-up: all\njitter: 2m\nhospitals:\n  \"51901\": {schedule: '0 1 * * *', jitter: 10m, concurrency: 2, rate: 0.5}\n"))
	if h := p.Hospitals["51901"]; err != nil || p.CatchUp != "all" || p.Jitter != 2*time.Minute || h.Jitter != 10*time.Minute || h.Rate != 0.5 || h.Concurrency != 2 {
		t.Errorf("%v %+v", err, p)
	}
	for text, want := range map[string]string{
		"scheduel: '* * * * *'":                                 "scheduel",
		"schedule: '* * *'":                                     "cannot be read",
		"zone: Asia/Hanoi":                                      "cannot be read",
		"catch-up: sometimes":                                   "sometimes",
		"holidays: ['30/4/2026']":                               "30/4/2026",
		"jitter: 13h":                                           "jitter",
		"hospitals: {\"5190\": {}}":                             "5190",
		"hospitals: {\"51901\": {catch-up: never}}":             "hospital 51901",
		"hospitals: {\"51901\": {rate: -1}}":                    "negative",
		"hospitals: {\"51901\": {schedule: '@every 1500ms'}}":   "cannot be read",
		"hospitals: {\"51901\": {schedule: 'TZ=UTC * * * * *'}": "",
	} {
		if _, err := ReadPlan(write(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ReadPlan(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a plan that is not there was read")
	}
}

func TestTheExamplePlanCanBeRead(t *testing.T) {
	if p, err := ReadPlan("../../../docs/examples/plan.yaml"); err != nil || len(p.Hospitals) == 0 {
		t.Errorf("%v %+v", err, p)
	}
}
