package identity

import "github.com/lienthong/lienthong/fhir"

// BHYT is the number of a health insurance card: 15 characters, group, benefit, province, social-insurance number.
type BHYT string

// BHXH is a social-insurance number: 10 digits, the tail of the card's number and the same for life.
type BHXH string

// CMND is the number of the old identity card: 9 digits.
type CMND string

// Passport is the number of a Vietnamese passport: one capital letter and 7 digits.
type Passport string

// ParseBHYT checks s against ^[A-Z]{2}[1-5]\d{2}\d{10}$. The error has Kind Unprocessable and code "bhyt-form".
func ParseBHYT(s string) (BHYT, error) {
	if len(s) != 15 || !isCapital(s[0]) || !isCapital(s[1]) || s[2] < '1' || s[2] > '5' || !isDigits(s[3:]) {
		return "", fhir.Errorf(fhir.Unprocessable, "bhyt-form", "")
	}
	return BHYT(s), nil
}

// Group is the group of insured people, such as TE (children under 6) or GD (households).
func (b BHYT) Group() string { return string(b[:2]) }

// Benefit is the level of benefit, 1 to 5; what it means in percent is a matter of the claim's rules and dates.
func (b BHYT) Benefit() int { return int(b[2] - '0') }

// Province is the two-digit code of the province in insurance coding, which is not that of citizen IDs; 51 is Quảng Ngãi.
func (b BHYT) Province() string { return string(b[3:5]) }

// SocialInsurance is the social-insurance number on the card.
func (b BHYT) SocialInsurance() BHXH { return BHXH(b[5:]) }

// ParseBHXH checks that s is 10 digits. The error has Kind Unprocessable and code "bhxh-form".
func ParseBHXH(s string) (BHXH, error) {
	if len(s) != 10 || !isDigits(s) {
		return "", fhir.Errorf(fhir.Unprocessable, "bhxh-form", "")
	}
	return BHXH(s), nil
}

// ParseCMND checks that s is 9 digits. The error has Kind Unprocessable and code "cmnd-form".
func ParseCMND(s string) (CMND, error) {
	if len(s) != 9 || !isDigits(s) {
		return "", fhir.Errorf(fhir.Unprocessable, "cmnd-form", "")
	}
	return CMND(s), nil
}

// ParsePassport checks that s is one capital letter and 7 digits. The error has Kind Unprocessable and code "passport-form".
// Passports of other countries have other forms; they stand under other systems.
func ParsePassport(s string) (Passport, error) {
	if len(s) != 8 || !isCapital(s[0]) || !isDigits(s[1:]) {
		return "", fhir.Errorf(fhir.Unprocessable, "passport-form", "")
	}
	return Passport(s), nil
}

// cardAccepted says whether s can stand where the insurance card is asked for: the card's number, the social-insurance
// number alone, or, since 2025, the citizen ID.
func cardAccepted(s string) bool {
	_, card := ParseBHYT(s)
	_, number := ParseBHXH(s)
	_, citizen := ParseCCCD(s)
	return card == nil || number == nil || citizen == nil
}

func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' }
