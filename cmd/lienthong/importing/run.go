package importing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
)

// Options say what to import and where to.
type Options struct {
	Paths    []string // files, folders, patterns
	Target   Target
	Senders  int                // requests at the same time
	State    string             // state file
	Fresh    bool               // forget what the state file says
	Words    func(error) string // says what is wrong with a file or a line; nil = error.Error
	Progress func(Progress)     // called now and then from several goroutines; may be nil
	Now      func() time.Time   // nil = time.Now
	Systems  mapping.Systems    // of what claim files become
}

func (o Options) words(err error) string {
	if o.Words == nil {
		return err.Error()
	}
	return o.Words(err)
}

// Progress is how far an import is.
type Progress struct {
	Bytes     int64 // of the files, as they lie on disk
	All       int64
	Resources int64 // taken by the server
}

// run is one import under way:
//
//	files ──► readers: unpack, parse, cut into parcels ──► senders: post, mark, count
type run struct {
	o      Options
	marks  *marks
	report *Report

	all       int64
	bytes     atomic.Int64
	resources atomic.Int64
	under     sync.Map // hash -> *sync.Mutex, held while a parcel with these bytes is under way
	turns     turns
}

// Run imports and reports. An error means that it could not go on, such as a server out of reach; the report then says
// how far it came, and the next run continues there. Entries that the server refused are in the report, not an error.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	start := o.Now()
	r := &run{o: o, turns: turns{last: map[string]chan struct{}{}}, report: &Report{Resources: map[fhir.Type]int{}, failures: map[string]*failure{}}}
	found, err := sources(o.Paths)
	if err != nil {
		return r.report, err
	}
	r.marks, err = openMarks(o.State, o.Fresh)
	if err != nil {
		return r.report, err
	}
	err = errors.Join(r.groups(ctx, found), r.marks.close())
	r.report.Elapsed = o.Now().Sub(start)
	return r.report, err
}

func (r *run) groups(ctx context.Context, found []source) error {
	if err := r.o.Target.check(ctx); err != nil {
		return err
	}
	if err := r.sameStore(ctx); err != nil {
		return err
	}
	for _, s := range found {
		r.all += s.size
	}
	r.report.Files = len(found)
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].group == found[0].group {
			n++
		}
		if err := r.files(ctx, found[:n]); err != nil {
			return err
		}
		found = found[n:]
	}
	return nil
}

// sameStore looks for a resource that an earlier run made. If the target does not know it, the marks are about another
// store (a server may have been started anew at the same address) and count for nothing.
func (r *run) sameStore(ctx context.Context) error {
	if r.marks.witness == "" {
		return nil
	}
	status, _, err := r.o.Target.get(ctx, r.marks.witness)
	if err != nil {
		return fmt.Errorf("the server at %s does not answer: %w", r.o.Target.Base, err)
	}
	if status == http.StatusNotFound {
		r.report.Restarted = true
		return r.marks.clear()
	}
	return nil
}

