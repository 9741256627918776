package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
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

// always are the parts that each file has and the manifest lists, first in the order of the chain. After them come the bodies of
// the attempts, sorted by name.
var always = []string{partCase, partFHIR, partHistory, partSheet, partPDF}

// apart are those that the manifest cannot list.
var apart = []string{partManifest, partHead, partTrail}

// bodyName is the name of what an attempt sent or got: version of the Claim, number of the attempt, which of the two.
func bodyName(version uint64, n int, p delivery.Part) string {
	return fmt.Sprintf("attempts/%06d-%04d-%s", version, n, p)
}

var isBody = regexp.MustCompile(`^attempts/[0-9]{6,10}-[0-9]{4,6}-(request|reply)$`)

// maxBodies bounds the bodies in a file, in bytes all together; what is more is named in the manifest.
const maxBodies = 64 << 20

// chained are the parts that the manifest lists, in the order of the chain.
func chained(parts map[string][]byte) []string {
	var bodies []string
	for name := range parts {
		if isBody.MatchString(name) {
			bodies = append(bodies, name)
		}
	}
	slices.Sort(bodies)
	return slices.Concat(always, bodies)
}

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
	// Left are bodies of attempts that are kept and not in this file: it would have been too large.
	Left []string `json:"left,omitempty"`
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
	for _, name := range chained(parts) {
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
