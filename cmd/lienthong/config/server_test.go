package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsThatCannotWorkAreRefusedInWords(t *testing.T) {
	good := Server{Data: "d", SIDBase: "https://x.example/", MaxBody: 1, MaxEntries: 1}
	if err := good.Check(); err != nil || good.SIDBase != "https://x.example" {
		t.Fatalf("%v, %+v", err, good)
	}
	for name, c := range map[string]struct {
		s    Server
		want string
	}{
		"no folder":                       {Server{MaxBody: 1, MaxEntries: 1}, "--data"},
		"a base without a host":           {Server{Data: "d", BaseURL: "/fhir", MaxBody: 1, MaxEntries: 1}, "--base-url"},
		"a gateway of no scheme":          {Server{Data: "d", Gateway: Gateway{URL: "portal"}, MaxBody: 1, MaxEntries: 1}, "--gateway-url"},
		"a gateway without login":         {Server{Data: "d", Gateway: Gateway{URL: "http://portal"}, MaxBody: 1, MaxEntries: 1}, "--gateway-credentials"},
		"a settle time that is too short": {Server{Data: "d", Gateway: Gateway{URL: "http://portal", Credentials: "c", Timeout: 2, Settle: 2}, MaxBody: 1, MaxEntries: 1}, "--gateway-settle"},
		"no room for a body":              {Server{Data: "d", MaxEntries: 1}, "--max-body"},
	} {
		if err := c.s.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCredentialsComeByFileAndNeverIntoMessages(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) Gateway {
		path := filepath.Join(dir, "credentials")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Gateway{Credentials: path}
	}
	for _, text := range []string{"username: 51901\npassword: s3cret\n", `{"username":"51901","password":"s3cret"}`} {
		if a, err := write(text).Accounts(); err != nil || len(a) != 1 || a[0].Username != "51901" || a[0].Password != "s3cret" {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "password: s3cret", "s3cret", "username: a\npassword: s3cret\nother: 1"} {
		if _, err := write(text).Accounts(); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := (Gateway{Credentials: filepath.Join(dir, "none")}).Accounts(); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestSeveralAccounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("accounts:\n  - {username: a, password: x, facilities: [\"51901\"]}\n  - {username: b, password: y}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := (Gateway{Credentials: path}).Accounts()
	if err != nil || len(a) != 2 || a[0].Facilities[0] != "51901" || a[1].Username != "b" {
		t.Errorf("%+v %v", a, err)
	}
}

func TestMistakesOfTheSyncShowBeforeTheStoreIsOpened(t *testing.T) {
	s := Server{Data: "d", MaxBody: 1, MaxEntries: 1, Gateway: Gateway{URL: "http://portal", Credentials: filepath.Join(t.TempDir(), "none"), Timeout: 1, Settle: 20, Schedule: "* * *"}}
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "--gateway-schedule") {
		t.Errorf("%v", err)
	}
	s.Gateway.Schedule = "*/5 * * * *"
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("%v", err)
	}
}

func TestWhoHasAClaimSentAgain(t *testing.T) {
	for want, gs := range map[bool][]Gateway{
		true:  {{Resend: "person", Timeout: 1, Settle: 100}, {Resend: "auto", Timeout: 10, Settle: 99}},
		false: {{Resend: "settled", Timeout: 10, Settle: 11}, {Resend: "auto", Timeout: 10, Settle: 100}},
	} {
		for _, g := range gs {
			if g.ByPerson() != want {
				t.Errorf("%+v: by person %v", g, !want)
			}
		}
	}
}
