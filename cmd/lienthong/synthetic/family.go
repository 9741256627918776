package synthetic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Citizen is one invented person.
type Citizen struct {
	ID         string // logical id of the Patient, also the start of the ids of all that belongs to the person
	CCCD       string // citizen ID: province, century and gender, birth year, serial
	Card       string // insurance card
	CardFrom   time.Time
	CardTo     time.Time
	Record     string // MA_BN, the number in the hospital's own files
	Registered string // MA_DKBD, the facility on the card
	Name       string
	Female     bool
	Birth      time.Time // day of birth, midnight UTC
	Phone      string
	House      string // street and house, without the commune
	Home       commune
	Mother     *Citizen // nil for those whose mother is not in the population
	Father     *Citizen
	Doses      []Dose
	Expecting  time.Time // birth of the youngest child, for mothers; zero otherwise
}

// years is the citizen's age in full years on a day.
func (c *Citizen) years(on time.Time) int {
	n := on.Year() - c.Birth.Year()
	if (immunization.Age{Months: 12 * n}).After(c.Birth).After(on) {
		n--
	}
	return n
}

// family makes the n-th family and adds its episodes; what it is like depends on the seed and on n alone.
// first is the number of its first member, by which all numbers of the members are kept apart.
func (p *Population) family(n, first int) []*Citizen {
	rng := rand.New(rand.NewPCG(p.cfg.Seed, uint64(n)))
	home := pick(rng, communes)
	house := fmt.Sprintf("Số %d, đường Giả Định %d", 1+rng.IntN(200), 1+rng.IntN(30))
	surname := pick(rng, surnames)
	today := p.cfg.Today

	youngest := days(today, -20-rng.IntN(900))
	motherBirth := days(youngest, -(20*365 + rng.IntN(14*365)))
	members := []*Citizen{
		{Name: personName(rng, surname, false), Birth: days(motherBirth, -rng.IntN(6*365))},
		{Name: personName(rng, pick(rng, surnames), true), Female: true, Birth: motherBirth, Expecting: youngest},
	}
	father, mother := members[0], members[1]
	birth := youngest
	for range 1 + rng.IntN(3) {
		female := rng.IntN(2) == 0
		members = append(members, &Citizen{Name: personName(rng, surname, female), Female: female, Birth: birth, Mother: mother, Father: father})
		birth = days(birth, -(450 + rng.IntN(1200)))
		if mother.years(birth) < 18 {
			break
		}
	}
	if rng.IntN(3) == 0 {
		female := rng.IntN(3) > 0
		members = append(members, &Citizen{Name: personName(rng, surname, female), Female: female, Birth: days(father.Birth, -(21*365 + rng.IntN(15*365)))})
	}
	for i, c := range members {
		p.number(c, first+i, rng)
		c.Home, c.House = home, house
		if c.Mother == nil {
			c.Phone = "0900" + pad(rng.IntN(1000000), 6)
		}
		c.Registered = pick(rng, []string{"51901", "51902"})
		c.Doses = p.vaccinate(c, rng)
		p.Episodes = append(p.Episodes, p.visitsOf(c, rng)...)
	}
	return members
}

// CitizenID is the logical id of the n-th citizen's Patient, from 1. Not each n has one, but 1 has.
func CitizenID(seed uint64, n int) string { return fmt.Sprintf("syn-%d-%05d", seed, n) }

// number gives the citizen the numbers of the field. Serials are a permutation of the citizen's number, so that they
// look drawn and never meet; the seed moves them, so that two populations rarely meet either.
func (p *Population) number(c *Citizen, n int, rng *rand.Rand) {
	c.ID = CitizenID(p.cfg.Seed, n)
	gender := 2 * (c.Birth.Year()/100 - 19)
	if c.Female {
		gender++
	}
	serial := (uint64(n)*700027 + p.cfg.Seed*104729) % 1000000
	c.CCCD = fmt.Sprintf("051%d%02d%06d", gender, c.Birth.Year()%100, serial)
	social := "51" + pad(int((uint64(n)*67004173+p.cfg.Seed*15485863)%100000000), 8)
	c.Card = p.cardGroup(c, rng) + "51" + social
	c.CardFrom = time.Date(p.cfg.Today.Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	if c.CardFrom.Before(c.Birth) {
		c.CardFrom = c.Birth
	}
	c.CardTo = time.Date(p.cfg.Today.Year(), time.December, 31, 0, 0, 0, 0, time.UTC)
	c.Record = "BN" + pad(n, 6)
}

// cardGroup gives the group and benefit of the card: TE1 for children under six, then what people of that age carry.
func (p *Population) cardGroup(c *Citizen, rng *rand.Rand) string {
	switch age := c.years(p.cfg.Today); {
	case age < 6:
		return "TE1"
	case age < 18:
		return "HS4"
	case age >= 60:
		return pick(rng, []string{"HT3", "GD4", "BT2"})
	}
	return pick(rng, []string{"DN4", "DN4", "GD4", "GD4", "HN2", "CN3"})
}

func days(t time.Time, n int) time.Time { return immunization.Day(t).AddDate(0, 0, n) }

func pad(n, width int) string { return fmt.Sprintf("%0*d", width, n) }
