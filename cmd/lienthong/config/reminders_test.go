package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/lienthong/adapters/reminder"
)

func TestSendersOfReminders(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "reminders.yaml")
	if err := os.WriteFile(secrets, []byte("username: u\npassword: p\ntoken: t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const daily = "0 8 * * *"
	ok := Reminders{Schedule: daily, SMTP: "127.0.0.1:25", From: "a@example.com", SMS: "https://sms.example/send", Credentials: secrets}
	senders, err := ok.Senders()
	if err != nil || len(senders) != 2 {
		t.Fatalf("%v %v", err, senders)
	}
	if s := senders[reminder.Email].(reminder.SMTP); !s.Plain || s.Password != "p" || s.Port != 25 {
		t.Errorf("%+v", s)
	}
	if s := senders[reminder.Text].(reminder.SMS); s.Token != "t" {
		t.Errorf("%+v", s)
	}
	ok.SMTP = "mail.example:587"
	if senders, err = ok.Senders(); err != nil || senders[reminder.Email].(reminder.SMTP).Plain {
		t.Errorf("a mail server elsewhere is spoken to without TLS: %v", err)
	}
	if senders, err := (&Reminders{}).Senders(); err != nil || senders != nil {
		t.Errorf("nothing is configured: %v %v", err, senders)
	}
	for _, bad := range []Reminders{
		{Schedule: daily, SMTP: "127.0.0.1:", From: "a@example.com"}, {Schedule: daily, SMTP: "mail.example", From: "a@example.com"},
		{Schedule: daily, SMTP: "127.0.0.1:25"}, {Schedule: "daily", SMTP: "127.0.0.1:25", From: "a@example.com"},
		{Schedule: daily, SMS: "sms.example"}, {Schedule: daily, SMS: "ftp://sms.example/"}, {Schedule: daily, SMS: "https://x", Credentials: secrets + ".none"},
	} {
		if _, err := bad.Senders(); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
