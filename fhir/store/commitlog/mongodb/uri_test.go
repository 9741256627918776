package mongodb_test

import (
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// TestCheckURI: what would weaken the log is refused with the promise that it breaks, and no password is shown.
func TestCheckURI(t *testing.T) {
	const at = "mongodb://writer:s3cret@a.example,b.example/"
	for uri, want := range map[string]string{
		at + "records?replicaSet=rs0":              "",
		at + "records?w=majority&journal=true":     "",
		at + "?readPreference=primary":             "",
		at + "?readConcernLevel=linearizable":      "",
		at + "?retryWrites=false&compressors=zstd": "",
		at + "?w=1":           "DURABLE",
		at + "?w=0":           "DURABLE",
		at + "?w=rack":        "DURABLE",
		at + "?journal=false": "DURABLE",
		at + "?readPreference=secondaryPreferred":             "FRESH",
		at + "?readPreference=primary&readConcernLevel=local": "DURABLE",
		at + "?tlsInsecure=true&tls=true":                     "in the name of the log",
		at + "?tls=true&tlsDisableOCSPEndpointCheck=true":     "in the name of the log",
		at + "?wriet=majority":                                "no option",
		"postgres://writer:s3cret@a.example/":                 "must begin",
		"mongodb://writer:s3cret@a.example:port/":             "cannot be read",
		"mongodb://writer:s3%zzcret@a.example/":               "cannot be read",
	} {
		_, err := mongodb.CheckURI(uri)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", uri, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v does not say %q", uri, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "zzcret")) {
			t.Errorf("%s: the password is in %q", uri, err)
		}
	}
	if name, err := mongodb.CheckURI(at); err != nil || name != "lienthong" {
		t.Errorf("%q, %v", name, err)
	}
}
