// Package cmd_test holds the walls of the house as a test: which room may import which.
package cmd_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lienthong/lienthong"

// lattice lists each room from the ground up. What stands behind "->" is what the room stands on directly; it may also
// import whatever those stand on. A room that is not listed has no place: give it one here, with the reason in the commit.
const lattice = `
fhir                    ->
fhir/resource           -> fhir
fhir/r4                 -> fhir
fhir/r4/gen             -> fhir/r4
fhir/outcome            -> fhir/resource
fhir/wording            -> fhir/outcome
fhir/fhirpath           -> fhir/r4 fhir/resource
fhir/terminology        -> fhir/r4 fhir/resource
fhir/terminology/gen    -> fhir/terminology
fhir/walk               -> fhir/fhirpath fhir/terminology
fhir/search             -> fhir/walk
fhir/search/gen         -> fhir/search
fhir/search/index       -> fhir/search
fhir/search/searchtest  -> fhir/search fhir/search/index
fhir/store              -> fhir/search
fhir/store/sealed       -> fhir
fhir/store/commitlog    -> fhir/store
fhir/store/commitlog/embedded -> fhir/store/commitlog
fhir/store/commitlog/logtest  -> fhir/store/commitlog
fhir/store/commitlog/mongodb  -> fhir/store/commitlog
fhir/store/commitlog/mongodb/ferretdbtest -> fhir/store/commitlog/mongodb
fhir/store/commitlog/mongodb/ferretdbtest/serve -> fhir/store/commitlog/mongodb/ferretdbtest
fhir/store/engine       -> fhir/store fhir/store/sealed fhir/store/commitlog fhir/store/commitlog/embedded
fhir/store/engine/enginetest -> fhir/store/engine fhir/store/commitlog/mongodb fhir/search/index
fhir/store/storetest    -> fhir/store
fhir/setting            ->
fhir/access             -> fhir/store fhir/outcome fhir/setting
fhir/audit              -> fhir/access fhir/outcome
fhir/access/accesstest  -> fhir/access
fhir/jwt                -> fhir
fhir/smart              -> fhir/access fhir/jwt
fhir/openid             -> fhir/access fhir/jwt
fhir/openid/openidtest  -> fhir/openid
fhir/signin             -> fhir/openid fhir/outcome
fhir/authentication     -> fhir/smart fhir/openid fhir/signin
fhir/identity           -> fhir/store
fhir/immunization       -> fhir/resource
fhir/immunization/gen   -> fhir/immunization
fhir/immunization/forecast -> fhir/immunization
fhir/immunization/forecast/gen -> fhir/immunization/forecast
fhir/immunization/history -> fhir/immunization/forecast fhir/outcome
fhir/interaction        -> fhir/store fhir/search/index fhir/outcome
fhir/operation          -> fhir/interaction fhir/identity fhir/immunization
fhir/operation/vaccination -> fhir/operation fhir/immunization/history
fhir/operation/patientsummary -> fhir/operation/vaccination
fhir/tabular            ->
fhir/printed            ->
fhir/mirror             -> fhir/store
fhir/registry           -> fhir/operation/vaccination fhir/tabular
fhir/registry/intake    -> fhir/registry fhir/wording
fhir/certificate        -> fhir/printed fhir/interaction fhir/identity fhir/immunization/history
fhir/certificate/page   -> fhir/certificate
fhir/certificate/scan   -> fhir
fhir/matching           -> fhir/interaction fhir/identity fhir/access
fhir/care               -> fhir/interaction fhir/identity fhir/access
fhir/facility           -> fhir/interaction fhir/identity fhir/access
fhir/rest               -> fhir/operation fhir/access fhir/wording
scheduler/cron          -> fhir
scheduler/lease         -> fhir/store
scheduler               -> scheduler/cron scheduler/lease
adapters/delivery       -> fhir/interaction fhir/wording scheduler
adapters/delivery/gen   -> adapters/delivery
adapters/reminder       -> fhir/registry fhir/access scheduler
adapters/bhxh           -> adapters/delivery adapters/bhxh/hoso adapters/bhxh/mapping adapters/bhxh/gateway adapters/bhxh/wire
adapters/bhxh/wire      -> fhir
adapters/bhxh/hoso      -> adapters/bhxh/wire fhir/wording
adapters/bhxh/hoso/gen  -> adapters/bhxh/hoso
adapters/bhxh/mapping   -> adapters/bhxh/hoso fhir/resource fhir/identity
adapters/bhxh/signature -> fhir
adapters/bhxh/precheck  -> adapters/bhxh/hoso adapters/bhxh/mapping
adapters/bhxh/gateway   -> adapters/bhxh/wire
adapters/bhxh/cases     -> adapters/delivery adapters/bhxh/mapping fhir/audit
adapters/bhxh/evidence  -> adapters/bhxh/cases fhir/printed
adapters/bhxh/reconciliation -> adapters/bhxh
adapters/bhxhmock       -> adapters/bhxh/wire fhir/setting
`

