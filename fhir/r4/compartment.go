package r4

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir"
)

//go:embed compartments_gen.txt
var compartmentsTable string

// membership is a row of the table of compartments: by compartment and type the codes of the reference parameters.
type membership struct{ compartment, of fhir.Type }

type compartmentSet struct {
	types  []fhir.Type // sorted, as the table is
	params map[membership][]string
}

// compartments reads the table at the first call.
var compartments = sync.OnceValue(func() *compartmentSet {
	set := &compartmentSet{params: make(map[membership][]string, 400)}
	for line := range rows(compartmentsTable) {
		c, rest, _ := strings.Cut(line, "\t")
		t, codes, _ := strings.Cut(rest, "\t")
		set.params[membership{fhir.Type(c), fhir.Type(t)}] = strings.Split(codes, ",")
		if n := len(set.types); n == 0 || set.types[n-1] != fhir.Type(c) {
			set.types = append(set.types, fhir.Type(c))
		}
	}
	return set
})

// Compartments gives the types that have a compartment, sorted: Device, Encounter, Patient, Practitioner, RelatedPerson.
// The caller must not change it.
func Compartments() []fhir.Type { return compartments().types }

// CompartmentParams gives the codes of the search parameters through which a resource of type t belongs to a compartment:
// ("Patient", "Observation") gives subject and performer; any of them pointing at the compartment's own resource is
// enough. It is nil where resources of type t are never in that compartment. The compartment's own resource always is,
// which needs no parameter; Patient has "link" besides.
func CompartmentParams(compartment, t fhir.Type) []string {
	return compartments().params[membership{compartment, t}]
}
