package importing

import (
	"strings"
	"testing"
)

// What tells one store from another is what an import made there, not what it found, such as a facility that both know.
func TestTheWitnessIsWhatWasMadeLast(t *testing.T) {
	for _, c := range []struct {
		answers []string // status and place of each entry
		want    string
	}{
		{[]string{"200 Organization/cskcb-51901", "201 Patient/p1", "201 Claim/c1", "200 Coverage/v1"}, "Claim/c1"},
		{[]string{"201 Claim/c1", "422 "}, "Claim/c1"},
		{[]string{"200 Organization/cskcb-51901", "200 Claim/c1"}, "Claim/c1"},
		{[]string{"200 Organization/cskcb-51901", "304 "}, "Organization/cskcb-51901"},
		{[]string{"422 "}, ""},
	} {
		var entries []string
		for _, a := range c.answers {
			status, at, _ := strings.Cut(a, " ")
			entry := `{"response":{"status":"` + status + ` x"`
			if at != "" {
				entry += `,"location":"http://h/fhir/` + at + `/_history/1"`
			}
			entries = append(entries, entry+"}}")
		}
		v, err := readVerdict(&parcel{items: make([]item, len(c.answers))}, []byte(`{"resourceType":"Bundle","type":"transaction-response","entry":[`+strings.Join(entries, ",")+`]}`))
		if err != nil || v.witness != c.want {
			t.Errorf("%q: %q, %v; want %q", c.answers, v.witness, err, c.want)
		}
	}
}
