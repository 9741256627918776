// Package wording has what codes are called where people read them, in English and Vietnamese: states of a claim, categories of an
// adjudication, findings, severities. It is the one place for them; a room that makes a code has a test that its words are here.
//
// The tables are lists/*.tsv, with four fields a line:
//
//	delivery-state	queued	waits to be sent	Chờ gửi
//	DetectedIssue.status	preliminary	open	còn mở
//
// The first is the list: what stands behind /CodeSystem/ in the code's system, or the path of an element that has codes of its own. What
// refusals and pre-check rules say is not here, but in the catalogue of fhir/outcome.
package wording

import (
	"bufio"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/fhir/outcome"
)

//go:embed lists/*.tsv
var files embed.FS

// name is one code of a list.
type name struct{ list, code string }

var all = sync.OnceValue(func() map[name]map[outcome.Language]string {
	words, _ := read()
	return words
})

// read reads the tables; lines that cannot be read are left out, and are failures of the tests.
func read() (words map[name]map[outcome.Language]string, faults []error) {
	words = map[name]map[outcome.Language]string{}
	entries, err := files.ReadDir("lists")
	if err != nil {
		return words, []error{err}
	}
	for _, entry := range entries {
		f, err := files.Open(path.Join("lists", entry.Name()))
		if err != nil {
			return words, append(faults, err)
		}
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			if lines.Text() == "" || strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			fields := strings.Split(lines.Text(), "\t")
			if len(fields) != 4 || slices.Contains(fields, "") {
				faults = append(faults, fmt.Errorf("%s:%d: want four fields, none empty", entry.Name(), n))
				continue
			}
			k := name{fields[0], fields[1]}
			if words[k] != nil {
				faults = append(faults, fmt.Errorf("%s:%d: %s %s stands there already", entry.Name(), n, k.list, k.code))
			}
			words[k] = map[outcome.Language]string{outcome.English: fields[2], outcome.Vietnamese: fields[3]}
		}
		if err := lines.Err(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", entry.Name(), err))
		}
	}
	return words, faults
}

// Catalogue is the list of what fhir/outcome says of a code, such as a rule of the pre-check.
const Catalogue = "catalogue"

// Of gives what a code of a list is called; "" if that is not known.
func Of(list, code string, l outcome.Language) string {
	if list == Catalogue {
		if _, known := outcome.Lookup(code); !known {
			return ""
		}
		return outcome.Text(code, l)
	}
	return all()[name{list, code}][l]
}

// With gives what a code is called with the code itself behind it, for where it is looked up or asked for again: "Chờ gửi [queued]". A
// code without words is given alone.
func With(list, code string, l outcome.Language) string {
	called := Of(list, code, l)
	if called == "" || called == code {
		return code
	}
	return called + " [" + code + "]"
}

// ListOf gives the list of a code system: what stands behind /CodeSystem/ or /fhir/ in its URL; "" if nothing does.
func ListOf(system string) string {
	for _, before := range []string{"/CodeSystem/", "http://hl7.org/fhir/"} {
		if _, list, found := strings.Cut(system, before); found && !strings.Contains(list, "/") {
			return list
		}
	}
	return ""
}
