package fhir

import "strconv"

// Type is the name of a resource type as the specification spells it, such as "Immunization".
// A Type that came from outside is only trusted after r4.IsResource said yes.
type Type string

// ID is the logical id of a resource: 1 to 64 of A-Z a-z 0-9 - . (https://hl7.org/fhir/R4/datatypes.html#id).
// Only ParseID makes one from foreign text; "." and ".." are refused, since ids become path segments.
type ID string

// ParseID checks s against the id grammar. The error has Kind Invalid and code "id-invalid".
func ParseID(s string) (ID, error) {
	if len(s) == 0 || len(s) > 64 || s == "." || s == ".." {
		return "", Errorf(Invalid, "id-invalid", "", clip(s))
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return "", Errorf(Invalid, "id-invalid", "", clip(s))
		}
	}
	return ID(s), nil
}

// clip keeps foreign text in a message short; the rest would only help an attacker fill logs and answers.
func clip(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:80]) + "…"
	}
	return strconv.Quote(s)
}

// Key names a resource on this server: its type and logical id.
type Key struct {
	Type Type
	ID   ID
}

// String gives "Type/id", the relative form of a literal reference.
func (k Key) String() string { return string(k.Type) + "/" + string(k.ID) }

// Version counts the versions of one resource: 1 is the first, 0 means none. It is meta.versionId in decimal.
type Version uint64

// String gives the version as meta.versionId prints it.
func (v Version) String() string { return strconv.FormatUint(uint64(v), 10) }

// ParseVersion reads a meta.versionId that this server gave out; anything else is "not found" to the caller.
func ParseVersion(s string) (Version, bool) {
	if s == "" || s[0] == '0' || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return Version(n), err == nil
}

// T is a commit number: the place of a commit in the log. The first commit is 1; 0 is the empty store.
// "As of t" means: with the effects of the commits 1 to t and of no other.
type T uint64
