package index

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/walk"
)

// Options of an Index. They are part of what is stored: with others the index must be rebuilt.
type Options struct {
	Base       string              // this server's base url; absolute references with it are local; "" = none are
	Also       search.Bases        // further base urls of this server
	FoldSystem func(string) string // canonical form of an identifier system; nil = as it is. search.Options must have the same
	Registry   *r4.Registry        // the search parameters in force; nil = those of R4
	Text       Text                // what words are indexed; the zero value is those of the narrative
}

// Text says of what text each word is indexed.
type Text uint8

const (
	TextNarrative Text = iota // for _text: text.div; for _content, if Registry has search.ContentParam, the whole document
	TextNone                  // for nothing; then search.Options.NoText
)

// Index makes the entries of documents. It is safe for concurrent use.
type Index struct {
	o       Options
	content search.ParamID         // of the words of whole documents; 0 = they are not indexed
	tries   []atomic.Pointer[trie] // by r4.TypeCode; built at first use
	pool    sync.Pool
}

// New gives an Index.
func New(o Options) *Index {
	x := &Index{o: o, tries: make([]atomic.Pointer[trie], len(r4.Types())+64)}
	for _, p := range o.Registry.Added() {
		if search.IsContent(p) && o.Text == TextNarrative {
			x.content = search.ParamID(p.ID) | search.ParamWords
		}
	}
	x.pool.New = func() any { return &Indexer{index: x} }
	return x
}

// Document walks v, the root of a document, as Resource does, and what it contains.
func (x *Index) Document(v resource.Value, maxIssues int, more ...walk.Visitor) (search.Indexed, []fhir.Issue) {
	entries, issues := x.Resource(v, maxIssues, more...)
	if issues != nil {
		return search.Indexed{}, issues
	}
	return search.Indexed{Entries: entries, Contained: x.contained(v)}, nil
}

// contained gives the entries of what a resource without faults contains.
func (x *Index) contained(root resource.Value) (out []search.Contained) {
	for v := range root.Get("contained").Elements() {
		i := x.Get()
		i.around = root
		walk.Contained(root, v, i)
		if id, ok := v.ID(); ok {
			from := len(i.buf)
			i.buf = append(i.buf, id...)
			i.add(idParam(), from)
		}
		out = append(out, search.Contained{Type: v.ResourceType(), Entries: i.Entries()})
		i.Release()
	}
	return out
}

// idParam is the parameter of the ids of contained resources: those of others the store knows.
var idParam = sync.OnceValue(func() search.ParamID { return search.ParamID(r4.Param("Patient", "_id").ID) })

// Resource walks v with an Indexer and the visitors more, and gives its entries, or its faults and no entries.
func (x *Index) Resource(v resource.Value, maxIssues int, more ...walk.Visitor) ([]search.Entry, []fhir.Issue) {
	i := x.Get()
	defer i.Release()
	var room [walk.MaxVisitors]walk.Visitor
	if issues := walk.Resource(v, maxIssues, append(append(room[:0], i), more...)...); issues != nil {
		return nil, issues
	}
	return i.Entries(), nil
}

// Get gives an Indexer for one document; give it back with Release.
func (x *Index) Get() *Indexer { return x.pool.Get().(*Indexer) }

// trie gives the trie of a type.
func (x *Index) trie(t fhir.Type) *trie {
	code := int(r4.TypeCode(t))
	if code == 0 || code >= len(x.tries) {
		return nil
	}
	if p := x.tries[code].Load(); p != nil {
		return p
	}
	p := compile(t, x.o.Registry.Params(t)) // two that come at once both build it; the tries are the same
	x.tries[code].Store(p)
	return p
}

// Indexer gathers the entries of one document: a walk.Visitor. It is for one goroutine.
type Indexer struct {
	index  *Index
	trie   *trie
	root   resource.Value // whose contained resources "#id" means
	around resource.Value // of a contained resource: what it is in
	buf    []byte         // values, one after the other
	refs   []ref
	room   []byte  // for folding names and words
	plain  []byte  // for narratives without their tags
	known  wordSet // of the document so far
}

// ref is a value in buf.
type ref struct {
	param    search.ParamID
	from, to uint32
}

