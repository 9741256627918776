package reminder

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// fakeMail is an SMTP server that keeps what it took.
type fakeMail struct {
	mu     sync.Mutex // guards got
	got    []string
	refuse func(to string) error // of a recipient
	cut    bool                  // the line is cut after the message was taken and before that is said
}

// took gives what was taken so far.
func (f *fakeMail) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

func (f *fakeMail) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{f, c}, nil }

type session struct {
	*fakeMail
	conn *smtp.Conn
}

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.refuse != nil {
		return s.refuse(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(raw))
	if s.cut {
		_ = s.conn.Conn().Close()
	}
	return nil
}

func serve(t *testing.T, f *fakeMail) SMTP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(f)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "tiemchung@example.com", Plain: true}
}

func TestMailGoesOut(t *testing.T) {
	f := &fakeMail{}
	s := serve(t, f)
	m := Message{ID: "0b1c", To: "me@example.com", Subject: "Nhắc tiêm chủng", Text: "Bé Giả Định đến hạn tiêm"}
	if err := s.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if got := f.took(); len(got) != 1 || !strings.Contains(got[0], "Message-ID: <0b1c@example.com>") || !strings.Contains(got[0], "To: <me@example.com>") {
		t.Errorf("%q", got)
	}
	if err := s.Send(context.Background(), Message{ID: "x", To: "no address\r\nBcc: all@example.com"}); !final(err, true) {
		t.Errorf("what is no address: %v", err)
	}
}

func final(err error, want bool) bool {
	var e *NotSent
	return errors.As(err, &e) && e.Final == want
}

// What certainly did not go out is told from what may have.
func TestMailThatFails(t *testing.T) {
	m := Message{ID: "0b1c", To: "me@example.com", Subject: "x", Text: "x"}
	s := serve(t, &fakeMail{refuse: func(string) error { return &smtp.SMTPError{Code: 550, Message: "no such user"} }})
	if err := s.Send(context.Background(), m); !final(err, true) {
		t.Errorf("refused for good: %v", err)
	}
	s = serve(t, &fakeMail{refuse: func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }})
	if err := s.Send(context.Background(), m); !final(err, false) {
		t.Errorf("refused for now: %v", err)
	}
	f := &fakeMail{cut: true}
	s = serve(t, f)
	var not *NotSent
	if err := s.Send(context.Background(), m); err == nil || errors.As(err, &not) || len(f.took()) != 1 {
		t.Errorf("taken, and the line cut: %v", err)
	}
	s.Port = silent(t)
	if err := s.Send(context.Background(), m); !final(err, false) {
		t.Errorf("nobody there: %v", err)
	}
	s = serve(t, &fakeMail{})
	s.Plain = false
	if err := s.Send(context.Background(), m); !final(err, false) {
		t.Errorf("without TLS it must not go out: %v", err)
	}
}

// silent is a port at which every line is cut before a word.
func silent(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTextMessages(t *testing.T) {
	for status, want := range map[int]string{200: "", 202: "", 429: "again", 503: "again", 400: "final", 404: "final", 301: "unknown", 500: "unknown", 502: "unknown"} {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			got = append(got, r.Header.Get("Idempotency-Key")+" "+r.Header.Get("Authorization")+" "+string(raw))
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
		}))
		err := SMS{URL: s.URL, Token: "secret"}.Send(context.Background(), Message{ID: "1", To: "0900000001", Text: "x"})
		s.Close()
		outcome := "unknown"
		switch {
		case err == nil:
			outcome = ""
		case final(err, true):
			outcome = "final"
		case final(err, false):
			outcome = "again"
		}
		if outcome != want || len(got) != 1 || got[0] != `1 Bearer secret {"id":"1","text":"x","to":"0900000001"}` {
			t.Errorf("HTTP %d: %v, %q", status, err, got)
		}
	}
}
