package evidence

import (
	"slices"
	"strings"
	"testing"
)

// Each link of the chain is held against its part and the links before it, whatever the signature of the whole says.
func TestTheChainIsHeldLinkByLink(t *testing.T) {
	parts := map[string][]byte{partCase: []byte("a"), partFHIR: []byte("b"), partHistory: []byte("c")}
	for name, c := range map[string]struct {
		change func(files []File)
		want   string
	}{
		"nothing":   {func([]File) {}, ""},
		"a link":    {func(f []File) { f[1].Chain = f[0].Chain }, "the chain breaks at"},
		"a hash":    {func(f []File) { f[2].SHA256 = f[0].SHA256 }, "is not the one that was listed"},
		"a length":  {func(f []File) { f[0].Bytes++ }, "is not the one that was listed"},
		"an order":  {func(f []File) { f[0], f[1] = f[1], f[0] }, "is not the one that was listed"},
		"the first": {func(f []File) { f[0].Chain = strings.Repeat("0", 64) }, "the chain breaks at"},
	} {
		v := Verified{Manifest: Manifest{Files: chain(parts)}}
		c.change(v.Manifest.Files)
		v.chain(parts)
		if c.want == "" && len(v.Faults) > 0 || c.want != "" && !slices.ContainsFunc(v.Faults, func(f string) bool { return strings.Contains(f, c.want) }) {
			t.Errorf("%s: %q", name, v.Faults)
		}
	}
}
