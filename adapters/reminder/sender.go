package reminder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Message is what is sent to one person.
type Message struct {
	ID      string // the same for each try: receivers that know it take it once
	To      string // address or number
	Subject string
	Text    string
}

// Sender brings messages out. Send returns nil once the other side has taken the message. An error that wraps NotSent says
// for certain that it has not; any other error leaves it unknown.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// NotSent says that a message certainly did not go out.
type NotSent struct {
	Final bool // trying again is of no use
	Err   error
}

func (e *NotSent) Error() string { return "not sent: " + e.Err.Error() }
func (e *NotSent) Unwrap() error { return e.Err }

// SMTP sends e-mail.
type SMTP struct {
	Host, From         string
	Port               int
	Username, Password string // "" = without
	// Plain allows a connection without TLS: for a server on the same machine, and tests.
	Plain bool
}

// Send implements Sender. Each message has a connection of its own.
func (s SMTP) Send(ctx context.Context, m Message) error {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(s.From), msg.To(m.To)); err != nil {
		return &NotSent{Final: true, Err: err}
	}
	_, domain, _ := strings.Cut(s.From, "@")
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + strings.Trim(domain, "> "))
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(30 * time.Second), mail.WithTLSPolicy(mail.TLSMandatory)}
	if s.Plain {
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if s.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.Username), mail.WithPassword(s.Password))
	}
	c, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return &NotSent{Final: true, Err: err}
	}
	if err := c.DialWithContext(ctx); err != nil {
		return &NotSent{Err: err}
	}
	defer c.Close()
	err = c.Send(msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	var e *mail.SendError
	if !errors.As(err, &e) {
		return err
	}
	// The message is taken when the server answers the end of the data. Before that point, or with a refusal there, it is not.
	if e.Reason == mail.ErrSMTPDataClose && e.ErrorCode() == 0 || e.Reason == mail.ErrSMTPReset || e.Reason == mail.ErrAmbiguous {
		return err
	}
	return &NotSent{Final: e.ErrorCode() >= 500, Err: err}
}

// SMS sends text messages through a gateway that takes POST {"id","to","text"} as JSON and answers 2xx when it has taken it.
// The id is also in the header Idempotency-Key.
type SMS struct {
	URL, Token string
	Client     *http.Client // nil = one with a timeout of 30 s
}

var smsClient = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Send implements Sender.
func (s SMS) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(map[string]string{"id": m.ID, "to": m.To, "text": m.Text})
	if err != nil {
		return &NotSent{Final: true, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return &NotSent{Final: true, Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	if s.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token)
	}
	client := s.Client
	if client == nil {
		client = smsClient
	}
	res, err := client.Do(req)
	if err != nil {
		return err // bytes may have gone out
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	switch err := fmt.Errorf("the gateway answers HTTP %d", res.StatusCode); {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		return &NotSent{Err: err}
	case res.StatusCode >= 400 && res.StatusCode < 500:
		return &NotSent{Final: true, Err: err}
	default:
		return err
	}
}
