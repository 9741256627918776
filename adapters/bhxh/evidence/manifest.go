package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/audit"
)

// Format names the form of the file; a change of it is another name.
const Format = "lienthong-evidence/1"

// Names of the parts.
const (
	partCase     = "case.json"
	partFHIR     = "fhir.json"
	partHistory  = "history.json"
	partSheet    = "case.xlsx"
	partPDF      = "case.pdf"
	partManifest = "manifest.json"
	partHead     = "head.note"
	partTrail    = "trail.json"
)

// chained are the parts that the manifest lists, in the order of the chain.
var chained = []string{partCase, partFHIR, partHistory, partSheet, partPDF}

// Manifest is what the signature is about.
type Manifest struct {
	Format   string      `json:"format"`
	Claim    string      `json:"claim"` // Claim/id
	MaCSKCB  string      `json:"maCSKCB"`
	MaLK     string      `json:"maLK"`
	Exported time.Time   `json:"exported"`
	For      audit.Agent `json:"for"` // who asked for it
	Masked   bool        `json:"masked,omitempty"`
	Files    []File      `json:"files"`
	// Trail says which line of the journal wrote which versions of history.json.
	Trail []Wrote `json:"trail"`
	// Untraced are versions of history.json that no line tells of: they are older than the journal.
	Untraced []string `json:"untraced,omitempty"`
}

// File is a part.
type File struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	Chain  string `json:"chain"`
}

// Wrote is a line of the journal.
type Wrote struct {
	Line     uint64   `json:"line"`
	Versions []string `json:"versions"` // Claim/c1/_history/1
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// chain gives the parts with their hashes chained.
func chain(parts map[string][]byte) []File {
	var out []File
	last := hashOf([]byte(Format + "\n"))
	for _, name := range chained {
		f := File{Name: name, Bytes: len(parts[name]), SHA256: hashOf(parts[name])}
		last = hashOf(fmt.Appendf(nil, "%s\n%s  %d  %s\n", last, f.SHA256, f.Bytes, f.Name))
		f.Chain = last
		out = append(out, f)
	}
	return out
}

// headText is what is signed: the hash of the manifest.
func headText(manifest []byte) string { return Format + "\n" + hashOf(manifest) + "\n" }

// versionName is how the journal names a version.
func versionName(t, id, version string) string { return t + "/" + id + "/_history/" + version }

// resourceOf is a version's resource, Type/id.
func resourceOf(version string) string {
	r, _, _ := strings.Cut(version, "/_history/")
	return r
}
