package registry

import (
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// contact is how somebody is reached, as far as the caller may know.
type contact struct {
	Patient  fhir.ID
	Name     string
	Birth    string
	Gender   string
	Phones   string
	Email    string
	Guardian string // of a child: name, what the person is to it, phones
	Address  string
	Commune  string
}

func contactOf(patient resource.Value) (c contact) {
	if id, ok := patient.ID(); ok {
		c.Patient = fhir.ID(id)
	}
	c.Name = nameOf(patient.Get("name"))
	c.Birth, c.Gender = patient.Get("birthDate").Text(), patient.Get("gender").Text()
	c.Phones, c.Email = telecom(patient.Get("telecom"))
	var guardians []string
	for g := range patient.Get("contact").Elements() {
		var parts []string
		name := nameOf(g.Get("name"))
		if name == "" { // it is an element of one name, not a list
			name = humanName(g.Get("name"))
		}
		kind := g.Get("relationship").At(0).Get("text").Text()
		phones, _ := telecom(g.Get("telecom"))
		for _, p := range []string{name, kind, phones} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		if parts != nil {
			guardians = append(guardians, strings.Join(parts, ", "))
		}
	}
	c.Guardian = strings.Join(guardians, "; ")
	_, c.Commune = commune(patient)
	c.Address = addressOf(patient)
	return c
}

// nameOf is the official name of a list, else the first.
func nameOf(names resource.Value) string {
	best := ""
	for n := range names.Elements() {
		if n.Kind() != resource.Object {
			continue
		}
		if text := humanName(n); text != "" && (best == "" || n.Get("use").Text() == "official") {
			best = text
		}
	}
	return best
}

func humanName(n resource.Value) string {
	if t := n.Get("text").Text(); t != "" {
		return t
	}
	parts := []string{}
	if f := n.Get("family").Text(); f != "" {
		parts = append(parts, f)
	}
	for g := range n.Get("given").Elements() {
		parts = append(parts, g.Text())
	}
	return strings.Join(parts, " ")
}

// telecom gives phones and the first e-mail address.
func telecom(list resource.Value) (phones, email string) {
	var all []string
	for t := range list.Elements() {
		value := t.Get("value").Text()
		if t.Get("use").Text() == "old" || value == "" {
			continue
		}
		switch t.Get("system").Text() {
		case "phone", "sms":
			all = append(all, value)
		case "email":
			if email == "" {
				email = value
			}
		}
	}
	return strings.Join(all, ", "), email
}

func addressOf(patient resource.Value) string {
	for a := range patient.Get("address").Elements() {
		if use := a.Get("use").Text(); use == "old" || use == "billing" {
			continue
		}
		if t := a.Get("text").Text(); t != "" {
			return t
		}
		var parts []string
		for l := range a.Get("line").Elements() {
			parts = append(parts, l.Text())
		}
		for _, name := range []string{"district", "city", "state"} {
			if t := a.Get(name).Text(); t != "" {
				parts = append(parts, t)
			}
		}
		return strings.Join(parts, ", ")
	}
	return ""
}
