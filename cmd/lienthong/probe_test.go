package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProbeTellsHealth(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer s.Close()
	for code, healthy := range map[int]bool{200: true, 404: true, 500: false, 503: false} {
		status = code
		if err := run(t.Context(), []string{"probe", s.URL}, io.Discard, io.Discard); (err == nil) != healthy {
			t.Errorf("%d: %v", code, err)
		}
	}
	s.Close()
	if err := run(t.Context(), []string{"probe", s.URL}, io.Discard, io.Discard); err == nil {
		t.Error("an address where nobody listens is called healthy")
	}
}
