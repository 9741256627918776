package synthetic

import (
	"bytes"
	"iter"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Bundle is one FHIR transaction, as a hospital or a station would push it.
type Bundle struct {
	Name  string   // what it is, for messages
	Proof fhir.Key // a resource that is there if and only if the bundle was loaded: transactions land whole
	Body  []byte
	// Sender is the Organization on whose behalf it is pushed; "" where it is nobody's in particular.
	Sender fhir.ID
}

// Stages is how many stages a population is loaded in: each refers to what those before it brought.
//
//	0  the facilities with their staff
//	1  the families with their vaccinations
//	2  the episodes with their claims
const Stages = 3

// Bundles yields the transactions of a stage. Within one, their order is open.
func (p *Population) Bundles(stage int) iter.Seq2[Bundle, error] {
	return func(yield func(Bundle, error) bool) {
		switch stage {
		case 0:
			yield(p.facilitiesBundle(), nil)
		case 1:
			for _, members := range p.Families {
				if !yield(p.familyBundle(members), nil) {
					return
				}
			}
		case 2:
			for _, e := range p.Episodes {
				if b, err := p.episodeBundle(e); !yield(b, err) {
					return
				}
			}
		}
	}
}

func (p *Population) facilitiesBundle() Bundle {
	var t transaction
	for _, f := range p.Facilities {
		t.put(p.organization(f))
	}
	for _, s := range p.Practitioners {
		t.put(p.practitioner(s))
		t.put(p.practitionerRole(s))
	}
	return t.bundle("cơ sở khám bệnh, chữa bệnh")
}

func (p *Population) familyBundle(members []*Citizen) Bundle {
	var t transaction
	for _, c := range members {
		t.put(p.patient(c))
		for _, parent := range []*Citizen{c.Mother, c.Father} {
			if parent != nil {
				t.put(p.relatedPerson(c, parent))
			}
		}
		for _, d := range c.Doses {
			t.put(p.immunization(c, d))
		}
	}
	return t.bundle("gia đình")
}

// episodeBundle is the episode as adapters/bhxh/mapping makes it, about people and places that are there, and the
// diagnosis as a Condition.
func (p *Population) episodeBundle(e Episode) (Bundle, error) {
	body, err := mapping.Episode(e.HoSo, mapping.EpisodeOptions{
		Systems: mapping.Systems{Base: strings.TrimSuffix(p.cfg.SID, "/sid/")}, ID: e.ID,
		Patient: "Patient/" + e.Citizen.ID, Provider: "Organization/" + FacilityID(e.Facility),
		Practitioner: func(number string) string { return "Practitioner/nvyt-" + number },
		Tag:          mapping.Tag{System: TagSystem, Code: TagCode, Display: TagDisplay},
	})
	if err != nil {
		return Bundle{}, err
	}
	condition := p.condition(e)
	const end = "]}" // of entry, and of the Bundle, whose last member it is
	body = append(bytes.TrimSuffix(body, []byte(end)), ',')
	body = append(resource.AppendJSON(body, entry(condition)), end...)
	return Bundle{Name: "đợt khám bệnh, chữa bệnh " + e.MaLK, Proof: e.Claim(), Body: body, Sender: fhir.ID(FacilityID(e.Facility))}, nil
}

// transaction collects resources with ids as PUT entries.
type transaction struct {
	first   fhir.Key
	entries list
}

// put adds a resource whose first members are resourceType and id.
func (t *transaction) put(resource object) {
	if t.entries == nil {
		t.first = keyOf(resource)
	}
	t.entries = append(t.entries, entry(resource))
}

func keyOf(resource object) fhir.Key {
	return fhir.Key{Type: fhir.Type(resource[1].(string)), ID: fhir.ID(resource[3].(string))}
}

// entry is a PUT of a resource.
func entry(resource object) object {
	return object{"resource", resource, "request", object{"method", "PUT", "url", keyOf(resource).String()}}
}

func (t *transaction) bundle(name string) Bundle {
	body := resource.AppendJSON(nil, object{"resourceType", "Bundle", "type", "transaction", "entry", t.entries})
	return Bundle{Name: name, Proof: t.first, Body: body}
}
