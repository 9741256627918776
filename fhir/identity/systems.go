package identity

import "strings"

// Systems names the identifier systems of one installation. The zero value has the defaults; it is safe for concurrent use.
type Systems struct {
	// Base is what all systems begin with, with its final slash; "" is DefaultBase.
	Base string
	// Aliases are systems that others use for the same thing. The key is a system, or the beginning of systems if it ends
	// in "/"; the value is what stands in its place after Base, such as "cccd", or "" to keep the rest of the name.
	// nil is DefaultAliases; an empty map is no aliases.
	Aliases map[string]string
}

// DefaultBase is the base of systems where none is configured.
const DefaultBase = "https://lienthong.example/sid/"

// DefaultAliases are those seen in drafts of VN Core: …/core/sid/cccd and the like.
var DefaultAliases = map[string]string{"http://fhir.hl7.org.vn/core/sid/": ""}

func (s Systems) base() string {
	if s.Base == "" {
		return DefaultBase
	}
	return s.Base
}

func (s Systems) aliases() map[string]string {
	if s.Aliases == nil {
		return DefaultAliases
	}
	return s.Aliases
}

// CCCD is the system of citizen IDs.
func (s Systems) CCCD() string { return s.base() + "cccd" }

// CMND is the system of old identity card numbers.
func (s Systems) CMND() string { return s.base() + "cmnd" }

// Passport is the system of Vietnamese passports.
func (s Systems) Passport() string { return s.base() + "passport" }

// BHYT is the system of insurance cards.
func (s Systems) BHYT() string { return s.base() + "bhyt" }

// BHXH is the system of social-insurance numbers.
func (s Systems) BHXH() string { return s.base() + "bhxh" }

// CSKCB is the system of facilities (mã cơ sở khám bệnh, chữa bệnh).
func (s Systems) CSKCB() string { return s.base() + "cskcb" }

// MaBN is the system of one facility's record numbers.
func (s Systems) MaBN(cskcb string) string { return s.base() + "mabn/" + cskcb }

// MaLK is the system of one facility's treatment episodes.
func (s Systems) MaLK(cskcb string) string { return s.base() + "malk/" + cskcb }

// FacilityOfEpisode gives the facility's code from a system that MaLK made, or an alias of one.
func (s Systems) FacilityOfEpisode(system string) (cskcb string, ok bool) {
	rest, ok := strings.CutPrefix(s.Fold(system), s.base()+"malk/")
	return rest, ok && rest != "" && !strings.Contains(rest, "/")
}

// FacilityOfRecord gives the facility's code from a system that MaBN made, or an alias of one.
func (s Systems) FacilityOfRecord(system string) (cskcb string, ok bool) {
	rest, ok := strings.CutPrefix(s.Fold(system), s.base()+"mabn/")
	return rest, ok && rest != "" && !strings.Contains(rest, "/")
}

// Fold gives our name for a system that is an alias, and any other system as it is. Search and its index both fold, so
// that a record sent under an alias is found by our name and the other way round. The longest alias that fits counts.
func (s Systems) Fold(system string) string {
	if strings.HasPrefix(system, s.base()) {
		return system
	}
	best, name := "", ""
	for alias, as := range s.aliases() {
		if len(alias) <= len(best) || !strings.HasPrefix(system, alias) {
			continue
		}
		switch rest := system[len(alias):]; {
		case rest == "":
			best, name = alias, as
		case strings.HasSuffix(alias, "/"):
			best, name = alias, as+rest
		}
	}
	if best == "" || name == "" {
		return system
	}
	return s.base() + name
}
