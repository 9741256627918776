package registry

import "encoding/json"

// tally is the sum of the rows of persons who live in one commune and were born in one year.
type tally struct {
	People  int               `json:"n,omitempty"`
	Unknown int               `json:"x,omitempty"` // who cannot be judged; not among People
	Series  map[string]*count `json:"s,omitempty"`
}

// count is the sum over one series.
type count struct {
	Given  []int          `json:"v,omitempty"` // [i]: who has at least i+1 valid doses
	Timely []int          `json:"t,omitempty"` // [i]: whose dose i+1 was given before it was overdue by age
	State  map[string]int `json:"f,omitempty"` // by forecast.State: due, overdue, contraindicated, immune
}

// add puts a row on the tally n times; -1 takes it off.
func (t *tally) add(r *row, n int) {
	if r.Unknown {
		t.Unknown += n
		return
	}
	t.People += n
	for _, s := range r.Series {
		if s.Given == 0 && s.State == "" {
			continue
		}
		c := t.of(s.Series)
		for i := range s.Given {
			c.Given = bump(c.Given, i, n)
		}
		for _, number := range s.Timely {
			c.Timely = bump(c.Timely, number-1, n)
		}
		if s.State != "" {
			if c.State == nil {
				c.State = map[string]int{}
			}
			if c.State[s.State] += n; c.State[s.State] == 0 {
				delete(c.State, s.State)
			}
		}
		if len(c.Given) == 0 && len(c.Timely) == 0 && len(c.State) == 0 {
			delete(t.Series, s.Series)
		}
	}
}

func (t *tally) of(series string) *count {
	c := t.Series[series]
	if c == nil {
		if t.Series == nil {
			t.Series = map[string]*count{}
		}
		c = &count{}
		t.Series[series] = c
	}
	return c
}

// bump adds to a place of a list that has no zeros at its end, so that equal sums are written equally.
func bump(list []int, at, n int) []int {
	if missing := at + 1 - len(list); missing > 0 {
		list = append(list, make([]int, missing)...)
	}
	list[at] += n
	for len(list) > 0 && list[len(list)-1] == 0 {
		list = list[:len(list)-1]
	}
	return list
}

// plus adds another tally.
func (t *tally) plus(o *tally) {
	t.People += o.People
	t.Unknown += o.Unknown
	for name, oc := range o.Series {
		c := t.of(name)
		for i, n := range oc.Given {
			c.Given = bump(c.Given, i, n)
		}
		for i, n := range oc.Timely {
			c.Timely = bump(c.Timely, i, n)
		}
		for state, n := range oc.State {
			if c.State == nil {
				c.State = map[string]int{}
			}
			c.State[state] += n
		}
	}
}

// encode gives the tally as a record; nil if it counts nobody.
func (t *tally) encode() []byte {
	if t.People == 0 && t.Unknown == 0 && len(t.Series) == 0 {
		return nil
	}
	raw, err := json.Marshal(t)
	if err != nil {
		panic("registry: a tally cannot be written: " + err.Error()) // it has texts and numbers alone
	}
	return raw
}

func (c *count) at(list []int, number int) int {
	if c == nil || number < 1 || number > len(list) {
		return 0
	}
	return list[number-1]
}

// given is how many have at least so many valid doses, timely how many got that dose in time.
func (c *count) given(number int) int {
	if c == nil {
		return 0
	}
	return c.at(c.Given, number)
}

func (c *count) timely(number int) int {
	if c == nil {
		return 0
	}
	return c.at(c.Timely, number)
}

func (c *count) state(name string) int {
	if c == nil {
		return 0
	}
	return c.State[name]
}
