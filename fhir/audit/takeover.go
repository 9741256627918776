package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// takeOver adds the line of a commit's entry, if it has one: that of its record, with what the commit wrote.
func (l *lines) takeOver(c *store.Commit) (err error) {
	for i := range c.Records {
		if !isEntry(c.Records[i].Space) {
			continue
		}
		wrote := wroteOf(c)
		if l.one, err = wrote.appendTo(append(l.one[:0], 0), c.Records[i].Value); err == nil && len(l.one) > lineMax {
			err = fmt.Errorf("audit entry of %d bytes", len(l.one))
		}
		if err != nil {
			return fmt.Errorf("commit %d: %w", c.T, err)
		}
		l.add(c.T)
		return nil
	}
	return nil
}

// wrote is what the record of an entry does not tell, since the commit does.
type wrote struct {
	t        fhir.T
	versions []string
	people   []string
}

func wroteOf(c *store.Commit) wrote {
	w := wrote{t: c.T, versions: make([]string, 0, len(c.Writes))}
	for i := range c.Writes {
		f := &c.Writes[i]
		w.versions = append(w.versions, versionName(f.Key, f.Version))
		for _, id := range f.Subjects {
			if !slices.Contains(w.people, string(id)) {
				w.people = append(w.people, string(id))
			}
		}
	}
	return w
}

// appendTo appends a record's line with the members that are missing in it, each in the place where Entry.appendJSON has
// it. A line that already has one of them is taken apart and made anew.
func (w *wrote) appendTo(b, line []byte) ([]byte, error) {
	body, ended := bytes.CutSuffix(line, []byte("}"))
	if !ended || slices.ContainsFunc(afterQuery, func(member []byte) bool { return bytes.Contains(body, member) }) {
		e, err := parseLine(line)
		if err != nil {
			return b, err
		}
		e.T, e.Wrote = w.t, append(e.Wrote, w.versions...)
		for _, id := range w.people {
			if !slices.Contains(e.People, id) {
				e.People = append(e.People, id)
			}
		}
		return e.appendJSON(b)
	}
	at := bytes.Index(body, memberMet)
	if at < 0 {
		at = bytes.Index(body, memberRequest)
	}
	if at < 0 {
		at = len(body)
	}
	b = append(b, body[:at]...)
	b = appendList(b, `,"wrote":[`, w.versions)
	b = appendList(b, `,"people":[`, w.people)
	b = append(b, body[at:]...)
	b = strconv.AppendUint(append(b, `,"t":`...), uint64(w.t), 10)
	return append(b, '}'), nil
}

// Members of a line by how they begin. Nothing else in it reads so: inside of a string a quote has a backslash before it.
var (
	memberMet     = []byte(`,"met":[`)
	memberRequest = []byte(`,"request":"`)
	// afterQuery are those that the record of a commit does not have.
	afterQuery = [][]byte{
		[]byte(`,"gave":[`), []byte(`,"wrote":[`), []byte(`,"people":[`), []byte(`,"status":`),
		[]byte(`,"t":`), []byte(`,"part":`), []byte(`,"tried":[`), []byte(`,"sha256":"`),
	}
)
