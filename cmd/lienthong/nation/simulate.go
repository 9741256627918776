package nation

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Routing says in which partition a record of a person is kept.
type Routing string

const (
	// ByHash spreads citizen IDs evenly: no table is needed, and almost nothing is kept where it is made.
	ByHash Routing = "hash"
	// ByBirth keeps a person where the birth was registered, which the first three digits of the citizen ID tell.
	ByBirth Routing = "birth"
	// ByResidence keeps a person where he lives; a directory knows who lives elsewhere than the digits say, and a move
	// carries the record along.
	ByResidence Routing = "residence"
	// ByCare keeps each record where the care was given; a directory knows all partitions that have records of a person.
	ByCare Routing = "care"
)

// Routings are all of them, in the order in which they are shown.
var Routings = []Routing{ByHash, ByBirth, ByResidence, ByCare}

// Config is a simulated country. Rates are for one person and year.
type Config struct {
	People int    // simulated persons; each stands for the same number of real ones
	Nation int    // real persons
	Years  int    // simulated years, after which figures are taken over the last one
	Seed   uint64 // the same seed gives the same figures

	Born      float64 // share that begins life elsewhere than where it lives at the start: lifetime migrants
	Moves     float64 // moves to another of the 63 provinces
	Visits    float64 // visits to a hospital or station
	Away      float64 // share of visits outside today's province of residence
	Referred  float64 // share of those that go to the region's centre, not anywhere
	Resources float64 // resources that a visit writes
	Reads     float64 // reads of a person's record for each visit, at the place of the visit
	Peak      float64 // busiest second against the mean

	Capacity float64 // resources a second that one log takes (docs/benchmarks.md)
	Replay   float64 // resources a second that a server reads back from a log
	Bytes    float64 // on disk for one resource
	Outage   float64 // hours that a province is cut off in the drill
}

// Default is a country as big as Viet Nam. Measured are Capacity, Replay and Bytes; published is Moves (3.2 % of those of five
// years and older lived in another province five years before: census of 2019); assumed are the others, so vary them.
func Default() Config {
	return Config{
		People: 400_000, Nation: 102_000_000, Years: 10, Seed: 1,
		Born: .09, Moves: .032 / 5, Visits: 2.1, Away: .12, Referred: .6, Resources: 87, Reads: 5, Peak: 8,
		Capacity: 12_000, Replay: 15_000, Bytes: 1020, Outage: 24,
	}
}

// Result is what one routing led to, over the last simulated year.
type Result struct {
	Routing Routing
	Parts   []Part
	// AwayWrites and AwayReads are the shares of resources written, and of reads, that leave the partition of the place
	// where they are asked for.
	AwayWrites, AwayReads float64
	// Several is the share of reads that need more than one partition, Fan the mean number of partitions of a read.
	Several, Fan float64
	// Listed is the share of persons of whom a directory must know more than the citizen ID tells.
	Listed float64
	// Carried is how many resources a second moves carry from one partition to another, on the mean.
	Carried float64
}

// Part is one partition.
type Part struct {
	Name      string
	People    float64 // real persons whose records it keeps
	Resources float64 // kept at the end
	Mean      float64 // resources written to it a second
	Peak      float64 // in its busiest second
	Behind    float64 // resources that wait elsewhere for it after the outage
	CatchUp   float64 // hours to take those in, besides the mean load; +Inf if it never does
	Rebuild   float64 // hours to make a lost server anew from its log alone
}

// Balance is the busiest partition against the mean one.
func (r Result) Balance() float64 {
	var sum, most float64
	for _, p := range r.Parts {
		sum, most = sum+p.Mean, max(most, p.Mean)
	}
	return most * float64(len(r.Parts)) / sum
}

// Check refuses what cannot be simulated.
func (c Config) Check() error {
	switch {
	case c.People < 1 || c.People > 20_000_000:
		return fmt.Errorf("between 1 and 20,000,000 people can be simulated, not %d", c.People)
	case c.Nation < c.People:
		return fmt.Errorf("a nation of %d has not %d people to simulate", c.Nation, c.People)
	case c.Years < 1 || c.Years > 100:
		return fmt.Errorf("between 1 and 100 years can be simulated, not %d", c.Years)
	case c.Capacity <= 0 || c.Replay <= 0:
		return fmt.Errorf("capacity and replay must be more than 0")
	}
	for _, share := range []float64{c.Born, c.Moves, c.Away, c.Referred} {
		if share < 0 || share > 1 {
			return fmt.Errorf("a share is between 0 and 1, not %g", share)
		}
	}
	return nil
}

// country is what all persons are drawn from.
type country struct {
	Config
	provinces []Province
	parts     []string
	upTo      []int          // people of the provinces up to each
	centre    map[string]int // province that a region's patients are referred to: its most populous
}

// tally counts what one routing did.
type tally struct {
	routing         Routing
	people, kept    []int // by partition
	wrote           []int // visits whose records went there in the last year
	writes, reads   int
	awayW, awayR    int
	several, fanned int
	listed          int
	carried         int // visits carried in the last year
}

