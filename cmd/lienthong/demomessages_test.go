package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/reminder"
)

// What the demo's server sends by either way is on the page, as text; nobody else can put anything there by the gateway.
func TestDemoShowsItsReminders(t *testing.T) {
	d, err := newDemoMessages()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- d.serve() }()
	site := httptest.NewServer(d.handler(http.NotFoundHandler()))
	defer site.Close()
	settings, err := d.settings(t.TempDir(), site.URL, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	senders, err := settings.Senders()
	if err != nil {
		t.Fatal(err)
	}
	long := "Nhắc tiêm chủng: Nguyễn <Thị> A đến hạn tiêm Sởi. " + strings.Repeat("Mời đến trạm y tế xã. ", 10)
	for medium, to := range map[string]string{reminder.Email: "a@example.com", reminder.Text: "0900000001"} {
		if err := senders[medium].Send(context.Background(), reminder.Message{ID: medium, To: to, Subject: "Nhắc tiêm chủng", Text: long}); err != nil {
			t.Errorf("%s: %v", medium, err)
		}
	}
	foreign := reminder.SMS{URL: site.URL + "/demo/sms", Token: "guessed"}
	if err := foreign.Send(context.Background(), reminder.Message{To: "0900000002", Text: "x"}); err == nil {
		t.Error("a message without the token was taken")
	}
	res, err := http.Get(site.URL + "/demo/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(page)
	text := strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(long, "<", "&lt;"), ">", "&gt;"))
	if strings.Count(shown, text) != 2 || strings.Count(shown, "<article>") != 2 || !strings.Contains(shown, "a@example.com") || !strings.Contains(shown, "0900000001") {
		t.Errorf("the page does not show both: %s", shown)
	}
	if err := d.smtp.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
