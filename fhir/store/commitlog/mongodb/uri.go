package mongodb

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// defaultDatabase is where the log lies when its URI names none.
const defaultDatabase = "lienthong"

// IsURI says whether a text is the address of a log of this kind.
func IsURI(s string) bool {
	return strings.HasPrefix(s, "mongodb://") || strings.HasPrefix(s, "mongodb+srv://")
}

// secret is what of a URI must not be shown.
var secret = regexp.MustCompile(`//[^/@]*@`)

// Redacted gives a URI, or a text that holds one, without user and password.
func Redacted(uri string) string { return secret.ReplaceAllString(uri, "//") }

// CheckURI refuses what is no address of a log, and options that would weaken what the log promises. It gives the name of
// the database. Errors are for the operator and hold no password.
func CheckURI(uri string) (database string, err error) {
	if !IsURI(uri) {
		return "", errors.New("the address of the log must begin with mongodb:// or mongodb+srv://")
	}
	cs, err := connstring.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("the address of the log cannot be read: %s", Redacted(err.Error()))
	}
	refuse := func(option, why string) error {
		return fmt.Errorf("the address of the log sets %s: %s. Leave it out; the log sets it by itself", option, why)
	}
	switch {
	case cs.WNumberSet || cs.WString != "" && cs.WString != "majority":
		return "", refuse("w", "a change that fewer than the majority have is lost with them, although it was acknowledged (DURABLE)")
	case cs.JSet && !cs.J:
		return "", refuse("journal=false", "an acknowledged change would not be on disk (DURABLE)")
	case cs.ReadPreference != "" && cs.ReadPreference != "primary" || cs.MaxStalenessSet || len(cs.ReadPreferenceTagSets) > 0:
		return "", refuse("readPreference", "others than the primary may not have yet what was acknowledged (FRESH)")
	case cs.ReadConcernLevel != "" && !slices.Contains([]string{"majority", "linearizable"}, cs.ReadConcernLevel):
		return "", refuse("readConcernLevel", "what less than the majority has can be taken back (DURABLE)")
	case cs.SSLInsecureSet && cs.SSLInsecure:
		return "", refuse("tlsInsecure", "anybody could answer in the name of the log")
	case on(cs, "tlsDisableOCSPEndpointCheck") || on(cs, "tlsDisableCertificateRevocationCheck"):
		return "", refuse("the revocation check of certificates", "a stolen certificate could answer in the name of the log")
	}
	for name := range cs.UnknownOptions {
		return "", fmt.Errorf("the address of the log sets %q, which is no option of a MongoDB URI", name)
	}
	if err := cs.Validate(); err != nil {
		return "", fmt.Errorf("the address of the log cannot be used: %s", Redacted(err.Error()))
	}
	if cs.Database == "" {
		return defaultDatabase, nil
	}
	return cs.Database, nil
}

// on says whether a URI has an option as true. It reads the text, since not all releases of the driver know all options.
func on(cs *connstring.ConnString, option string) bool {
	option = strings.ToLower(option)
	return slices.Contains(cs.Options[option], "true") || slices.Contains(cs.UnknownOptions[option], "true")
}
