package rest

import (
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// etag is the weak entity tag of a version.
func etag(v fhir.Version) string { return `W/"` + v.String() + `"` }

// ifMatch reads If-Match: one version; or several, or * for whatever is there, which accept decides. Both are nil if there
// is none. A tag that this server cannot have given matches nothing; when there is no other one that is said.
// Source: https://www.rfc-editor.org/rfc/rfc9110#name-if-match
func (c *call) ifMatch() (*fhir.Version, interaction.Accept, error) {
	values := c.http.Header["If-Match"]
	if len(values) == 0 {
		return nil, nil, nil
	}
	text := strings.Join(values, ",")
	if strings.TrimSpace(text) == "*" {
		return nil, func(current fhir.Version) bool { return current != 0 }, nil
	}
	var of []fhir.Version
	for _, tag := range strings.Split(text, ",") {
		if v, ok := interaction.ParseETag(tag); ok {
			of = append(of, v)
		}
	}
	switch len(of) {
	case 0:
		return nil, nil, fhir.Errorf(fhir.Precondition, "etag-foreign", "http.If-Match", clip(text))
	case 1:
		return &of[0], nil, nil
	}
	return nil, func(current fhir.Version) bool { return slices.Contains(of, current) }, nil
}
