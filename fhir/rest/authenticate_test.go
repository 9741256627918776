package rest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// A server that nobody told who asks does not start.
func TestAuthenticateIsRequired(t *testing.T) {
	if _, err := rest.New(context.Background(), rest.Config{Service: interaction.New(interaction.Config{})}); err == nil {
		t.Fatal("FENCED: a server without Authenticate starts")
	}
}

// Each request is answered with the context that Authenticate made, or refused with its error; a fence that the request
// came with does not count.
func TestAuthenticateDecides(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Authenticate = func(r *http.Request) (context.Context, error) {
			if f := store.FenceOf(r.Context()); f.Open() {
				t.Error("FENCED: a request comes with an open fence")
			}
			if r.Header.Get("Authorization") == "" {
				return nil, fhir.Errorf(fhir.Unknown, "route-unknown", "")
			}
			return rest.Unauthenticated(r)
		}
	})
	for path, want := range map[string]int{"/fhir/Patient": http.StatusUnauthorized, "/fhir/nowhere/at/all/x": http.StatusUnauthorized, "/healthz": 200, "/readyz": 200} {
		if got := status(t, s.URL+path, ""); got != want {
			t.Errorf("GET %s without a token: %d, want %d", path, got, want)
		}
	}
	if got := status(t, s.URL+"/fhir/Patient", "Bearer x"); got != http.StatusOK {
		t.Errorf("with a token: %d", got)
	}
}

func status(t *testing.T, url, authorization string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
