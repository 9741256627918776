package engine

import (
	"slices"
	"sync"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// lately keeps the outlines of the newest commits: who follows the feed is close behind it, and what was known when a commit was made
// need not be read from its rows. They lie in it before they are published, and in the order of the log.
// mu guards the fields; nothing is done under it but to read and change them. Outlines are not changed once they are here.
type lately struct {
	mu       sync.Mutex
	outlines []store.Commit // without gaps
	bytes    int            // of them, roughly
}

// Bounds of what lately keeps: some tenths of a second of creates at full speed.
const (
	latelyCommits = 4096
	latelyBytes   = 2 << 20
)

// outline gives a commit as the feed shows it, without the documents. writes belong to those of c.
func outline(c *commitlog.Commit, writes []*write) store.Commit {
	out := store.Commit{T: c.T, At: c.At}
	if len(writes) > 0 {
		out.Writes = make([]store.Found, len(writes))
	}
	for i, w := range writes {
		f := store.Found{Key: w.key, Version: w.version, At: c.At, T: c.T, Method: w.method}
		if !f.Deleted() {
			var told bool
			if f.Subjects, told = subjectsOfKey(w.key); !told {
				row := versionRow{place: place{method: w.method}, entries: w.packed} // as the row v has it
				f.Subjects = row.subjects(w.key.Type)
			}
		}
		out.Writes[i] = f
	}
	out.Records = recordsOf(c)
	return out
}

// recordsOf gives the records of a commit in the words of the store.
func recordsOf(c *commitlog.Commit) []store.Record {
	if len(c.Records) == 0 {
		return nil
	}
	all := make([]store.Record, len(c.Records))
	for i, r := range c.Records {
		all[i] = store.Record{Space: store.Space(r.Space), Key: r.Key, Value: r.Value}
	}
	return all
}

func outlineBytes(c *store.Commit) int {
	n := 128 + 192*len(c.Writes)
	for i := range c.Records {
		n += 64 + len(c.Records[i].Key) + len(c.Records[i].Value)
	}
	return n
}

// add keeps the outline of the commit that comes next. After a gap only what comes from then on is there.
func (l *lately) add(c store.Commit) {
	size := outlineBytes(&c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.outlines); n > 0 && l.outlines[n-1].T+1 != c.T || size > latelyBytes {
		l.outlines, l.bytes = nil, 0
	}
	if size > latelyBytes {
		return
	}
	if l.outlines, l.bytes = append(l.outlines, c), l.bytes+size; len(l.outlines) <= latelyCommits && l.bytes <= latelyBytes {
		return
	}
	// A quarter goes at once, so that the rest is not moved for each commit.
	for ; len(l.outlines) > latelyCommits*3/4 || l.bytes > latelyBytes*3/4; l.outlines = l.outlines[1:] {
		l.bytes -= outlineBytes(&l.outlines[0])
	}
	l.outlines = slices.Clone(l.outlines)
}

// after copies outlines of the commits after t, up to the commit upTo, into some as far as its room goes; none if the next one is not there.
func (l *lately) after(t, upTo fhir.T, some []store.Commit) []store.Commit {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.outlines) == 0 || t+1 < l.outlines[0].T || t >= upTo {
		return nil
	}
	first := l.outlines[0].T
	from, to := int(t+1-first), int(min(upTo+1-first, fhir.T(len(l.outlines))))
	if from >= to {
		return nil
	}
	return some[:copy(some[:cap(some)], l.outlines[from:to])]
}
