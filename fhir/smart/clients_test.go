package smart_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/smart"
)

// TestFacilitiesOfAClient: those that are registered, none where the list is empty, and not said where there is no list.
func TestFacilitiesOfAClient(t *testing.T) {
	fetch, err := jwt.NewFetcher(nil, []string{"https://keys.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		facilities string
		want       []string
		fault      string
	}{
		{`facilities: ["51901", "51902"], `, []string{"51901", "51902"}, ""},
		{`facilities: ["01001"], `, []string{"01001"}, ""},
		{`facilities: [], `, []string{}, ""},
		{``, nil, ""},
		{`facilities: ["51901,51902"], `, nil, "facilities must be codes"},
		{`facilities: [""], `, nil, "facilities must be codes"},
		{`facilities: ["51901/x"], `, nil, "facilities must be codes"},
	} {
		file := `clients: [{id: his, role: hospital, organization: bv, ` + c.facilities + `scopes: system/*.rs, jwks_uri: "https://keys.example/k"}]`
		clients, err := smart.ParseClients([]byte(file), fetch, map[string]*jwt.Remote{}, nil)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v", c.facilities, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.facilities, err)
			continue
		}
		s := smart.New(smart.Config{Issuer: "x", Clients: func() smart.Clients { return clients }})
		caller, err := s.Caller(clients["his"], nil, "")
		if err != nil || !slices.Equal(caller.Facilities, c.want) || (caller.Facilities == nil) != (c.want == nil) {
			t.Errorf("%s: %v %v", c.facilities, caller.Facilities, err)
		}
	}
}
