package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAPanicIsTold: the operator reads where a request went wrong, not about whom, and the server goes on.
func TestAPanicIsTold(t *testing.T) {
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var out buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveHTTP(ctx, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/panic":
				panic("Nguyễn Văn Thử")
			case "/abort":
				panic(http.ErrAbortHandler)
			}
		}), time.Second, slog.New(slog.NewTextHandler(&out, nil)))
	}()
	for _, path := range []string{"/panic", "/abort"} {
		if answer, err := http.Get(urlOf(ln) + path); err == nil {
			t.Errorf("%s was answered with %s", path, answer.Status)
		}
	}
	answer, err := http.Get(urlOf(ln) + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	told := out.String()
	if strings.Count(told, "level=ERROR") != 1 || !strings.Contains(told, "TestAPanicIsTold") || strings.Contains(told, "Nguyễn") {
		t.Errorf("the log says %s", told)
	}
}
