package immunization

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Set is the schedules that an installation works with: several programmes (the id), each in one or more versions of which
// at most one is in force on a day. It is read only and safe for concurrent use.
type Set struct {
	schedules []*Schedule // by id, then effectiveFrom
	groups    map[string]int
	live      map[string]bool
	antigens  map[string][]string // by CVX

	contraindications []*Contraindication
}

// largestFile is the size of a schedule file at most; the national one has 5 kB.
const largestFile = 1 << 20

// Standard is the set of the national schedule alone.
var Standard = sync.OnceValue(func() *Set {
	s, err := NewSet(National())
	if err != nil {
		panic("immunization: " + err.Error())
	}
	return s
})

// NewSet puts schedules together, with the standard contraindications. Two versions of one programme must not be in force on
// the same day.
func NewSet(schedules ...*Schedule) (*Set, error) {
	return newSet(StandardContraindications(), schedules)
}

func newSet(c *Contraindications, schedules []*Schedule) (*Set, error) {
	s := &Set{schedules: slices.Clone(schedules)}
	slices.SortStableFunc(s.schedules, func(a, b *Schedule) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.EffectiveFrom, b.EffectiveFrom))
	})
	for i := 1; i < len(s.schedules); i++ {
		a, b := s.schedules[i-1], s.schedules[i]
		if a.ID == b.ID && (a.EffectiveTo == "" || a.EffectiveTo > b.EffectiveFrom || a.Version == b.Version) {
			return nil, fmt.Errorf("schedules %s and %s are in force on the same day, or are the same version", a.Canonical(), b.Canonical())
		}
	}
	s.group()
	s.contraindicate(c)
	return s, nil
}

// contraindicate gathers the contraindications and antigens of all files. What two files say of a product is joined.
func (s *Set) contraindicate(c *Contraindications) {
	s.antigens = map[string][]string{}
	add := func(antigens map[string][]string, rules []Contraindication) {
		for cvx, list := range antigens {
			for _, a := range list {
				if !slices.Contains(s.antigens[cvx], a) {
					s.antigens[cvx] = append(slices.Clip(s.antigens[cvx]), a)
				}
			}
		}
		for i := range rules {
			s.contraindications = append(s.contraindications, &rules[i])
		}
	}
	add(c.Antigens, c.Rules)
	for _, schedule := range s.schedules {
		add(schedule.Antigens, schedule.Contraindications)
	}
}

// ContraindicationsFile is the file of a folder of schedules that stands in the place of the standard contraindications.
const ContraindicationsFile = "contraindications.json"

// LoadSet reads the national schedule and the files *.json of a folder; "" is no folder. A file of the national schedule's
// id and version stands in its place, and ContraindicationsFile in that of the standard contraindications.
func LoadSet(dir string) (*Set, error) {
	all := []*Schedule{National()}
	if dir == "" {
		return NewSet(all...)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	var faults []error
	against := StandardContraindications()
	for _, name := range files {
		if filepath.Base(name) == ContraindicationsFile {
			raw, err := readFile(name)
			if err == nil {
				against, err = ParseContraindications(raw)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", filepath.Base(name), err))
			}
			continue
		}
		var s *Schedule
		raw, err := readFile(name)
		if err == nil {
			s, err = Parse(raw)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", filepath.Base(name), err))
			continue
		}
		if s.Canonical() == National().Canonical() {
			all[0] = s
			continue
		}
		all = append(all, s)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return newSet(against, all)
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > largestFile {
		return nil, fmt.Errorf("the file has %d bytes, more than %d", info.Size(), largestFile)
	}
	return os.ReadFile(name)
}

// All gives every schedule, by id and then by the day from which it holds.
func (s *Set) All() []*Schedule { return slices.Clone(s.schedules) }

// On gives the schedules that hold on a day, one for each programme. A programme whose first version begins only later is
// given with that version and named in early: before the circular the same doses were given, and no answer would help
// nobody. One whose last version has ended is over and not given.
func (s *Set) On(day time.Time) (in, early []*Schedule) {
	for i, c := range s.schedules {
		switch {
		case c.InForce(day):
			in = append(in, c)
		case (i == 0 || s.schedules[i-1].ID != c.ID) && day.Format(time.DateOnly) < c.EffectiveFrom && c.EffectiveTo == "":
			in, early = append(in, c), append(early, c)
		}
	}
	return in, early
}

// Known says whether any series of any schedule takes the product.
func (s *Set) Known(cvx string) bool { _, ok := s.groups[cvx]; return ok }

// Group gives the vaccine group of a product: two products are of one group if one series takes both, or if a third links
// them. false for a product that no series takes.
func (s *Set) Group(cvx string) (int, bool) { g, ok := s.groups[cvx]; return g, ok }

// group joins the products of each series, and notes which are live.
func (s *Set) group() {
	s.groups, s.live = map[string]int{}, map[string]bool{}
	for _, cvx := range otherLive {
		s.live[cvx] = true
	}
	for _, schedule := range s.schedules {
		for i := range schedule.Series {
			series := &schedule.Series[i]
			if series.Live && !series.Oral {
				for _, cvx := range slices.Concat(series.CVX, series.AlsoCounts) {
					s.live[cvx] = true
				}
			}
			all := slices.Concat(series.CVX, series.AlsoCounts)
			g := len(s.groups) + 1
			for _, cvx := range all {
				if have, ok := s.groups[cvx]; ok {
					g = min(g, have)
				}
			}
			for _, cvx := range all {
				if have, ok := s.groups[cvx]; ok && have != g {
					for other, was := range s.groups {
						if was == have {
							s.groups[other] = g
						}
					}
				}
				s.groups[cvx] = g
			}
		}
	}
}

// Live says whether a product is a parenteral live vaccine: by the schedules, or by the list of those that none has.
func (s *Set) Live(cvx string) bool { return s.live[cvx] }

// otherLive are parenteral live vaccines that the national programme does not have but that keep its live vaccines apart:
// 06 rubella, 07 mumps, 21 varicella, 37 and 183 yellow fever, 38 rubella and mumps, 94 MMRV, 121 zoster.
// Source: CVX code set (CDC), with the kind of vaccine from the WHO position papers.
var otherLive = []string{"06", "07", "21", "37", "38", "94", "121", "183"}
