package identity

import "github.com/lienthong/lienthong/fhir"

// CCCD is a citizen identity number (số căn cước công dân, số định danh cá nhân): 12 digits, kept as text because of
// leading zeros. The first three are the province of birth registration, never where the person lives.
type CCCD string

const (
	cccdLength  = 12
	cccdCentury = 3 // the digit that says century and gender
	maxCentury  = '5'
)

// ParseCCCD checks that s can be a citizen ID. Errors have Kind Unprocessable and code "cccd-length", "cccd-digits" or
// "cccd-century"; they do not hold s.
func ParseCCCD(s string) (CCCD, error) {
	if i := faultOfCCCD(s); i.Code != "" {
		return "", fhir.Errorf(fhir.Unprocessable, i.Code, "", i.Args...)
	}
	return CCCD(s), nil
}

// faultOfCCCD gives the issue with s; its Code is "" if there is none.
func faultOfCCCD(s string) fhir.Issue {
	switch {
	case !isDigits(s):
		return fhir.Issue{Code: "cccd-digits"}
	case len(s) != cccdLength:
		return fhir.Issue{Code: "cccd-length", Args: []any{len(s)}}
	case s[cccdCentury] > maxCentury:
		return fhir.Issue{Code: "cccd-century", Args: []any{s[cccdCentury : cccdCentury+1]}}
	}
	return fhir.Issue{}
}

// Province is the three-digit code of the province where the birth was registered; 051 is Quảng Ngãi.
func (c CCCD) Province() string { return string(c[:3]) }

// Gender is "male" or "female", as registered: the codes of FHIR's administrative gender.
func (c CCCD) Gender() string {
	if (c[cccdCentury]-'0')%2 == 0 {
		return "male"
	}
	return "female"
}

// BirthYear is the year of birth in full, 1900 to 2199.
func (c CCCD) BirthYear() int {
	return 1900 + 100*int((c[cccdCentury]-'0')/2) + 10*int(c[4]-'0') + int(c[5]-'0')
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
