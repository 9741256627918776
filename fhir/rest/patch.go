package rest

import (
	"mime"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// patchFormats are the media types of patches, as CapabilityStatement.patchFormat lists them.
const (
	jsonPatchFormat = "application/json-patch+json"
	pathPatchFormat = "application/fhir+json"
)

// patchOf reads the body of a PATCH: a JSON Patch, or Parameters in FHIR JSON, which are a FHIRPath Patch.
func (s *Server) patchOf(c *call) (interaction.Patcher, error) {
	const want = jsonPatchFormat + " or " + pathPatchFormat
	got := header(c.http, "Content-Type")
	fits := func(m string) bool { return m == jsonPatchFormat || jsonFormat(m) }
	if err := contentType(got, want, fits); err != nil {
		return nil, err
	}
	if media, _, err := mime.ParseMediaType(got); err == nil && media == jsonPatchFormat {
		raw, err := c.raw(s.Limits.FormBytes)
		if err != nil {
			return nil, err
		}
		return s.Service.ParseJSONPatch(raw)
	}
	doc, err := c.document(s.Limits.FormBytes)
	if err != nil {
		return nil, err
	}
	if t := doc.Root().ResourceType(); t != "Parameters" {
		return nil, fhir.Errorf(fhir.Invalid, "type-mismatch", "", clip(string(t)), "Parameters")
	}
	return s.Service.ParsePathPatch(doc.Root())
}