// Run simulates the country once, and keeps its records by each routing.
func Run(c Config) ([]Result, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	n := country{Config: c, centre: map[string]int{}}
	var err error
	if n.provinces, n.parts, err = Provinces(); err != nil {
		return nil, err
	}
	sum := 0
	for i, p := range n.provinces {
		sum += p.People
		n.upTo = append(n.upTo, sum)
		if best, ok := n.centre[p.Region]; !ok || n.provinces[best].People < p.People {
			n.centre[p.Region] = i
		}
	}
	var tallies []*tally
	for _, r := range Routings {
		size := len(n.parts)
		tallies = append(tallies, &tally{routing: r, people: make([]int, size), kept: make([]int, size), wrote: make([]int, size)})
	}
	for i := range c.People {
		n.live(rand.New(rand.NewPCG(c.Seed, uint64(i))), tallies)
	}
	var out []Result
	for _, t := range tallies {
		out = append(out, n.result(t))
	}
	return out, nil
}

// anywhere draws a province by its people.
func (n *country) anywhere(r *rand.Rand) int {
	i, _ := slices.BinarySearchFunc(n.upTo, r.IntN(n.upTo[len(n.upTo)-1]), func(upTo, x int) int { return cmp.Compare(upTo, x+1) })
	return i
}

// elsewhere draws another province.
func (n *country) elsewhere(r *rand.Rand, than int) int {
	for {
		if i := n.anywhere(r); i != than {
			return i
		}
	}
}

// live lets one person live, and each tally keep the records.
func (n *country) live(r *rand.Rand, tallies []*tally) {
	home := n.anywhere(r)
	birth := home
	if r.Float64() < n.Born {
		birth = n.elsewhere(r, home)
	}
	hash := r.IntN(len(n.parts))
	part := func(province int) int { return n.provinces[province].Part }
	visited := map[int]int{} // visits by partition of the place
	total := 0
	for year := range n.Years {
		last := year == n.Years-1
		if r.Float64() < n.Moves {
			was := part(home)
			home = n.elsewhere(r, home)
			if last && part(home) != was {
				tallies[slices.Index(Routings, ByResidence)].carried += total
			}
		}
		for range poisson(r, n.Visits) {
			at := home
			if r.Float64() < n.Away {
				at = n.centre[n.provinces[home].Region]
				if at == home || r.Float64() >= n.Referred {
					at = n.elsewhere(r, home)
				}
			}
			visited[part(at)]++
			total++
			if !last {
				continue
			}
			for _, t := range tallies {
				t.visit(t.keeper(hash, part(birth), part(home), part(at)), part(at), visited)
			}
		}
	}
	for _, t := range tallies {
		keeper := t.keeper(hash, part(birth), part(home), part(home))
		t.people[keeper]++
		if t.routing == ByCare {
			for p, v := range visited {
				t.kept[p] += v
			}
		} else {
			t.kept[keeper] += total
		}
		switch {
		case t.routing == ByResidence && keeper != part(birth), t.routing == ByCare && (len(visited) > 1 || visited[part(birth)] != total):
			t.listed++
		}
	}
}

// keeper says which partition takes a record.
func (t *tally) keeper(hash, birth, home, at int) int {
	switch t.routing {
	case ByHash:
		return hash
	case ByBirth:
		return birth
	case ByResidence:
		return home
	}
	return at
}

// visit counts the records that a visit at a place writes, and the reading of the person's record there.
func (t *tally) visit(keeper, at int, visited map[int]int) {
	t.wrote[keeper]++
	t.writes++
	t.reads++
	if keeper != at {
		t.awayW++
	}
	if t.routing != ByCare {
		t.fanned++
		if keeper != at {
			t.awayR++
		}
		return
	}
	t.fanned += len(visited)
	if len(visited) > 1 {
		t.several++
		t.awayR++
	}
}

func (n *country) result(t *tally) Result {
	const second = 365 * 24 * 3600
	each := float64(n.Nation) / float64(n.People)
	share := func(part, of int) float64 { return float64(part) / float64(max(of, 1)) }
	r := Result{
		Routing: t.routing, AwayWrites: share(t.awayW, t.writes), AwayReads: share(t.awayR, t.reads),
		Several: share(t.several, t.reads), Fan: share(t.fanned, t.reads), Listed: share(t.listed, n.People),
		Carried: float64(t.carried) * each * n.Resources / second,
	}
	for i, name := range n.parts {
		p := Part{
			Name: name, People: float64(t.people[i]) * each, Resources: float64(t.kept[i]) * each * n.Resources,
			Mean: float64(t.wrote[i]) * each * n.Resources / second,
		}
		p.Peak = p.Mean * n.Peak
		p.Behind = p.Mean * n.Outage * 3600
		p.CatchUp = math.Inf(1)
		if spare := n.Capacity - p.Mean; spare > 0 {
			p.CatchUp = p.Behind / spare / 3600
		}
		p.Rebuild = p.Resources / n.Replay / 3600
		r.Parts = append(r.Parts, p)
	}
	slices.SortStableFunc(r.Parts, func(a, b Part) int { return cmp.Compare(b.Mean, a.Mean) })
	return r
}

// poisson draws how many of rare events with this mean happen (Knuth).
func poisson(r *rand.Rand, mean float64) int {
	limit, product, n := math.Exp(-mean), r.Float64(), 0
	for product > limit {
		product *= r.Float64()
		n++
	}
	return n
}
