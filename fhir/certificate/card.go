package certificate

import (
	"time"
)

// Card is what one certificate says.
type Card struct {
	Issuer string // base URL of the keys, without a final slash: SHC alone says it
	RID    string // of the person's cards, for revocation; it gives nothing away
	KeyID  string // thumbprint (RFC 7638) of the key that signed
	Form   Form
	// Issued and Expires are seconds in UTC; a zero Expires means never.
	Issued, Expires time.Time

	Family    string   // family name
	Given     []string // further names, in the order of the record
	BirthDate string   // as FHIR has it: 1985, 1985-04 or 1985-04-12
	Doses     []Dose   // in the order of their dates

	// Undated is how many doses were left out because the record has no date for them. It is not in the certificate.
	Undated int
}

// Form is how a certificate is written.
type Form string

// The forms.
const (
	SHC Form = "shc"
	HC1 Form = "hc1"
)

// Dose is one vaccination that was given.
type Dose struct {
	System, Code string   // of the product: CVX if the record has it
	Text         string   // name of the product as the record has it; not in the certificate if there is a code
	Date         string   // yyyy-MM-dd, or shorter where the record is
	Lot          string   // "" = not known
	Performer    string   // facility that gave it; "" = not known
	Maker        string   // manufacturer; HC1 alone
	Diseases     []string // SNOMED CT codes of what it is against; HC1 alone
	Number, Of   int      // of its series; 0 = not known

	by []string // references to who gave it, where the record has no name
}

// cvx is the code system of vaccine products.
const cvx = "http://hl7.org/fhir/sid/cvx"

// FullName is the name as Vietnamese has it: family name first.
func (c Card) FullName() string {
	name := c.Family
	for _, g := range c.Given {
		if name != "" && g != "" {
			name += " "
		}
		name += g
	}
	return name
}