// files imports one group.
func (r *run) files(ctx context.Context, group []source) error {
	senders := max(r.o.Senders, 1)
	readers := min(len(group), runtime.GOMAXPROCS(0), 4)
	if group[0].group == claims {
		readers = 1 // of two files with the same episode the later one counts
	}
	next := make(chan source)
	parcels := make(chan *parcel)

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for _, s := range group {
			select {
			case next <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	var reading atomic.Int64
	reading.Store(int64(readers))
	for range readers {
		g.Go(func() error {
			defer func() {
				if reading.Add(-1) == 0 {
					close(parcels)
				}
			}()
			for s := range next {
				if err := r.read(ctx, s, parcels); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range senders {
		g.Go(func() error {
			for p := range parcels {
				err := r.turns.wait(ctx, p)
				if err == nil {
					err = r.send(ctx, p)
				}
				r.turns.done(p)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// read hands the parcels of a file on; what is wrong with the file itself is a failure of that file alone.
func (r *run) read(ctx context.Context, s source, parcels chan<- *parcel) error {
	defer func() {
		r.bytes.Add(s.size)
		r.progress()
	}()
	if r.knownFile(s) {
		r.report.mu.Lock()
		r.report.Untouched++
		r.report.mu.Unlock()
		return nil
	}
	f := &file{source: s, systems: r.o.Systems}
	f.badEpisode = func(n int, maLK string, err error) {
		f.failed.Store(true)
		r.report.fail(r.o.words(err), fmt.Sprintf("%s, episode %d: %s", s.path, n, maLK), 1)
	}
	f.badLine = func(n int, err error) {
		f.failed.Store(true)
		r.report.failLine(r.o.words(err), s.path, n)
	}
	f.pending.Store(1)
	err := f.read(ctx, func(p *parcel) error {
		f.pending.Add(1)
		if s.group == claims { // where one reader hands them on in order
			r.turns.take(p)
		}
		select {
		case parcels <- p:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.failed.Store(true)
		r.report.fail(r.o.words(err), s.path, 1)
	}
	return r.answered(f)
}

// knownFile says whether the bytes of the file were all done before.
func (r *run) knownFile(s source) bool {
	if r.marks.none() {
		return false
	}
	in, err := os.Open(s.path)
	if err != nil {
		return false // reading it again will tell why
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return false
	}
	return r.marks.get(fileHash(hexOf(sum))).Mark == "file"
}

// answered is called when a parcel of the file was answered, and when it was read to its end.
func (r *run) answered(f *file) error {
	if f.pending.Add(-1) > 0 || f.failed.Load() || f.hash == "" {
		return nil
	}
	return r.marks.set(mark{Mark: "file", Hash: fileHash(f.hash), File: f.path})
}

// send brings one parcel to the server, or finds that it is there.
func (r *run) send(ctx context.Context, p *parcel) error {
	// The same bytes may lie in two files, packed and not: the second waits and then finds the mark of the first.
	one, _ := r.under.LoadOrStore(p.hash, new(sync.Mutex))
	one.(*sync.Mutex).Lock()
	defer one.(*sync.Mutex).Unlock()
	known := r.marks.get(p.hash)
	whole := p
	index := func(i int) int { return i }
	switch known.Mark {
	case "done":
		r.earlier(len(p.items))
		return r.answered(p.file)
	case "part":
		part, err := p.pick(known.Entries)
		if err != nil {
			return err
		}
		r.earlier(len(p.items) - len(part.items))
		p, index = part, func(i int) int { return known.Entries[i] }
	case "sent":
		if landed, err := r.settle(ctx, p); err != nil || landed {
			return errors.Join(err, r.foundAgain(p))
		}
	}
	if known.Mark != "part" {
		if err := r.marks.set(mark{Mark: "sent", Hash: p.hash, File: p.file.path}); err != nil {
			return err
		}
	}
	landed := false
	post := func() (verdict, error) {
		return r.o.Target.post(ctx, p, func() (bool, error) {
			var err error
			landed, err = r.settle(ctx, p)
			return landed, err
		})
	}
	v, err := post()
	if err == nil && v.code == "person-known" && p.known != nil {
		other, unknown := p.known()
		if err = unknown; err == nil && other.hash != p.hash {
			p = other
			v, err = post()
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.file.path, err)
	}
	if landed {
		return r.foundAgain(p)
	}
	return r.settled(whole, p, v, index)
}

// settle asks what became of a parcel that was sent before; what cannot be told is counted as perhaps doubled.
func (r *run) settle(ctx context.Context, p *parcel) (bool, error) {
	f, err := r.o.Target.fateOf(ctx, p)
	if f == untold && err == nil {
		r.report.mu.Lock()
		r.report.Doubtful += len(p.items)
		r.report.mu.Unlock()
	}
	return f == landed, err
}

func (r *run) foundAgain(p *parcel) error {
	r.earlier(len(p.items))
	if err := r.marks.set(mark{Mark: "done", Hash: p.hash, File: p.file.path}); err != nil {
		return err
	}
	return r.answered(p.file)
}

func (r *run) earlier(n int) {
	r.report.mu.Lock()
	r.report.Earlier += n
	r.report.mu.Unlock()
}

// settled writes down the verdict: first the mark, then the figures.
func (r *run) settled(whole, p *parcel, v verdict, index func(int) int) error {
	m := mark{Mark: "done", Hash: whole.hash, File: whole.file.path, Witness: v.witness}
	switch {
	case v.refused != "":
		p.file.failed.Store(true)
		m = mark{Mark: "gone", Hash: whole.hash, File: whole.file.path}
		r.report.fail(v.refused, whole.file.path, len(p.items))
	case v.entries != nil:
		p.file.failed.Store(true)
		m.Mark = "part"
		for i, why := range v.entries {
			if why == "" {
				continue
			}
			m.Entries = append(m.Entries, index(i))
			r.report.fail(why, fmt.Sprintf("%s, entry %d: %s", p.file.path, p.items[i].at+1, p.items[i].label), 1)
		}
	}
	if err := r.marks.set(m); err != nil {
		return err
	}
	if v.refused == "" {
		r.report.took(p.items, v.entries)
		r.resources.Add(int64(len(p.items) - len(m.Entries)))
	}
	r.progress()
	return r.answered(p.file)
}

func (r *run) progress() {
	if r.o.Progress != nil {
		r.o.Progress(Progress{Bytes: r.bytes.Load(), All: r.all, Resources: r.resources.Load()})
	}
}
