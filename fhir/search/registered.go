package search

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

// Records of added search parameters, in the space RegisteredSpace:
//
//	state   -> Registrations: changes with every change of a definition, so that a commit can demand that none came between
//	p/2048  -> Registered: the parameter with that number; it stays, marked, when the parameter is gone
//
// They are part of the log, so that every engine derived from it knows the same parameters by the same numbers.
const (
	RegisteredSpace = "search-parameter"
	RegisteredState = "state"
	RegisteredFrom  = "p/" // keys of parameters are from here …
	RegisteredTo    = "p0" // … to here
)

// Registrations is the row RegisteredState. Numbers below Next have been given out; none is given out again.
type Registrations struct {
	Generation uint64 `json:"generation"`
	Next       uint16 `json:"next"`
}

// Registered is an added parameter and the SearchParameter resource that defines it.
type Registered struct {
	Resource fhir.ID
	Param    *r4.SearchParam
	Dropped  bool // no longer in force: rows with its number are to go
}

type registeredRow struct {
	Resource   fhir.ID               `json:"resource"`
	Dropped    bool                  `json:"dropped,omitempty"`
	Number     uint16                `json:"number"`
	Code       string                `json:"code"`
	Base       fhir.Type             `json:"base"`
	URL        string                `json:"url"`
	Type       string                `json:"type"`
	Expression string                `json:"expression"`
	Targets    []fhir.Type           `json:"targets,omitempty"`
	Components []registeredComponent `json:"components,omitempty"`
}

type registeredComponent struct {
	Number     uint16 `json:"number"`
	Expression string `json:"expression"`
}

// Key is the key of the record.
func (g Registered) Key() string { return fmt.Sprintf("%s%d", RegisteredFrom, g.Param.ID) }

// Value is the value of the record.
func (g Registered) Value() []byte {
	p := g.Param
	row := registeredRow{Resource: g.Resource, Dropped: g.Dropped, Number: p.ID, Code: p.Code, Base: p.Base, URL: p.URL,
		Type: p.Type.String(), Expression: p.Expression, Targets: p.Targets}
	for _, c := range p.Components {
		row.Components = append(row.Components, registeredComponent{c.Param.ID, c.Expression})
	}
	b, err := json.Marshal(row)
	if err != nil {
		panic("search: a record of texts and numbers is not JSON: " + err.Error())
	}
	return b
}

// ReadRegistered reads the value of a record.
func ReadRegistered(value []byte) (Registered, error) {
	var row registeredRow
	if err := json.Unmarshal(value, &row); err != nil {
		return Registered{}, fmt.Errorf("record of a search parameter: %w", err)
	}
	p := &r4.SearchParam{ID: row.Number, Code: row.Code, Base: row.Base, URL: row.URL, Type: customKinds[row.Type],
		Expression: row.Expression, Targets: row.Targets}
	if p.Type == 0 || p.ID < r4.FirstCustom || p.ID > r4.LastCustom {
		return Registered{}, errors.New("record of a search parameter: unknown type or number")
	}
	for _, c := range row.Components {
		of := r4.ParamByID(c.Number)
		if of == nil {
			return Registered{}, fmt.Errorf("record of search parameter %d: no component %d", p.ID, c.Number)
		}
		p.Components = append(p.Components, r4.Component{Param: of, Expression: c.Expression})
	}
	return Registered{Resource: row.Resource, Param: p, Dropped: row.Dropped}, nil
}

// InForce gives the registry of the parameters that were not dropped.
func InForce(all []Registered) (*r4.Registry, error) {
	var list []*r4.SearchParam
	for _, g := range all {
		if !g.Dropped {
			list = append(list, g.Param)
		}
	}
	if list == nil {
		return nil, nil
	}
	return (*r4.Registry)(nil).With(list)
}

// SameParam says whether both find the same: their numbers aside.
func SameParam(a, b *r4.SearchParam) bool {
	return a.Code == b.Code && a.Base == b.Base && a.URL == b.URL && a.Type == b.Type && a.Expression == b.Expression &&
		slices.Equal(a.Targets, b.Targets) && slices.Equal(a.Components, b.Components)
}

// Number is the number of the parameter, without what tells its variants.
func (p ParamID) Number() uint16 { return uint16(p &^ (ParamDetail | ParamAside | ParamTyped)) }

// AddedParams gives the numbers of the added parameters that q asks for, in any order.
func (q Query) AddedParams() []uint16 {
	var a addedParams
	a.query(q)
	return a
}

type addedParams []uint16

func (a *addedParams) add(p ParamID) {
	if n := p.Number(); n >= r4.FirstCustom && !slices.Contains(*a, n) {
		*a = append(*a, n)
	}
}

func (a *addedParams) query(q Query) {
	a.conditions(q.Where)
	for _, s := range q.Sort {
		a.add(s.Param)
	}
	for _, i := range q.Include {
		a.add(i.Param)
	}
	if q.Besides != nil {
		a.query(*q.Besides)
	}
}

func (a *addedParams) conditions(list []Condition) {
	for _, c := range list {
		switch c := c.(type) {
		case Terms:
			for _, t := range c.Any {
				a.add(t.Param)
			}
		case Chain:
			a.add(c.Param)
			for _, q := range slices.Concat(c.Targets, c.Within) {
				a.query(q)
			}
		case Has:
			a.add(c.Param)
			a.query(c.Source)
		case Not:
			a.conditions([]Condition{c.Condition})
		case All:
			a.conditions(c.Of)
		case Either:
			a.conditions(c.Of)
		}
	}
}
