package terminology_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/terminology"
)

// naive is a second reading of HL7's definitions, straight from their JSON and as slow as it likes.
type naive struct {
	systems map[string]object
	sets    map[string]object
}

type object = map[string]any

func list(v any) []any { l, _ := v.([]any); return l }
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// definitions reads the bundles. What says a version of a later FHIR is the packager's, not R4's.
func definitions(t *testing.T) naive {
	dir := fhirtest.Data(t, "data", "fhir-r4")
	n := naive{map[string]object{}, map[string]object{}}
	for _, name := range []string{"valuesets", "v3-codesystems", "v2-tables"} {
		f, err := os.Open(dir + "/" + name + ".json.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var bundle object
		if err := json.NewDecoder(z).Decode(&bundle); err != nil {
			t.Fatal(err)
		}
		for _, e := range list(bundle["entry"]) {
			r := e.(object)["resource"].(object)
			if strings.HasPrefix(text(r["version"]), "5.") {
				continue
			}
			to := n.sets
			if r["resourceType"] == "CodeSystem" {
				to = n.systems
				if r["content"] == "not-present" || r["content"] == "supplement" {
					continue
				}
			}
			to[text(r["url"])] = r
		}
	}
	return n
}

// eachConcept calls f for each concept with the codes of its ancestors by nesting.
func eachConcept(concepts []any, above []string, f func(c object, above []string)) {
	for _, v := range concepts {
		c := v.(object)
		f(c, above)
		eachConcept(list(c["concept"]), append(slices.Clip(above), text(c["code"])), f)
	}
}

// subsumed gives for each code of a system all codes below it, itself included.
func subsumed(system object) map[string]map[string]bool {
	children := map[string]map[string]bool{}
	link := func(parent, child string) {
		if children[parent] == nil {
			children[parent] = map[string]bool{}
		}
		if child != "" {
			children[parent][child] = true
		}
	}
	eachConcept(list(system["concept"]), nil, func(c object, above []string) {
		link(text(c["code"]), "")
		if len(above) > 0 {
			link(above[len(above)-1], text(c["code"]))
		}
		for _, p := range list(c["property"]) {
			if p := p.(object); p["code"] == "child" {
				link(text(c["code"]), text(p["valueCode"]))
			}
		}
	})
	out := map[string]map[string]bool{}
	for code := range children {
		seen := map[string]bool{}
		var down func(string)
		down = func(c string) {
			if _, known := children[c]; known && !seen[c] {
				seen[c] = true
				for child := range children[c] {
					down(child)
				}
			}
		}
		down(code)
		out[code] = seen
	}
	return out
}

// codes of a set: "system|code"; "system|" stands for all of a system that is not carried.
func (n naive) expand(url string) (map[string]bool, error) {
	set := n.sets[url]
	if set == nil {
		return nil, fmt.Errorf("valueset-unknown")
	}
	compose, _ := set["compose"].(object)
	out := map[string]bool{}
	for _, i := range list(compose["include"]) {
		some, err := n.include(i.(object))
		if err != nil {
			return nil, err
		}
		maps.Copy(out, some)
	}
	for _, i := range list(compose["exclude"]) {
		some, err := n.include(i.(object))
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(out, func(k string, _ bool) bool { return some[k] })
	}
	return out, nil
}

func (n naive) include(i object) (map[string]bool, error) {
	var out map[string]bool
	if system := text(i["system"]); system != "" {
		out = map[string]bool{}
		switch s := n.systems[system]; {
		case i["concept"] != nil:
			for _, c := range list(i["concept"]) {
				out[system+"|"+text(c.(object)["code"])] = true
			}
		case s == nil && i["filter"] != nil:
			return nil, fmt.Errorf("codesystem-unknown")
		case s == nil:
			out[system+"|"] = true
		default:
			eachConcept(list(s["concept"]), nil, func(c object, _ []string) { out[system+"|"+text(c["code"])] = true })
			for _, f := range list(i["filter"]) {
				pass, err := n.filter(s, f.(object))
				if err != nil {
					return nil, err
				}
				maps.DeleteFunc(out, func(k string, _ bool) bool { return !pass[strings.TrimPrefix(k, system+"|")] })
			}
		}
	}
	for _, u := range list(i["valueSet"]) {
		some, err := n.expand(text(u))
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = some
		} else {
			maps.DeleteFunc(out, func(k string, _ bool) bool { return !some[k] })
		}
	}
	return out, nil
}

func (n naive) filter(system, f object) (map[string]bool, error) {
	below := subsumed(system)
	of, pass := below[text(f["value"])], map[string]bool{}
	property := text(f["property"])
	if property == "concept" && of == nil {
		return nil, fmt.Errorf("code-unknown")
	}
	for code := range below {
		switch text(f["op"]) {
		case "is-a":
			pass[code] = of[code]
		case "descendent-of":
			pass[code] = of[code] && code != text(f["value"])
		case "is-not-a":
			pass[code] = !of[code]
		case "=":
		default:
			return nil, fmt.Errorf("filter-unsupported")
		}
	}
	if f["op"] == "=" {
		err := fmt.Errorf("filter-unsupported") // no concept has the property
		eachConcept(list(system["concept"]), nil, func(c object, _ []string) {
			for _, p := range list(c["property"]) {
				p := p.(object)
				for k, v := range p {
					if p["code"] == property {
						err = nil
					}
					if p["code"] == property && k != "code" && text(v) == text(f["value"]) {
						pass[text(c["code"])] = true
					}
				}
			}
		})
		return pass, err
	}
	return pass, nil
}

