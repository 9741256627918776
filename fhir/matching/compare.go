package matching

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Grade is how sure a match is.
// Source: http://terminology.hl7.org/CodeSystem/match-grade
type Grade string

// The grades.
const (
	Certain      Grade = "certain"
	Probable     Grade = "probable"
	Possible     Grade = "possible"
	CertainlyNot Grade = "certainly-not"
)

// Reason is something that two Patients agree on or contradict each other in.
type Reason string

// The reasons; the catalogue has their words as "match-" and the reason.
const (
	SameCCCD       Reason = "cccd-same"
	OtherCCCD      Reason = "cccd-other"
	ConflictCCCD   Reason = "cccd-conflict" // the same number, but another name or birth year: for a person to decide
	SameOld        Reason = "old-number-same"
	SameCard       Reason = "bhyt-same"
	SameSocial     Reason = "bhxh-same"
	SameRecord     Reason = "record-same"
	SameName       Reason = "name-same"
	SameNameFolded Reason = "name-folded" // the same without diacritics
	NearName       Reason = "name-near"   // a word is missing
	OtherName      Reason = "name-other"
	SameBirth      Reason = "birth-same"
	SameBirthYear  Reason = "birth-year" // one of them knows the year alone
	SwappedBirth   Reason = "birth-swapped"
	OtherBirth     Reason = "birth-other"
	OtherBirthYear Reason = "birth-year-other"
	OtherGender    Reason = "gender-other"
	SamePhone      Reason = "phone-same"
	SameCommune    Reason = "commune-same"
)

// weights are what a reason is worth. What agrees adds up to a score; 60 and more is a probable match, 35 a possible one.
//
// They follow "Same person?" of the field's rules: an insurance card, or name, birth date, gender and commune together, make
// it likely; a name and a year alone do not. A citizen ID that agrees with the birth year needs no weight: it is certain.
var weights = map[Reason]int{
	SameCCCD: 100, ConflictCCCD: 40, OtherCCCD: -70,
	SameOld: 50, SameCard: 55, SameSocial: 50, SameRecord: 50,
	SameName: 30, SameNameFolded: 26, NearName: 14, OtherName: -25,
	SameBirth: 22, SameBirthYear: 9, SwappedBirth: 12, OtherBirth: -12, OtherBirthYear: -30,
	OtherGender: -20, SamePhone: 10, SameCommune: 8,
}

const (
	probableFrom = 60
	possibleFrom = 35
)

// Comparison is what came out.
type Comparison struct {
	Grade   Grade
	Score   float64 // 0 to 1: the order within one answer, no probability
	Reasons []Reason
}

// Compare says whether two Patients are the same person. It is symmetric.
func Compare(a, b Person) Comparison {
	var c Comparison
	c.identifiers(a, b)
	c.names(a, b)
	c.births(a, b)
	if a.Gender != b.Gender && known(a.Gender) && known(b.Gender) {
		c.add(OtherGender)
	}
	if share(a.Phones, b.Phones) {
		c.add(SamePhone)
	}
	if share(a.Commune, b.Commune) {
		c.add(SameCommune)
	}
	c.decide()
	return c
}

func (c *Comparison) add(r Reason)      { c.Reasons = append(c.Reasons, r) }
func (c *Comparison) has(r Reason) bool { return slices.Contains(c.Reasons, r) }
func known(gender string) bool          { return gender == "male" || gender == "female" }
func composed(s string) string          { return norm.NFC.String(s) }

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func (c *Comparison) identifiers(a, b Person) {
	switch {
	case share(a.CCCD, b.CCCD):
		c.add(SameCCCD)
	case len(a.CCCD) > 0 && len(b.CCCD) > 0:
		c.add(OtherCCCD)
	}
	if share(a.Old, b.Old) || share(a.Old, b.CCCD) || share(a.CCCD, b.Old) {
		c.add(SameOld)
	}
	switch {
	case share(a.Cards, b.Cards):
		c.add(SameCard)
	case share(a.Social, b.Social):
		c.add(SameSocial) // the card was changed, the number stays
	}
	if share(a.Records, b.Records) {
		c.add(SameRecord)
	}
}

// names takes the best that any two names give.
func (c *Comparison) names(a, b Person) {
	best := Reason("")
	for _, x := range a.Names {
		for _, y := range b.Names {
			r := compareNames(x, y)
			if best == "" || weights[r] > weights[best] {
				best = r
			}
		}
	}
	if best != "" {
		c.add(best)
	}
}

func compareNames(x, y Name) Reason {
	switch {
	case slices.Equal(x.Exact, y.Exact):
		return SameName
	case slices.Equal(x.Folded, y.Folded):
		if plain(x) || plain(y) {
			return SameNameFolded // one of them was written without diacritics
		}
		return NearName // Thúy and Thuỳ: other names that look alike without
	case len(x.Folded) > 1 && len(y.Folded) > 1 && lacksOne(x.Folded, y.Folded):
		return NearName
	}
	return OtherName
}

// plain says whether a name has no diacritics.
func plain(n Name) bool {
	for _, w := range n.Exact {
		for i := range len(w) {
			if w[i] >= 0x80 {
				return false
			}
		}
	}
	return true
}

// lacksOne says whether one sorted set of words is the other without one word.
func lacksOne(a, b []string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) != 1 {
		return false
	}
	i := 0
	for _, w := range b {
		if i < len(a) && a[i] == w {
			i++
		}
	}
	return i == len(a)
}

func (c *Comparison) births(a, b Person) {
	x, y := a.Birth, b.Birth
	if len(x) < 4 || len(y) < 4 {
		return
	}
	switch {
	case x[:4] != y[:4]:
		c.add(OtherBirthYear)
	case len(x) == 10 && len(y) == 10:
		switch {
		case x == y:
			c.add(SameBirth)
		case x[5:7] == y[8:] && x[8:] == y[5:7]:
			c.add(SwappedBirth)
		case strings.HasSuffix(x, "-01-01") || strings.HasSuffix(y, "-01-01"):
			c.add(SameBirthYear) // what systems put where the year alone was known
		default:
			c.add(OtherBirth)
		}
	default:
		c.add(SameBirthYear)
	}
}

// decide adds up, and lets the rules speak that go before the sum.
func (c *Comparison) decide() {
	if c.has(SameCCCD) && (c.has(OtherBirthYear) || c.has(OtherName)) {
		c.Reasons[slices.Index(c.Reasons, SameCCCD)] = ConflictCCCD
	}
	sum := 0
	for _, r := range c.Reasons {
		sum += weights[r]
	}
	switch {
	case c.has(SameCCCD) && (c.has(SameBirth) || c.has(SameBirthYear) || c.has(SwappedBirth) || c.has(OtherBirth)):
		c.Grade = Certain // the same number and the same birth year
		sum = max(sum, 100)
	case c.has(SameCCCD):
		c.Grade, sum = Probable, max(sum, probableFrom) // one of them has no birth year
	case c.has(ConflictCCCD):
		c.Grade, sum = Possible, min(max(sum, possibleFrom), probableFrom-1)
	case sum >= probableFrom && !c.has(OtherCCCD):
		c.Grade = Probable
	case sum >= possibleFrom:
		c.Grade = Possible
	default:
		c.Grade = CertainlyNot
	}
	top := 120
	c.Score = float64(min(max(sum, 0), top)) / float64(top)
}
