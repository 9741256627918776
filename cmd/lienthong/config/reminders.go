package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/reminder"
	"github.com/lienthong/lienthong/fhir/setting"
	"github.com/lienthong/lienthong/scheduler/cron"
)

// Reminders is how people are reminded of vaccinations. Without a sender nobody is.
type Reminders struct {
	Schedule    string `default:"0 8 * * *" env:"LIENTHONG_REMINDER_SCHEDULE" placeholder:"CRON" help:"When it is looked who is due and reminders are sent. Vietnamese time. Default: ${default}."`
	Consent     string `enum:"opt-in,opt-out" default:"opt-in" env:"LIENTHONG_REMINDER_CONSENT" help:"opt-in: only who has agreed by a Consent of the scope vaccination-reminder is reminded. opt-out: all but those who have denied it. Default: ${default}."`
	SMTP        string `name:"smtp" env:"LIENTHONG_REMINDER_SMTP" placeholder:"HOST:PORT" help:"Mail server that reminders go out by, with STARTTLS; on a loopback address also without."`
	From        string `env:"LIENTHONG_REMINDER_FROM" placeholder:"ADDRESS" help:"Sender address of e-mail reminders."`
	Credentials string `type:"path" env:"LIENTHONG_REMINDER_CREDENTIALS" placeholder:"FILE" help:"File with username and password for the mail server, and token for the gateway of text messages, as YAML or JSON."`
	SMS         string `name:"sms" env:"LIENTHONG_REMINDER_SMS" placeholder:"URL" help:"Gateway of text messages: takes POST {id, to, text}, answers 2xx once it has taken it."`
}

// Senders makes the senders by medium; none if nothing is configured.
func (r *Reminders) Senders() (map[string]reminder.Sender, error) {
	if r.SMTP == "" && r.SMS == "" {
		return nil, nil
	}
	var secrets struct {
		Username string `yaml:"username"`
		Password string `yaml:"password"`
		Token    string `yaml:"token"`
	}
	if r.Credentials != "" {
		raw, err := os.ReadFile(r.Credentials)
		if err != nil {
			return nil, fmt.Errorf("credentials of reminders: %w", err)
		}
		if err := setting.ParseYAML(raw, &secrets); err != nil {
			return nil, fmt.Errorf("credentials of reminders: %s is not a YAML or JSON file with username, password and token", r.Credentials)
		}
	}
	if _, err := cron.Parse(r.Schedule, ""); err != nil {
		return nil, fmt.Errorf("--reminder-schedule %q is no schedule: five fields as in '0 8 * * *'", r.Schedule)
	}
	out := map[string]reminder.Sender{}
	if r.SMTP != "" {
		host, port, err := net.SplitHostPort(r.SMTP)
		n, err2 := strconv.Atoi(port)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("--reminder-smtp %q is no host:port", r.SMTP)
		}
		if !strings.Contains(r.From, "@") {
			return nil, errors.New("--reminder-smtp needs --reminder-from: the address that reminders come from")
		}
		ip := net.ParseIP(host)
		out[reminder.Email] = reminder.SMTP{Host: host, Port: n, From: r.From, Username: secrets.Username, Password: secrets.Password, Plain: ip != nil && ip.IsLoopback()}
	}
	if r.SMS != "" {
		u, err := url.Parse(r.SMS)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("--reminder-sms %q is no http or https URL", r.SMS)
		}
		out[reminder.Text] = reminder.SMS{URL: r.SMS, Token: secrets.Token}
	}
	return out, nil
}
