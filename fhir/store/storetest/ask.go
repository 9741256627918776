package storetest

import (
	"maps"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// The questions that a world asks its store and its model.

func (w *world) search() {
	q := w.rename(w.inside(w.query(3)))
	t := w.asOf()
	if !w.m.fence.Finds(q.Type) {
		_, err := w.s.Count(w.ctx(), q, t)
		refused(w.t, err, fhir.Denied, "access-denied")
		for _, err = range w.s.Search(w.ctx(), q, t, store.SearchOptions{}) {
			refused(w.t, err, fhir.Denied, "access-denied")
		}
		return
	}
	if n, err := w.s.Count(w.ctx(), q, t); err != nil || n != len(w.m.search(q, t)) {
		w.t.Fatalf("count as of %d is %d, %v; the model says %d: %+v", t, n, err, len(w.m.search(q, t)), q)
	}
	q.Sort = w.rename(search.Query{Sort: w.sort()}).Sort
	if q.Inside != search.OnTheirOwn { // which have no ids
		q.Sort = slices.DeleteFunc(q.Sort, func(k search.SortKey) bool { return k.ByID })
	}
	want := w.m.search(q, t)
	switch w.rng.IntN(8) {
	case 0:
		w.explain(q, t, len(want))
	case 1:
		w.countUpTo(q, t, len(want))
	case 2:
		w.tooCostly(q, t, want)
	case 3:
		w.documents(q, t)
	}
	if w.rng.IntN(3) == 0 { // all at once
		i := 0
		for m, err := range w.s.Search(w.ctx(), q, t, store.SearchOptions{}) {
			w.compare(q, t, want, i, m, err)
			i++
		}
		if i != len(want) {
			w.t.Fatalf("search as of %d ends after %d of %d: %+v", t, i, len(want), q)
		}
		return
	}
	size := 1 + w.rng.IntN(6)
	var after []byte
	for i := 0; ; {
		n := 0
		o := store.SearchOptions{After: after, Limit: size}
		if w.rng.IntN(2) == 0 {
			o.Tally = &store.Tally{Most: w.rng.IntN(20), Free: w.rng.IntN(2) == 0, N: -2}
		}
		for m, err := range w.s.Search(w.ctx(), q, t, o) {
			w.compare(q, t, want, i, m, err)
			i, n, after = i+1, n+1, m.Order
		}
		if all := len(want); o.Tally != nil {
			if o.Tally.Most > 0 {
				all = min(all, o.Tally.Most)
			}
			if o.Tally.N != all && !(o.Tally.Free && o.Tally.N == -1) {
				w.t.Fatalf("the tally up to %d says %d, the model %d: %+v", o.Tally.Most, o.Tally.N, len(want), q)
			}
		}
		if n > size {
			w.t.Fatalf("a page of %d has %d matches", size, n)
		}
		if n < size {
			if i != len(want) {
				w.t.Fatalf("search as of %d by pages of %d ends after %d of %d: %+v", t, size, i, len(want), q)
			}
			return
		}
	}
}

func (w *world) compare(q search.Query, t fhir.T, want []hit, i int, m store.Match, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	if i >= len(want) {
		w.t.Fatalf("search as of %d finds %s after the last: %+v", t, m.Key, q)
	}
	if m.Key != want[i].key || m.Version != fhir.Version(want[i].version) {
		w.t.Fatalf("search as of %d: place %d is %s version %d, the model says %s version %d: %+v", t, i, m.Key, m.Version, want[i].key, want[i].version, q)
	}
	if within := want[i].contained; m.Contained != within && !(q.Inside == search.ContainedIn && m.Contained == 0) {
		w.t.Fatalf("search as of %d: place %d is %s, %d in it, the model says %d: %+v", t, i, m.Key, m.Contained, within, q)
	}
	if w.rng.IntN(4) == 0 {
		if w.rng.IntN(2) == 0 {
			m.Place = store.Place{}
		}
		f, err := w.s.Fetch(w.ctx(), m)
		if err != nil {
			w.t.Fatal(err)
		}
		wantDoc(w.t, f, w.m.lives[m.Key][m.Version-1].doc)
	}
}

// documents fetches a page that was found with the fence or without it: together they are what they are one by one.
func (w *world) documents(q search.Query, t fhir.T) {
	finder := ours(w.t.Context())
	if w.rng.IntN(2) == 0 {
		finder = w.ctx()
	}
	var page []store.Match
	for m, err := range w.s.Search(finder, q, t, store.SearchOptions{Limit: w.rng.IntN(8)}) {
		if codeOf(err) == "access-denied" {
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if w.rng.IntN(4) == 0 {
			m.Place = store.Place{}
		}
		page = append(page, m)
	}
	w.rng.Shuffle(len(page), func(i, j int) { page[i], page[j] = page[j], page[i] })
	all, err := w.s.FetchAll(w.ctx(), page)
	if slices.ContainsFunc(page, func(m store.Match) bool { return w.m.fence.Grant(m.Key.Type, store.ActionRead).None() }) {
		refused(w.t, err, fhir.Denied, "access-denied")
		return
	}
	for i, m := range page {
		one, oneErr := w.s.Fetch(w.ctx(), m)
		switch code := codeOf(oneErr); {
		case err != nil || oneErr != nil && code != "not-found":
			w.t.Fatalf("fetching %v together gives %v, %s alone %v", page, err, m.Key, oneErr)
		case code == "not-found" && all[i].Key.ID != "":
			w.t.Fatalf("FENCED: %s is shown in a page, and not alone", m.Key)
		case oneErr == nil:
			if f := all[i]; f.Key != one.Key || f.Version != one.Version || f.At != one.At || f.T != one.T || !slices.Equal(f.Subjects, one.Subjects) {
				w.t.Fatalf("%s is %+v in a page and %+v alone", m.Key, f, one)
			}
			wantDoc(w.t, all[i], one.Stored)
			wantDoc(w.t, all[i], w.m.lives[m.Key][m.Version-1].doc)
		}
	}
	if err == nil && len(all) != len(page) {
		w.t.Fatalf("%d documents of %d matches", len(all), len(page))
	}
}

func (w *world) include() {
	q := w.rename(w.query(0))
	t := w.asOf()
	if !w.m.fence.Finds(q.Type) {
		return
	}
	var page []store.Match
	for m, err := range w.s.Search(w.ctx(), q, t, store.SearchOptions{Limit: 5}) {
		if err != nil {
			w.t.Fatal(err)
		}
		page = append(page, m)
	}
	for range 1 + w.rng.IntN(2) {
		inc := search.Include{Param: pRef, Source: q.Type, Reverse: w.rng.IntN(2) == 0, Iterate: w.rng.IntN(2) == 0}
		if inc.Reverse || inc.Iterate {
			inc.Source = worldTypes[w.rng.IntN(3)]
		}
		if w.rng.IntN(2) == 0 {
			inc.Target = worldTypes[w.rng.IntN(3)]
		}
		q.Include = append(q.Include, inc)
	}
	q.Include = w.rename(search.Query{Include: q.Include}).Include
	if w.rng.IntN(3) == 0 {
		not := worldTypes[w.rng.IntN(3)]
		q.Includes = func(t fhir.Type) bool { return t != not }
	}
	got := map[fhir.Key]int{}
	for m, err := range w.s.Included(w.ctx(), q, page, t) {
		if err != nil {
			w.t.Fatal(err)
		}
		if _, twice := got[m.Key]; twice {
			w.t.Fatalf("%s is included twice", m.Key)
		}
		got[m.Key] = int(m.Version)
	}
	if want := w.m.included(q, page, t); !maps.Equal(got, want) {
		w.t.Fatalf("included as of %d: %v, the model says %v (of all types: %v): %+v", t, got, want, q.Includes == nil, q.Include)
	}
}

func (w *world) read() {
	key := w.key()
	denied, hidden := w.readOne(key, w.asOf())
	for v, l := range w.m.lives[key] {
		f, err := w.s.ReadVersion(w.ctx(), key, fhir.Version(v+1))
		if denied {
			refused(w.t, err, fhir.Denied, "access-denied")
		} else if hidden(v + 1) {
			refused(w.t, err, fhir.NotFound, "not-found")
		} else if l.deleted {
			refused(w.t, err, fhir.Gone, "gone")
		} else if err != nil {
			w.t.Fatal(err)
		} else {
			wantDoc(w.t, f, l.doc)
		}
	}
	for _, space := range []store.Space{"a", "ab"} {
		got := map[string][]byte{}
		for r, err := range w.s.Records(w.ctx(), space, "", "") {
			if err != nil {
				w.t.Fatal(err)
			}
			got[r.Key] = r.Value
		}
		if !maps.EqualFunc(got, w.m.records[space], slices.Equal) {
			w.t.Fatalf("records of %s: %q, the model says %q", space, got, w.m.records[space])
		}
	}
}

// readOne reads one resource, and says what the fence makes of it: that nothing of its type may be read, and which versions are
// hidden.
func (w *world) readOne(key fhir.Key, t fhir.T) (denied bool, hidden func(version int) bool) {
	l, version, alive := w.m.current(key, t)
	f, err := w.s.Read(w.ctx(), key, t)
	want := ""
	denied = w.m.fence.Grant(key.Type, store.ActionRead).None()
	hidden = func(version int) bool { return !w.m.allowed(store.ActionRead, key, version) }
	switch {
	case denied:
		want = "access-denied"
	case version == 0 || hidden(version):
		want = "not-found"
	case !alive:
		want = "gone"
	}
	if t == 0 {
		return denied, hidden
	}
	if codeOf(err) != want || err != nil && want == "" {
		w.t.Fatalf("read %s as of %d: %v, want %q", key, t, err, want)
	}
	if version > 0 && !denied && !hidden(version) && (f.Version != fhir.Version(version) || f.At != l.at || f.T != l.t) {
		w.t.Fatalf("read %s as of %d: %+v, the model says version %d", key, t, f, version)
	}
	if want == "" {
		wantDoc(w.t, f, l.doc)
	}
	return denied, hidden
}

func (w *world) history() {
	key, t := w.key(), w.asOf()
	if len(w.m.lives[key]) == 0 || t == 0 {
		return
	}
	scope := []fhir.Key{key, {Type: key.Type}, {}}[w.rng.IntN(3)]
	want := 0
	for k, lives := range w.m.lives {
		if scope.Type != "" && k.Type != scope.Type || scope.ID != "" && k.ID != scope.ID {
			continue
		}
		for v, l := range lives {
			if l.t <= t && w.m.allowed(store.ActionRead, k, v+1) {
				want++
			}
		}
	}
	if scope.Type != "" && w.m.fence.Grant(scope.Type, store.ActionRead).None() {
		for _, err := range w.s.History(w.ctx(), store.History{Key: scope, AsOf: t}) {
			refused(w.t, err, fhir.Denied, "access-denied")
		}
		return
	}
	n := 0
	last := t
	for f, err := range w.s.History(w.ctx(), store.History{Key: scope, AsOf: t}) {
		if want == 0 && scope.ID != "" && codeOf(err) == "not-found" {
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if !w.m.allowed(store.ActionRead, f.Key, int(f.Version)) {
			w.t.Fatalf("FENCED: history of %s as of %d shows %s version %s", scope, t, f.Key, f.Version)
		}
		l := w.m.lives[f.Key][f.Version-1]
		if l.t != f.T || l.deleted != f.Deleted() || f.T > last {
			w.t.Fatalf("COMPLETE: history of %s as of %d shows %+v", scope, t, f)
		}
		if !l.deleted {
			wantDoc(w.t, f, l.doc)
		}
		last = f.T
		n++
	}
	if n != want {
		w.t.Fatalf("COMPLETE: history of %s as of %d has %d of %d versions", scope, t, n, want)
	}
}

func (w *world) stats() {
	s, err := w.s.Stats(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	want := map[fhir.Type]int{}
	versions := 0
	for key, lives := range w.m.lives {
		versions += len(lives)
		if _, _, alive := w.m.current(key, w.m.t); alive {
			want[key.Type]++
		}
	}
	if s.Head != w.m.t || s.Versions != versions || !maps.Equal(s.Resources, want) {
		w.t.Fatalf("stats %+v; the model says head %d, %d versions, %v", s, w.m.t, versions, want)
	}
}
