package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/lienthong/lienthong/fhir"
)

// Entry is what is kept of one interaction: a line of the journal, as JSON.
type Entry struct {
	At      time.Time `json:"at"`
	Do      string    `json:"do"`                // interaction: a code of http://hl7.org/fhir/restful-interaction, or operation
	On      string    `json:"on,omitempty"`      // what the request named: type, type/id, or the operation
	Agent   Agent     `json:"agent"`             // who asked
	Query   string    `json:"query,omitempty"`   // search parameters, values masked
	Gave    []string  `json:"gave,omitempty"`    // versions that were shown: Patient/1/_history/3
	Wrote   []string  `json:"wrote,omitempty"`   // versions that were written
	People  []string  `json:"people,omitempty"`  // ids of the Patients whom Gave, Wrote and Tried are about, and of those who were counted
	Met     []string  `json:"met,omitempty"`     // of People: who was not known to the agent's organization before, and showed a card
	Status  int       `json:"status,omitempty"`  // of the answer; 0 = of a commit, which is there, so it succeeded
	Request string    `json:"request,omitempty"` // X-Request-Id, or one of ours
	T       fhir.T    `json:"t,omitempty"`       // the commit that wrote
	Part    int       `json:"part,omitempty"`    // of an answer that was told in several entries, from 1
	Tried   []string  `json:"tried,omitempty"`   // what entries of a bundle named and were refused: Patient/1
	SHA256  string    `json:"sha256,omitempty"`  // of what was given out as a file of evidence, lower-case hex
}

// Agent is who asked, as far as it was established.
type Agent struct {
	Who          string `json:"who,omitempty"` // client_id of a system, sub of a person; masked where it is a citizen's
	Issuer       string `json:"iss,omitempty"`
	Role         string `json:"role,omitempty"`
	System       bool   `json:"system,omitempty"`
	Organization string `json:"org,omitempty"`
	Practitioner string `json:"practitioner,omitempty"`
	Patient      string `json:"patient,omitempty"`
	Purpose      string `json:"purpose,omitempty"`
	BreakGlass   string `json:"glass,omitempty"` // the reason
	Address      string `json:"from,omitempty"`
}

// lineMax bounds a line; a page of search has at most some thousands of versions in it.
const lineMax = 8 << 20

// appendLine appends the entry without an end of line.
func (e *Entry) appendLine(b []byte) ([]byte, error) {
	from := len(b)
	b, err := e.appendJSON(b)
	if err == nil && len(b)-from > lineMax {
		err = fmt.Errorf("audit entry of %d bytes", len(b)-from)
	}
	return b, err
}

// parseLine reads a line of the journal.
func parseLine(line []byte) (e Entry, err error) {
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("not a line of the audit journal: %w", err)
	}
	return e, nil
}
