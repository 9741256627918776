package authentication_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/authentication"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
)

// TestWhatIsRememberedOfATokenIsNeverOld: what a caller is besides the token is of each request, however often the token came
// before, also by a token that is too long to name itself.
func TestWhatIsRememberedOfATokenIsNeverOld(t *testing.T) {
	w := newWorld(t)
	now := w.now
	clients := maps.Clone(w.clients)
	var asked access.Caller
	a := authentication.New(authentication.Config{
		Smart: smart.New(smart.Config{Base: base, Issuer: issuer, Store: w.store, Clients: func() smart.Clients { return clients }, Signer: func() *jwt.Signer { return w.access },
			Now: func() time.Time { return now }}),
		Fence:    func(_ context.Context, c access.Caller) (store.Fence, error) { asked = c; return store.Fence{}, nil },
		BasePath: "/fhir", Now: func() time.Time { return now },
	})
	for name, jti := range map[string]string{"short": "x", "long": strings.Repeat("x", 3<<10)} {
		t.Run(name, func(t *testing.T) {
			clients, now = maps.Clone(w.clients), w.now
			token := must(w.access.Sign(w.tokenClaims(map[string]any{"jti": jti})))
			ask := func(purpose, reason string) (access.Caller, error) {
				r := must(http.NewRequest(http.MethodGet, "http://x/fhir/Patient/x", nil))
				r.Header.Set("Authorization", "Bearer "+token)
				for name, value := range map[string]string{authentication.HeaderPurpose: purpose, authentication.HeaderBreakGlass: reason} {
					if value != "" {
						r.Header.Set(name, value)
					}
				}
				ctx, err := a.Authenticate(r)
				if err != nil {
					return access.Caller{}, err
				}
				c, _ := access.CallerOf(ctx)
				if asked.Organization != c.Organization || asked.BreakGlass != c.BreakGlass || asked.Purpose != c.Purpose {
					t.Errorf("the fence is of %v, the caller is %v", asked, c)
				}
				return c, nil
			}
			want := func(what, purpose, reason, organization, glass string) {
				t.Helper()
				for range 2 {
					c, err := ask(purpose, reason)
					if err != nil || string(c.Organization) != organization || c.BreakGlass != glass || c.Purpose != "TREAT" {
						t.Errorf("%s: %v, %v", what, c, err)
					}
				}
			}
			refused := func(what, purpose, reason, code string) {
				t.Helper()
				if _, err := ask(purpose, reason); err == nil || !strings.Contains(err.Error(), code) {
					t.Errorf("%s: %v", what, err)
				}
			}
			want("at first", "", "", "bv1", "")
			want("with a reason", "", " unconscious ", "bv1", "unconscious")
			want("without one again", "TREAT", "", "bv1", "")
			refused("a purpose that is not registered", "HMARKT", "", "purpose-refused")
			want("after a refusal", "", "", "bv1", "")

			moved := *clients["his"]
			moved.Organization = "bv9"
			clients["his"] = &moved
			want("registered for another hospital", "", "", "bv9", "")
			delete(clients, "his")
			refused("taken out", "", "", "client-unknown")
			clients["his"] = w.clients["his"]
			want("registered again", "", "", "bv1", "")

			now = now.Add(2 * time.Minute)
			refused("ended", "", "", "token-expired")
		})
	}
}