// altered has what the packager changed; HL7's own file is built in.
var altered = []string{"http://hl7.org/fhir/questionnaire-item-control|multi-select"}

// TestEveryValueSetOfR4: the built-in value sets have the codes that a naive reading of HL7's definitions gives, or fail alike.
func TestEveryValueSetOfR4(t *testing.T) {
	n, r := definitions(t), terminology.New(terminology.Options{})
	failed, expanded, total := map[string]int{}, 0, 0
	for _, url := range slices.Sorted(maps.Keys(n.sets)) {
		if strings.Contains(text(n.sets[url]["copyright"]), "No part of this work may be reproduced") {
			continue
		}
		want, wantErr := n.expand(url)
		set, err := r.Expand(context.Background(), url)
		if wantErr != nil || err != nil {
			if err == nil || wantErr == nil || !strings.HasPrefix(err.Error(), wantErr.Error()) {
				t.Errorf("%s: %v, want %v", url, err, wantErr)
			}
			failed[strings.Fields(err.Error())[0]]++
			continue
		}
		for _, a := range altered {
			delete(want, a)
		}
		got := map[string]bool{}
		for c := range set.Codes() {
			if got[c.System+"|"+c.Code] {
				t.Errorf("%s: %v twice", url, c)
			}
			got[c.System+"|"+c.Code] = true
			if !set.Contains(c.System, c.Code) || set.Contains(c.System, c.Code+"?") && !slices.Contains(set.Open(), c.System) {
				t.Errorf("%s: Contains and Codes differ about %v", url, c)
			}
		}
		if set.Len() != len(got) {
			t.Errorf("%s: Len %d, %d codes", url, set.Len(), len(got))
		}
		for _, system := range set.Open() {
			got[system+"|"] = true
			// What the naive reading lists of an open system is already in it.
			maps.DeleteFunc(want, func(k string, _ bool) bool { return strings.HasPrefix(k, system+"|") && k != system+"|" })
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %d codes, want %d: %v", url, len(got), len(want), difference(got, want))
		}
		expanded++
		total += len(got)
	}
	t.Logf("%d value sets with %d codes; not: %v", expanded, total, failed)
	if expanded < 1200 {
		t.Errorf("only %d value sets", expanded)
	}
}

func difference(a, b map[string]bool) (out []string) {
	for k := range a {
		if !b[k] {
			out = append(out, "+"+k)
		}
	}
	for k := range b {
		if !a[k] {
			out = append(out, "-"+k)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 10)]
}

// TestEveryHierarchyOfR4: below and above are what nesting and the child properties say, for each concept.
func TestEveryHierarchyOfR4(t *testing.T) {
	n, r := definitions(t), terminology.New(terminology.Options{})
	ctx := context.Background()
	pairs := 0
	for url, system := range n.systems {
		if strings.Contains(text(system["copyright"]), "No part of this work may be reproduced") {
			continue
		}
		below := subsumed(system)
		above := map[string][]string{}
		for code, all := range below {
			got, err := r.Below(ctx, url, code)
			if slices.Contains(altered, url+"|"+code) {
				continue
			}
			if err != nil {
				t.Fatalf("%s %s: %v", url, code, err)
			}
			want := slices.Collect(maps.Keys(all))
			want = slices.DeleteFunc(want, func(c string) bool { return slices.Contains(altered, url+"|"+c) })
			if got[0] != code || !sameCodes(got, want) {
				t.Errorf("%s below %s: %v, want %v", url, code, got, want)
			}
			for c := range all {
				above[c] = append(above[c], code)
			}
			pairs += len(all)
		}
		for code, want := range above {
			if slices.Contains(altered, url+"|"+code) {
				continue
			}
			got, err := r.Above(ctx, url, code)
			if err != nil || got[0] != code || !sameCodes(got, want) {
				t.Errorf("%s above %s: %v, want %v; %v", url, code, got, want, err)
			}
		}
	}
	t.Logf("%d pairs", pairs)
}

func sameCodes(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestGivenExpansions: codes are those of the expansions that HL7 published with their value sets. Of the four, one is of
// LOINC, one of a system that does not exist, and one of 2017, when v3-ActMood had fewer codes under CRT than R4 gives it.
func TestGivenExpansions(t *testing.T) {
	n, r := definitions(t), terminology.New(terminology.Options{})
	for _, c := range []struct {
		name string
		more int // codes that the definition has beside those of the expansion
	}{{"yesnodontknow", 0}, {"inactive", 6}} {
		url := "http://hl7.org/fhir/ValueSet/" + c.name
		want := map[string]bool{}
		eachContained(list(n.sets[url]["expansion"].(object)["contains"]), want)
		got, err := r.Expand(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		for code := range want {
			if system, code, _ := strings.Cut(code, "|"); !got.Contains(system, code) {
				t.Errorf("%s lacks %s", url, code)
			}
		}
		if got.Len() != len(want)+c.more {
			t.Errorf("%s: %v", url, slices.Collect(got.Codes()))
		}
	}
}

func eachContained(contains []any, to map[string]bool) {
	for _, v := range contains {
		c := v.(object)
		if c["code"] != nil {
			to[text(c["system"])+"|"+text(c["code"])] = true
		}
		eachContained(list(c["contains"]), to)
	}
}
