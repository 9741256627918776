package audit

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/store"
)

// Trail gathers what one request gets to see, while it runs. It is safe for concurrent use.
type Trail struct {
	mu     sync.Mutex
	caller *access.Caller // nil = nobody was established
	asked  asked
	met    []string
	tried  []string
	mask   Masker
	gave   []string
	people []string
	// Where gave and people of the first part begin: most requests are about one record of one person.
	firstGave, firstPeople [1]string
	seen                   map[string]bool // people, once they are many
	wrote                  bool            // a commit has the entry of this request
	parts                  int
	fresh                  bool // something was noted since the last part
}

// asked is what an entry tells of the request itself.
type asked struct {
	at      time.Time
	do, on  string
	query   string
	request string
	from    string // address
}

type trailKey struct{}

// trailContext is a context with a trail.
type trailContext struct {
	context.Context
	trail *Trail
}

func (c *trailContext) Value(key any) any {
	if key == (trailKey{}) {
		return c.trail
	}
	return c.Context.Value(key)
}

// WithTrail gives a context whose reads are noted in t.
func WithTrail(ctx context.Context, t *Trail) context.Context { return &trailContext{ctx, t} }

// TrailOf gives the trail of a context, nil in the server's own work.
func TrailOf(ctx context.Context) *Trail {
	t, _ := ctx.Value(trailKey{}).(*Trail)
	return t
}

// Caller says who asks, once that is established. Nobody changes c from then on.
func (t *Trail) Caller(c *access.Caller) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.caller = c
	t.mu.Unlock()
}

// Met notes a Patient whom the caller's organization had not known before.
func (t *Trail) Met(id fhir.ID) {
	if t == nil {
		return
	}
	t.mu.Lock()
	if !slices.Contains(t.met, string(id)) {
		t.met = append(t.met, string(id))
	}
	t.mu.Unlock()
}

// triedMost bounds what one part of an answer tells of tries.
const triedMost = 200

// Tried notes a resource that an entry of a bundle named and was refused: the request as a whole has another status, or names others too.
func (t *Trail) Tried(key fhir.Key) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if name := key.String(); len(t.tried) < triedMost && !slices.Contains(t.tried, name) {
		t.tried, t.fresh = append(t.tried, name), true
	}
}

// counts notes whom a count told of.
func (t *Trail) counts(people []fhir.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range people {
		t.about(string(id))
		t.fresh = true
	}
}

// gives notes versions that the request has read; zero ones are none.
func (t *Trail) gives(all ...store.Found) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gave == nil && t.parts == 0 {
		t.gave = t.firstGave[:0]
	}
	t.gave = slices.Grow(t.gave, len(all))
	for i := range all {
		f := &all[i]
		if f.Key.ID == "" {
			continue
		}
		t.fresh = true
		t.gave = append(t.gave, versionName(f.Key, f.Version))
		for _, id := range f.Subjects {
			t.about(string(id))
		}
	}
}

// about notes a Patient once. t.mu is held.
func (t *Trail) about(id string) {
	const few = 16
	if t.people == nil && t.parts == 0 {
		t.people = t.firstPeople[:0]
	}
	if len(t.people) < few {
		if !slices.Contains(t.people, id) {
			t.people = append(t.people, id)
		}
		return
	}
	if t.seen == nil {
		t.seen = make(map[string]bool, 4*few)
		for _, p := range t.people {
			t.seen[p] = true
		}
	}
	if !t.seen[id] {
		t.seen[id] = true
		t.people = append(t.people, id)
	}
}

// writes says that a commit has the entry.
func (t *Trail) writes() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.wrote = true
	t.mu.Unlock()
}

// written is the entry of a commit of the request.
func (t *Trail) written() Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.base()
}

// base is what all entries of the request have in common. t.mu is held.
func (t *Trail) base() Entry {
	e := Entry{At: t.asked.at, Do: t.asked.do, On: t.asked.on, Query: t.asked.query, Met: t.met, Request: t.asked.request}
	if t.caller != nil {
		e.Agent = AgentOf(t.caller, t.mask)
	}
	e.Agent.Address = t.asked.from
	return e
}

// part takes what was noted since the last part into e, with the status of the answer; false if there is nothing to tell.
// What a write reads to find out what it changes is not shown to anybody; its entry is in the commit.
func (t *Trail) part(status int, e *Entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parts > 0 && !t.fresh {
		return false
	}
	*e = t.base()
	if t.parts > 0 {
		e.Part = t.parts + 1
	}
	e.Status, e.Gave, e.People, e.Tried = status, t.gave, t.people, t.tried
	if len(e.People) == 0 && (status == http.StatusForbidden || status == http.StatusNotFound) {
		e.People = named(e.On)
	}
	t.gave, t.people, t.tried, t.seen, t.fresh = nil, nil, nil, nil, false
	t.parts++
	return !t.wrote || len(e.Tried) > 0 || len(e.Gave) > 0 && showsWhatItReads[e.Do]
}

// named gives the Patient whom a refused request named: who tried to open a record is for its person to see, also where the
// answer was that there is none. Whether there is one is not looked up, so that it costs the same.
func named(on string) []string {
	parts := strings.Split(on, "/")
	if len(parts) < 2 || parts[0] != "Patient" {
		return nil
	}
	if _, err := fhir.ParseID(parts[1]); err != nil {
		return nil
	}
	return []string{parts[1]}
}

// showsWhatItReads are the interactions that may write and yet answer with what they did not write.
var showsWhatItReads = map[string]bool{"batch": true, "operation": true}

func versionName(key fhir.Key, v fhir.Version) string {
	return string(key.Type) + "/" + string(key.ID) + "/_history/" + v.String()
}
