package smart

import (
	"strings"
	"testing"
)

func TestWhatIsGrantedIsBothAskedForAndRegistered(t *testing.T) {
	for _, c := range []struct{ asked, registered, granted string }{
		{"system/Claim.rs", "system/*.cruds", "system/Claim.rs"},
		{"system/*.cruds", "system/Claim.rs", "system/Claim.rs"},
		{"system/Claim.cruds", "system/Claim.rs system/Patient.r", "system/Claim.rs"},
		{"system/*.read", "system/*.cruds", "system/*.rs"},
		{"system/Claim.write", "system/Claim.c", "system/Claim.c"},
		{"system/Claim.cud", "system/Claim.rs", ""},
		{"user/Claim.rs", "system/*.cruds", ""},
		{"openid launch/patient system/Claim.r", "system/*.r", "system/Claim.r"},
		{"system/Claim.r?status=active", "system/*.r", "system/Claim.r?status=active"},
		{"system/Claim.r", "system/Claim.r?status=active", "system/Claim.r?status=active"},
		{"system/Claim.r?use=claim", "system/Claim.r?status=active", "system/Claim.r?use=claim&status=active"},
		{"system/Claim.r system/Claim.r", "system/*.r", "system/Claim.r"},
	} {
		asked, err := ParseScopes(c.asked)
		registered, err2 := ParseScopes(c.registered)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := strings.Join(texts(Narrow(asked, registered)), " "); got != c.granted {
			t.Errorf("%s within %s: %q, want %q", c.asked, c.registered, got, c.granted)
		}
	}
}

func TestScopesThatCannotBeRead(t *testing.T) {
	for _, s := range []string{"", " ", "system/Claim", "system/Claim.", "system/Claim.x", "system/Claim.rr", "system/Claim.sr", "system/claim.r", "system/.r", "sys/Claim.r",
		"system/Claim.r?", "system/Claim.r\tsystem/Claim.c", "system/Claim.r  system/Claim.c", "system/Claim.r\"", strings.Repeat("system/Claim.r ", 400)} {
		if got, err := ParseScopes(s); err == nil {
			t.Errorf("%.40q was read as %v", s, got)
		}
	}
}

func FuzzScopes(f *testing.F) {
	f.Add("system/*.cruds user/Claim.read", "system/Claim.r?status=active")
	f.Fuzz(func(t *testing.T, asked, registered string) {
		a, err := ParseScopes(asked)
		r, err2 := ParseScopes(registered)
		if err != nil || err2 != nil {
			return
		}
		for _, g := range Narrow(a, r) {
			if again, err := ParseScopes(g.String()); err != nil || len(again) != 1 || again[0] != g {
				t.Fatalf("granted %q, which reads as %v %v", g, again, err)
			}
			within := false
			for _, w := range r {
				within = within || w.Context == g.Context && (w.Type == "*" || w.Type == g.Type) && strings.Trim(g.Actions, w.Actions) == ""
			}
			if !within {
				t.Fatalf("%q is granted beyond %q", g, registered)
			}
		}
	})
}
