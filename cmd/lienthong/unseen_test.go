package main

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// An update of a version is answered alike for a Patient of another hospital and for one that is not there: it writes
// nothing, so it could be asked of any id.
func TestAnIfMatchDoesNotTellWhatIsHidden(t *testing.T) {
	ctx := ours(t.Context())
	n, err := openNode(ctx, config.Server{Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	put := func(organization, id, ifMatch string) string {
		t.Helper()
		f, err := n.fence(t.Context(), access.Caller{Role: access.RoleHospital, Organization: fhir.ID(organization)})
		if err != nil {
			t.Fatal(err)
		}
		d, err := resource.New([]byte(`{"resourceType":"Patient","id":"` + id + `","gender":"male"}`))
		if err != nil {
			t.Fatal(err)
		}
		o := interaction.UpdateOptions{}
		if v, ok := fhir.ParseVersion(ifMatch); ok {
			o.IfMatch = &v
		}
		_, err = n.service.Update(store.WithFence(t.Context(), f), fhir.Key{Type: "Patient", ID: fhir.ID(id)}, d, o)
		if e, ok := errors.AsType[*fhir.Error](err); ok {
			return e.Code
		} else if err != nil {
			t.Fatal(err)
		}
		return ""
	}
	if code := put("one", "p", ""); code != "" {
		t.Fatal(code)
	}
	for _, c := range []struct{ organization, id, ifMatch, want string }{
		{"two", "p", "1", "version-none"}, {"two", "p", "7", "version-none"}, {"two", "none", "1", "version-none"},
		{"two", "p", "", "access-denied"}, // an update that would create: what cannot be hidden
		{"one", "p", "7", "version-conflict"}, {"one", "p", "1", ""},
	} {
		if got := put(c.organization, c.id, c.ifMatch); got != c.want {
			t.Errorf("%s puts %s, If-Match %q: %q, want %q", c.organization, c.id, c.ifMatch, got, c.want)
		}
	}
}
