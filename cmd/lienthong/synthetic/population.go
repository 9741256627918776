package synthetic

import (
	"math/rand/v2"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// Config says which population to invent. The same Config gives the same bytes.
type Config struct {
	Citizens int       // at least so many; families are not split
	Seed     uint64    // names, numbers and fates; it also stands in the ids
	Today    time.Time // nothing happens after this day
	SID      string    // base of identifier systems, such as "https://lienthong.example/sid/"
}

// Population is what New invents.
type Population struct {
	Facilities    []Facility
	Practitioners []Practitioner
	Families      [][]*Citizen
	Citizens      []*Citizen // of all families, in order

	Episodes []Episode // of all citizens, in order

	cfg      Config
	schedule *immunization.Schedule
}

// New invents a population.
func New(cfg Config) *Population {
	cfg.Today = immunization.Day(cfg.Today)
	p := &Population{cfg: cfg, schedule: immunization.National(), Facilities: facilities}
	p.Practitioners = staff(rand.New(rand.NewPCG(cfg.Seed, 1<<63)))
	for n := 0; len(p.Citizens) < cfg.Citizens; n++ {
		members := p.family(n, n*familyNumbers+1)
		p.Families = append(p.Families, members)
		p.Citizens = append(p.Citizens, members...)
	}
	return p
}

// familyNumbers is how many citizen numbers are set aside for a family, more than any has members: so the numbers of one
// do not depend on the size of those before it.
const familyNumbers = 8

// Child gives the young child with the most vaccinations: the one to show. Nil if there is none.
func (p *Population) Child() *Citizen {
	var best *Citizen
	for _, c := range p.Citizens {
		if c.Mother != nil && c.years(p.cfg.Today) < 3 && (best == nil || len(c.Doses) > len(best.Doses)) {
			best = c
		}
	}
	return best
}

// Visit gives the episode of the citizen with the most vaccinations among those that have one: a facility that has somebody
// in its care with a history to read.
func (p *Population) Visit() Episode {
	best := p.Episodes[0]
	for _, e := range p.Episodes {
		if len(e.Citizen.Doses) > len(best.Citizen.Doses) {
			best = e
		}
	}
	return best
}
