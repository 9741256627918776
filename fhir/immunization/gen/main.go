// Command gen makes the committed schedule from the facts of the field: the same JSON, checked and without blanks, and each note
// in Vietnamese too. The facts have their notes in English alone; a note without a translation is an error.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/resource"
)

//go:embed notes_vi.json
var notes []byte

func main() {
	in := flag.String("in", "", "schedule file")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := generate(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(in, out string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	made, err := translate(b.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(made, '\n'), 0o644)
}

// translate puts a note in Vietnamese behind each note of a schedule without blanks.
func translate(schedule []byte) ([]byte, error) {
	vi := map[string]string{}
	if err := json.Unmarshal(notes, &vi); err != nil {
		return nil, err
	}
	for note, text := range vi {
		schedule = bytes.ReplaceAll(schedule, member("note", note), append(append(member("note", note), ','), member("note_vi", text)...))
	}
	s, err := immunization.Parse(schedule)
	if err != nil {
		return nil, err
	}
	var faults []error
	need := func(note, vi string) {
		if note != "" && vi == "" {
			faults = append(faults, fmt.Errorf("the note %q is not in notes_vi.json", note))
		}
	}
	for _, series := range s.Series {
		need(series.Note, series.NoteVi)
		for _, d := range series.Doses {
			need(d.Note, d.NoteVi)
		}
	}
	return schedule, errors.Join(faults...)
}

// member is a member of a JSON object with a text.
func member(name, text string) []byte {
	return resource.AppendString([]byte(`"`+name+`":`), text)
}
