package terminology

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed content_gen.zst
var packed []byte

// builtin is HL7's content: where the text of each definition lies, and the tables which were read from it. Tables stay:
// all of them together take some megabytes.
type builtin struct {
	text        string
	codeSystems map[string]*builtinSystem
	valueSets   map[string]string // sections
}

type builtinSystem struct {
	section string
	once    sync.Once
	table   *table // nil if the system is named without its content
}

// content unpacks the built-in definitions at the first call.
var content = sync.OnceValue(unpack)

func unpack() *builtin {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic("terminology: " + err.Error())
	}
	defer z.Close()
	raw, err := z.DecodeAll(packed, nil)
	if err != nil {
		panic("terminology: content_gen.zst of this build is broken: " + err.Error())
	}
	b := &builtin{text: string(raw), codeSystems: make(map[string]*builtinSystem, 1100), valueSets: make(map[string]string, 1400)}
	for at := 0; at < len(b.text); {
		end := sectionEnd(b.text, at)
		section := b.text[at:end]
		url, _, _ := strings.Cut(section[2:strings.IndexByte(section, '\n')], "\t")
		if section[0] == 'C' {
			b.codeSystems[url] = &builtinSystem{section: section}
		} else {
			b.valueSets[url] = section
		}
		at = end
	}
	return b
}

// sectionEnd gives the place of the next heading: a line that begins with C or V. No row does.
func sectionEnd(text string, at int) int {
	for {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
		if at == len(text) || text[at] == 'C' || text[at] == 'V' {
			return at
		}
	}
}

// codeSystem gives the table of a built-in system. known without a table: HL7 names it but does not publish its codes.
func (b *builtin) codeSystem(url, version string) (t *table, known bool) {
	s := b.codeSystems[url]
	if s == nil || version != "" && version != headOf(s.section).version {
		return nil, false
	}
	s.once.Do(func() { s.table = readTable(s.section) })
	return s.table, true
}

// head is the first line of a section.
type head struct{ url, version, flags string }

func headOf(section string) head {
	line, _, _ := strings.Cut(section, "\n")
	f := fields(line[2:], 3)
	return head{f[0], f[1], f[2]}
}

// fields splits at tabs into n strings; those that are missing are empty.
func fields(line string, n int) []string {
	out := make([]string, n)
	for i := range n - 1 {
		out[i], line, _ = strings.Cut(line, "\t")
	}
	out[n-1] = line
	return out
}

// readTable reads a C section. The generator is ours: what does not fit is a broken build.
func readTable(section string) *table {
	h := headOf(section)
	if strings.Contains(h.flags, "n") {
		return nil
	}
	b := newBuilder(h.url, h.version, DefaultLimits)
	b.t.fold, b.t.flat = strings.Contains(h.flags, "i"), strings.Contains(h.flags, "x")
	var path [36]int32 // the concept above at each depth
	last := int32(-1)
	for line := range rows(section) {
		rest := line[1:]
		var err error
		switch mark := line[0]; mark {
		case '>':
			err = b.property(last, "parent", "parent", rest)
		case '=':
			f := fields(rest, 2)
			err = b.property(last, f[0], f[0], f[1])
		default:
			depth := int(mark - '0')
			if mark >= 'a' {
				depth = int(mark-'a') + 10
			}
			parent := int32(-1)
			if depth > 0 {
				parent = path[depth-1]
			}
			f := fields(rest, 2)
			if f[1] == "" {
				f[1] = f[0]
			}
			last, err = b.add(f[0], f[1], parent)
			path[depth] = last
		}
		if err != nil {
			panic("terminology: " + h.url + ": " + err.Error())
		}
	}
	return b.finish()
}

// rows gives the lines of a section after its heading.
func rows(section string) func(func(string) bool) {
	_, rest, _ := strings.Cut(section, "\n")
	return func(yield func(string) bool) {
		for len(rest) > 0 {
			var line string
			line, rest, _ = strings.Cut(rest, "\n")
			if !yield(line) {
				return
			}
		}
	}
}

// valueSet reads the V section of a url.
func (b *builtin) valueSet(url, version string) (definition, bool) {
	section, ok := b.valueSets[url]
	if !ok {
		return definition{}, false
	}
	h := headOf(section)
	if version != "" && version != h.version {
		return definition{}, false
	}
	d := definition{url: h.url, version: h.version, activeOnly: strings.Contains(h.flags, "a"), composed: true}
	var at *include
	for line := range rows(section) {
		rest := line[1:]
		switch line[0] {
		case '+':
			d.include = append(d.include, include{system: rest})
			at = &d.include[len(d.include)-1]
		case '-':
			d.exclude = append(d.exclude, include{system: rest})
			at = &d.exclude[len(d.exclude)-1]
		case '.':
			f := fields(rest, 2)
			at.concepts = append(at.concepts, listed{f[0], f[1]})
		case '?':
			f := fields(rest, 3)
			at.filters = append(at.filters, filter{f[0], f[1], f[2]})
		case '@':
			at.imports = append(at.imports, rest)
		}
	}
	return d, true
}
