package mapping_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each archive holds a Claim, what it refers to, and what must come of it: the tables and the report of all findings.
func TestClaims(t *testing.T) {
	files, err := filepath.Glob("testdata/claims/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := shelf{}
			var claim resource.Value
			for _, f := range a.Files {
				name, isJSON := strings.CutSuffix(f.Name, ".json")
				if !isJSON {
					continue
				}
				v := s.put(t, name[strings.IndexByte(name, '/')+1:], f.Data)
				if v.ResourceType() == "Claim" {
					claim = v
				}
			}
			c := fromFHIR(t, s, claim, mapping.Options{Version: 3, Reason: "bổ sung thuốc"})
			changed := false
			for i, f := range a.Files {
				got, ok := output(c, f.Name)
				if !ok || got == string(f.Data) {
					continue
				}
				if !*update {
					t.Errorf("%s is now\n%s", f.Name, got)
				}
				a.Files[i].Data, changed = []byte(got), true
			}
			if changed && *update {
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func output(c mapping.Claim, name string) (string, bool) {
	if name == "report.txt" {
		var b strings.Builder
		for _, f := range append(c.Findings, hoso.CheckEpisode(nil, c.HoSo, hoso.CheckOptions{})...) {
			level := map[fhir.Severity]string{fhir.SeverityError: "error", fhir.SeverityWarning: "warning"}[f.Severity]
			fmt.Fprintf(&b, "%-7s %-7s %s: %s %s\n", level, f.Rule, f.Path(), f.EN, f.Element)
		}
		return strings.ReplaceAll(b.String(), " \n", "\n"), true
	}
	id, ok := hoso.ParseID(strings.ToUpper(strings.TrimSuffix(name, ".xml")))
	if !ok {
		return "", false
	}
	return string(c.HoSo.Table(id).AppendXML(nil)), true
}

func FuzzFromFHIR(f *testing.F) {
	bundles, err := filepath.Glob("testdata/claims/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range bundles {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := resource.Parse(raw, resource.Limits{Bytes: 1 << 20})
		if err != nil {
			return
		}
		// The document stands for everything that it refers to, too.
		s := shelf{}
		for ref := range d.Root().Strings("reference") {
			if at := fhir.ParseReference(ref.Text()); at.Key.ID != "" {
				s[at.Key] = d
			}
		}
		c, err := mapping.FromFHIR(ours(t.Context()), s, d.Root(), mapping.Options{Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		hoso.CheckEpisode(nil, c.HoSo, hoso.CheckOptions{})
		file := hoso.File{MaCSKCB: c.MaCSKCB, HoSo: []hoso.HoSo{c.HoSo}}
		if _, err := hoso.Decode(file.Encode(), hoso.DefaultLimits()); err != nil {
			t.Fatalf("the file made of it cannot be read: %v", err)
		}
		bundle, err := mapping.Episode(c.HoSo, mapping.EpisodeOptions{})
		if err != nil {
			return
		}
		if _, err := resource.New(bundle); err != nil {
			t.Fatalf("the transaction made of it cannot be read: %v\n%s", err, bundle)
		}
	})
}
