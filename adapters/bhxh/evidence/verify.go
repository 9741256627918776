package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Verified is what Verify found out.
type Verified struct {
	Manifest Manifest `json:"manifest"`
	Origin   string   `json:"origin"`   // name of the journal, of the server that gave the file out
	Lines    uint64   `json:"lines"`    // of the journal under the checkpoint
	Versions int      `json:"versions"` // in the file
	Traced   int      `json:"traced"`   // of these the lines of the journal show that they were written
	Withheld int      `json:"withheld"` // lines that are not shown
	Bodies   int      `json:"bodies"`   // what attempts sent and got
	Given    uint64   `json:"given"`    // line that says that the file was given out
	Faults   []string `json:"faults"`
}

// OK says whether everything holds.
func (v Verified) OK() bool { return len(v.Faults) == 0 }

func (v *Verified) fault(format string, args ...any) {
	v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
}

// maxWhole bounds the parts when they are read, all together: the file may be anybody's.
const maxWhole = 512 << 20

// Verify checks a file by the public keys of those who may have signed it, and nothing else. What does not hold is in Faults; the
// error says that it is no file of evidence at all.
func Verify(file []byte, public []string) (Verified, error) {
	v := Verified{Faults: []string{}}
	parts, err := unpack(file)
	if err != nil {
		return v, err
	}
	text, err := audit.OpenNote(parts[partHead], public)
	switch {
	case err != nil:
		v.fault("%s: %v", partHead, err)
	case text != headText(parts[partManifest]):
		v.fault("%s is not the one that was signed", partManifest)
	}
	if err := strictly(parts[partManifest], &v.Manifest); err != nil {
		v.fault("%s: %v", partManifest, err)
		return v, nil
	}
	if v.Manifest.Format != Format {
		v.fault("%s has the format %q; this program knows %s", partManifest, v.Manifest.Format, Format)
		return v, nil
	}
	if !asPacked(file, parts, v.Manifest.Exported) {
		v.fault("the file itself is not as it was given out: something was put before, between or behind its parts, or it was packed anew")
	}
	v.chain(parts)
	v.trail(parts, public)
	v.history(parts[partHistory])
	var c cases.Case
	if err := json.Unmarshal(parts[partCase], &c); err != nil {
		v.fault("%s: %v", partCase, err)
	} else if c.Claim != v.Manifest.Claim || c.MaLK != v.Manifest.MaLK || c.MaCSKCB != v.Manifest.MaCSKCB {
		v.fault("%s is about another claim than %s", partCase, partManifest)
	}
	v.attempts(c, parts)
	return v, nil
}

// attempts holds each body against the hash that its attempt was recorded with.
func (v *Verified) attempts(c cases.Case, parts map[string][]byte) {
	left := map[string]bool{}
	for name := range parts {
		if isBody.MatchString(name) {
			left[name] = true
		}
	}
	for _, of := range c.Versions {
		for _, a := range of.Attempts {
			for p, hash := range map[delivery.Part]string{delivery.Request: a.FileSHA256, delivery.Reply: a.ReplySHA256} {
				name := bodyName(of.Version, a.N, p)
				if !left[name] {
					continue
				}
				delete(left, name)
				v.Bodies++
				if hashOf(parts[name]) != hash {
					v.fault("%s is not what the attempt was recorded with", name)
				}
			}
		}
	}
	for name := range left {
		v.fault("%s belongs to no attempt", name)
	}
}

// strictly reads JSON that has no other members than v.
func strictly(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something stands after its end")
	}
	return nil
}

// chain holds the parts against the manifest.
func (v *Verified) chain(parts map[string][]byte) {
	want := chain(parts)
	if len(v.Manifest.Files) != len(want) {
		v.fault("%s lists %d parts, there are %d", partManifest, len(v.Manifest.Files), len(want))
		return
	}
	for i, f := range v.Manifest.Files {
		if f.Name != want[i].Name || f.Bytes != want[i].Bytes || f.SHA256 != want[i].SHA256 {
			v.fault("%s is not the one that was listed", want[i].Name)
		}
		if f.Chain != want[i].Chain {
			v.fault("the chain breaks at %s", want[i].Name)
		}
	}
}

// trail holds the lines of the journal against its checkpoint, and the manifest against the lines.
func (v *Verified) trail(parts map[string][]byte, public []string) {
	var p audit.Proof
	if err := strictly(parts[partTrail], &p); err != nil {
		v.fault("%s: %v", partTrail, err)
		return
	}
	c, entries, err := p.Verify(public)
	if err != nil {
		v.fault("%s: %v", partTrail, err)
		return
	}
	v.Origin, v.Lines = c.Origin, c.Size
	head, given := hashOf(parts[partManifest]), 0
	lines := map[uint64]int{} // place in entries
	for i, l := range p.Lines {
		if _, twice := lines[l.Index]; twice {
			v.fault("%s: line %d stands there twice", partTrail, l.Index)
		}
		if e := entries[i]; l.Line != "" && e.SHA256 == head && e.On == v.Manifest.Claim+"/$evidence" && e.At.Equal(v.Manifest.Exported) && e.Agent == v.Manifest.For {
			v.Given = l.Index
			given++
			continue
		}
		lines[l.Index] = i
	}
	if given != 1 {
		v.fault("%s has no line that says that this file was given out", partTrail)
	}
	for _, w := range v.Manifest.Trail {
		i, ok := lines[w.Line]
		if !ok {
			v.fault("%s: line %d is not there, which wrote %s", partTrail, w.Line, strings.Join(w.Versions, ", "))
			continue
		}
		delete(lines, w.Line)
		if p.Lines[i].Line == "" {
			v.Withheld++
			continue
		}
		for _, name := range w.Versions {
			if !slices.Contains(entries[i].Wrote, name) {
				v.fault("line %d of the journal did not write %s", w.Line, name)
			}
		}
	}
	for index := range lines {
		v.fault("%s: line %d belongs to nothing here", partTrail, index)
	}
}

// history holds the versions in the file against those that the manifest traces.
func (v *Verified) history(raw []byte) {
	doc, err := resource.New(raw)
	if err != nil {
		v.fault("%s: %v", partHistory, err)
		return
	}
	told := map[string]bool{}
	for _, w := range v.Manifest.Trail {
		for _, name := range w.Versions {
			told[name] = true
		}
	}
	v.Traced = len(told)
	for _, name := range v.Manifest.Untraced {
		told[name] = true
	}
	for e := range doc.Root().Get("entry").Elements() {
		r := e.Get("resource")
		id, _ := r.ID()
		name := versionName(string(r.ResourceType()), id, r.Get("meta").Get("versionId").Text())
		v.Versions++
		if !told[name] {
			v.fault("%s has %s, which %s does not tell of", partHistory, name, partManifest)
		}
		delete(told, name)
	}
	for name := range told {
		v.fault("%s is not in %s", name, partHistory)
	}
}