// Release gives the Indexer back; it must not be used after that. What Entries gave stays valid.
func (x *Indexer) Release() {
	x.trie, x.root, x.around, x.buf, x.refs = nil, resource.Value{}, resource.Value{}, x.buf[:0], x.refs[:0]
	if cap(x.buf) <= 1<<20 { // one huge document must not keep its room for ever
		x.index.pool.Put(x)
	}
}

// Start begins a document.
func (x *Indexer) Start(t fhir.Type, root resource.Value) walk.State {
	x.buf, x.refs = x.buf[:0], x.refs[:0]
	x.trie, x.root = x.index.trie(t), root
	if x.around.Kind() != resource.None {
		x.root = x.around
	}
	if x.trie == nil {
		return 0
	}
	x.run(&x.trie.nodes[rootState], nil, root)
	x.words(root)
	switch t {
	case "Consent":
		x.consent(root)
	case "Claim", "ClaimResponse":
		x.cites(root)
	case "Group":
		x.group(root)
	case "CareTeam":
		x.careTeam(root)
	}
	return rootState
}

// Enter goes one step in the trie and emits what ends there.
func (x *Indexer) Enter(parent walk.State, e *r4.Element, v resource.Value) walk.State {
	for _, edge := range x.trie.nodes[parent].edges {
		if edge.element != e {
			continue
		}
		n := &x.trie.nodes[edge.to]
		x.run(n, e, v)
		if len(n.edges) == 0 {
			return 0
		}
		return edge.to
	}
	return 0
}

// Entries gives the entries of the document that was walked, sorted by parameter and value, without duplicates. Their
// memory is the caller's.
func (x *Indexer) Entries() []search.Entry {
	slices.SortFunc(x.refs, x.compare)
	x.refs = slices.CompactFunc(x.refs, func(a, b ref) bool { return x.compare(a, b) == 0 })
	x.several()
	x.shape()
	size := 0
	for _, r := range x.refs {
		size += int(r.to - r.from)
	}
	arena, out := make([]byte, 0, size), make([]search.Entry, len(x.refs))
	for i, r := range x.refs {
		at := len(arena)
		arena = append(arena, x.value(r)...)
		out[i] = search.Entry{Param: r.param, Value: arena[at:len(arena):len(arena)]}
	}
	return out
}

// several marks the parameters that have more than one value. The entries are sorted.
func (x *Indexer) several() {
	if x.trie == nil {
		return
	}
	marked := x.trie.marked
	for i := 1; i < len(x.refs); i++ {
		p := x.refs[i].param
		if p >= search.ParamLimit { // variants come after all parameters
			break
		}
		if p != x.refs[i-1].param || i > 1 && p == x.refs[i-2].param {
			continue
		}
		for len(marked) > 0 && marked[0] < p {
			marked = marked[1:]
		}
		if len(marked) > 0 && marked[0] == p {
			from := len(x.buf)
			x.buf = append(x.buf, search.SeveralValue...)
			x.insert(p|search.ParamAside, from)
		}
	}
}

// shape adds the shape of the document, whose entries are sorted.
func (x *Indexer) shape() {
	from := len(x.buf)
	for _, r := range x.refs {
		if r.param >= 16 && r.param&^search.ParamAside < search.ParamLimit {
			x.buf = search.AppendShape(x.buf, from, r.param)
		}
	}
	x.insert(search.ParamShape, from)
}

// insert makes what was appended to buf from on an entry among the sorted ones; also if nothing was.
func (x *Indexer) insert(p search.ParamID, from int) {
	r := ref{p, uint32(from), uint32(len(x.buf))}
	if at, there := slices.BinarySearchFunc(x.refs, r, x.compare); !there {
		x.refs = slices.Insert(x.refs, at, r)
	}
}

func (x *Indexer) value(r ref) []byte { return x.buf[r.from:r.to] }

func (x *Indexer) compare(a, b ref) int {
	if c := cmp.Compare(a.param, b.param); c != 0 {
		return c
	}
	return bytes.Compare(x.value(a), x.value(b))
}

// add makes what was appended to buf from on an entry; nothing if nothing was.
func (x *Indexer) add(param search.ParamID, from int) {
	if len(x.buf) > from {
		x.refs = append(x.refs, ref{param, uint32(from), uint32(len(x.buf))})
	}
}

func (x *Indexer) fold(system string) string {
	if x.index.o.FoldSystem == nil || system == "" {
		return system
	}
	return x.index.o.FoldSystem(system)
}