// outside names the one room that may import a library: whoever needs it elsewhere has found a seam that is missing.
var outside = table(`
codeberg.org/go-fonts -> fhir/printed
codeberg.org/go-pdf/fpdf -> fhir/printed fhir/certificate adapters/bhxh/evidence
github.com/alecthomas/kong -> cmd/lienthong
github.com/cockroachdb/pebble -> fhir/store/sealed fhir/store/engine fhir/store/commitlog/embedded cmd/lienthong/bench
github.com/evanphx/json-patch -> fhir/interaction
github.com/fxamacker/cbor -> fhir/certificate
github.com/gin-gonic/gin -> fhir/rest cmd/lienthong/bench
github.com/go-jose/go-jose -> fhir/certificate fhir/jwt
github.com/goccy/go-yaml -> fhir/setting fhir/access/accesstest cmd/lienthong
github.com/hashicorp/vault/api -> fhir/store/sealed
github.com/makiuchi-d/gozxing -> fhir/certificate/scan
github.com/prometheus/client_golang -> cmd/lienthong/metrics
github.com/robfig/cron -> scheduler scheduler/cron
github.com/samply/golang-fhir- -> fhir/resource fhir/identity fhir/immunization fhir/operation adapters/bhxh/mapping adapters/bhxh cmd/lienthong/synthetic
github.com/skip2/go-qrcode -> fhir/certificate
github.com/sony/gobreaker -> adapters/bhxh
github.com/tink-crypto/tink-go -> fhir/store/sealed
github.com/transparency-dev/merkle -> fhir/audit
github.com/veraison/go-cose -> fhir/certificate
github.com/wneessen/go-mail -> adapters/reminder
github.com/xuri/excelize -> adapters/bhxh/precheck adapters/bhxh/evidence fhir/tabular
go.mongodb.org/mongo-driver -> fhir/mirror fhir/store/commitlog/mongodb fhir/store/commitlog/mongodb/ferretdbtest
golang.org/x/mod -> fhir/audit
golang.org/x/oauth2 -> fhir/openid fhir/signin
`)

// table reads lines of "name -> what stands behind it".
func table(text string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		name, behind, _ := strings.Cut(line, "->")
		rows[strings.TrimSpace(name)] = strings.Fields(behind)
	}
	return rows
}

func TestRoomsImportOnlyWhatTheyStandOn(t *testing.T) {
	allowed := closure(t)
	root := ".."
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			if d != nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
				return fs.SkipDir
			}
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		room := path.Dir(filepath.ToSlash(rel))
		test := strings.HasSuffix(file, "_test.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, allowed, room, rel, name, test)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkImport reports an import that opens a wall. Tests may look down further than their room, but never up into cmd.
func checkImport(t *testing.T, allowed map[string][]string, room, file, name string, test bool) {
	inner, ours := strings.CutPrefix(name, module+"/")
	if !ours {
		for lib, rooms := range outside {
			if strings.HasPrefix(name, lib) && !test && !slices.Contains(rooms, room) {
				t.Errorf("%s imports %s: only %v may", file, name, rooms)
			}
		}
		return
	}
	if room == inner || strings.HasPrefix(room, "cmd/") || room == "cmd" {
		return
	}
	if strings.HasPrefix(inner, "cmd/") {
		t.Errorf("%s imports %s: nothing imports cmd", file, inner)
		return
	}
	stands, known := allowed[room]
	switch {
	case inner == "fhir/fhirtest" && test, room == "fhir/fhirtest":
	case !known:
		t.Errorf("%s: the room %s has no place in the lattice", file, room)
	case test, slices.Contains(stands, inner):
	default:
		t.Errorf("%s imports %s, which %s does not stand on", file, inner, room)
	}
}

// closure gives for each room all rooms below it.
func closure(t *testing.T) map[string][]string {
	direct := map[string][]string{}
	for line := range strings.Lines(lattice) {
		room, on, ok := strings.Cut(strings.TrimSpace(line), "->")
		if !ok {
			continue
		}
		room = strings.TrimSpace(room)
		for _, below := range strings.Fields(on) {
			if _, listed := direct[below]; !listed && !strings.HasPrefix(below, "adapters/bhxh/") {
				t.Fatalf("%s stands on %s, which is not above it in the list", room, below)
			}
		}
		direct[room] = strings.Fields(on)
	}
	all := map[string][]string{}
	var below func(room string, seen map[string]bool)
	below = func(room string, seen map[string]bool) {
		for _, b := range direct[room] {
			if !seen[b] {
				seen[b] = true
				below(b, seen)
			}
		}
	}
	for room := range direct {
		seen := map[string]bool{}
		below(room, seen)
		for b := range seen {
			all[room] = append(all[room], b)
		}
		if _, err := os.Stat(filepath.Join("..", room)); err != nil {
			t.Errorf("the lattice lists %s, which is not there", room)
		}
	}
	return all
}
