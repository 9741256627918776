package intake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
)

//go:embed fields.json
var standard []byte

// Field is a column of the data set.
type Field struct {
	Name     string   `json:"name"`
	Vi       string   `json:"vi"`
	En       string   `json:"en"`
	Group    string   `json:"group"`
	Required bool     `json:"required"` // in each row
	Aliases  []string `json:"aliases"`
}

// Fields is the data set: which columns there are and how they can be headed.
type Fields struct {
	All    []Field
	byHead map[string]int
}

// Standard is the built-in data set.
var Standard = sync.OnceValue(func() *Fields {
	f, err := ParseFields(standard)
	if err != nil {
		panic("intake: the committed fields cannot be read: " + err.Error())
	}
	return f
})

// ParseFields reads a data set in the form of the built-in one. Names are the ones that this room knows; titles and aliases
// are open, and each must mean one field.
func ParseFields(raw []byte) (*Fields, error) {
	var in struct {
		Fields []Field `json:"fields"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	f := &Fields{All: in.Fields, byHead: map[string]int{}}
	for i, field := range f.All {
		if setters[field.Name] == nil {
			return nil, fmt.Errorf("fields: there is no field %q", field.Name)
		}
		for _, h := range append([]string{field.Name, field.Vi, field.En}, field.Aliases...) {
			if j, twice := f.byHead[folded(h)]; twice && j != i {
				return nil, fmt.Errorf("fields: %q means %s and %s", h, f.All[j].Name, field.Name)
			}
			f.byHead[folded(h)] = i
		}
	}
	return f, nil
}

// folded is a head without what people write differently.
func folded(head string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFC.String(strings.NewReplacer("*", " ", ":", " ", "_", " ").Replace(head)))), " ")
}

// Match gives the field of each column, nil for columns that are none. Errors: Kind Unprocessable, codes "intake-columns"
// (required ones are missing) and "intake-column-twice".
func (f *Fields) Match(head []string) ([]*Field, error) {
	out := make([]*Field, len(head))
	seen := map[string]bool{}
	for i, h := range head {
		n, ok := f.byHead[folded(h)]
		if !ok {
			continue
		}
		if out[i] = &f.All[n]; seen[out[i].Name] {
			return nil, fhir.Errorf(fhir.Unprocessable, "intake-column-twice", "", out[i].Vi)
		}
		seen[out[i].Name] = true
	}
	var missing []string
	for _, field := range f.All {
		if field.Required && !seen[field.Name] {
			missing = append(missing, field.Vi)
		}
	}
	if !seen["ma_vac_xin"] && !seen["ten_vac_xin"] {
		missing = append(missing, f.title("ma_vac_xin"))
	}
	if missing != nil {
		return nil, fhir.Errorf(fhir.Unprocessable, "intake-columns", "", strings.Join(missing, ", "))
	}
	return out, nil
}

func (f *Fields) title(name string) string {
	if n, ok := f.byHead[folded(name)]; ok {
		return f.All[n].Vi
	}
	return name
}
