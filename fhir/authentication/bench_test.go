package authentication_test

import (
	"net/http"
	"testing"

	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/authentication"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/smart"
)

// BenchmarkAuthenticate measures what proving the caller adds to a request: the first time, and while it is remembered.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	policies := must(access.Open(access.Config{}))
	s := smart.New(smart.Config{Base: base, Issuer: issuer, Store: w.store, Clients: func() smart.Clients { return w.clients }, Signer: func() *jwt.Signer { return w.access }})
	r := must(http.NewRequest(http.MethodGet, "http://x/fhir/Patient/x", nil))
	r.Header.Set("Authorization", "Bearer "+must(w.access.Sign(w.tokenClaims(nil))))
	for name, fresh := range map[string]bool{"first": true, "remembered": false} {
		b.Run(name, func(b *testing.B) {
			a := authentication.New(authentication.Config{Smart: s, Fence: policies.Fence, BasePath: "/fhir"})
			for b.Loop() {
				if fresh {
					a = authentication.New(a.Config)
				}
				if _, err := a.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
