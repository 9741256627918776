package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

// demoMessages is where the demo's reminders go: a mail server and a gateway of text messages that send nothing to anybody and
// show what they took. They are in the demo alone.
//
//	SMTP            on a loopback port of its own
//	POST /demo/sms  {id, to, text} with the demo's token
//	GET  /demo/messages
type demoMessages struct {
	smtp  net.Listener
	token string

	mu   sync.Mutex // guards took
	took []demoMessage
}

// demoMessage is one reminder that was taken.
type demoMessage struct {
	At                    time.Time
	By, To, Subject, Text string
}

// Bounds of what the demo keeps.
const (
	demoMessagesKept = 200
	demoMessageBytes = 64 << 10
)

func newDemoMessages() (*demoMessages, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &demoMessages{smtp: l, token: rand.Text()}, err
}

// settings are those by which the demo's server reminds everybody who has an address, whether they agreed or not: they are invented.
func (d *demoMessages) settings(dir, origin string, every time.Duration) (config.Reminders, error) {
	credentials := filepath.Join(dir, "reminders.yaml")
	err := os.WriteFile(credentials, []byte("token: "+d.token+"\n"), 0o600)
	return config.Reminders{
		Schedule: "@every " + every.String(), Consent: "opt-out", SMTP: d.smtp.Addr().String(), From: "tiemchung@demo.example",
		SMS: origin + "/demo/sms", Credentials: credentials,
	}, err
}

// serve takes mail until the listener is closed.
func (d *demoMessages) serve() error {
	s := smtp.NewServer(d)
	s.Domain, s.MaxMessageBytes, s.MaxRecipients = "demo.example", demoMessageBytes, 1
	s.ReadTimeout, s.WriteTimeout = 10*time.Second, 10*time.Second
	s.ErrorLog = log.New(io.Discard, "", 0) // a line may have an address
	if err := s.Serve(d.smtp); !errors.Is(err, net.ErrClosed) && !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

func (d *demoMessages) keep(m demoMessage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.At = time.Now()
	if d.took = append(d.took, m); len(d.took) > demoMessagesKept {
		d.took = slices.Delete(d.took, 0, len(d.took)-demoMessagesKept)
	}
}

// NewSession implements smtp.Backend.
func (d *demoMessages) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &demoMail{messages: d}, nil
}

// demoMail is one connection of the mail server.
type demoMail struct {
	messages *demoMessages
	to       string
}

func (s *demoMail) Reset()                               { s.to = "" }
func (s *demoMail) Logout() error                        { return nil }
func (s *demoMail) Mail(string, *smtp.MailOptions) error { return nil }
func (s *demoMail) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *demoMail) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := mailText(m)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	s.messages.keep(demoMessage{By: "e-mail", To: s.to, Subject: subject, Text: text})
	return nil
}

// handler answers as the gateway of text messages and shows what was taken, and leaves the rest to next.
func (d *demoMessages) handler(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("POST /demo/sms", func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+d.token)) != 1 {
			http.Error(w, "the token of the demo's server is needed", http.StatusUnauthorized)
			return
		}
		var m struct{ ID, To, Text string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, demoMessageBytes)).Decode(&m); err != nil || m.To == "" {
			http.Error(w, "want {id, to, text}", http.StatusBadRequest)
			return
		}
		d.keep(demoMessage{By: "SMS", To: m.To, Text: m.Text})
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /demo/messages", func(w http.ResponseWriter, _ *http.Request) {
		d.mu.Lock()
		shown := slices.Clone(d.took)
		d.mu.Unlock()
		slices.Reverse(shown)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = demoMessagesPage.Execute(w, shown) // who went away is told nothing
	})
	return mux
}

var demoMessagesPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tin nhắn · Lienthong demo</title>
<style>body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}article{border-top:1px solid #ccc;padding:.5rem 0}p{white-space:pre-wrap;margin:.3rem 0}small{color:#555}</style></head>
<body><h1>Nhắc lịch tiêm</h1><p>Những tin mà máy chủ của bản demo đã nhận; không tin nào được gửi ra ngoài. / What the demo's mail server and gateway took; nothing left this machine.</p>
{{range .}}<article><small>{{.At.Format "15:04:05"}} · {{.By}} · {{.To}}</small>{{if .Subject}}<p><b>{{.Subject}}</b></p>{{end}}<p>{{.Text}}</p></article>
{{else}}<p>Chưa có tin nào. / None yet.</p>{{end}}</body></html>
`))
