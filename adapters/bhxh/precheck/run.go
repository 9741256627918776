package precheck

import (
	"context"
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
)

// Options say how files are checked. The zero value has the defaults.
type Options struct {
	Check   hoso.CheckOptions // Known is set by Run
	Limits  hoso.Limits       // of an envelope of which only one episode is in memory; zero: DefaultLimits
	Systems mapping.Systems   // names the elements of FHIR
	Workers int               // episodes checked at once; 0: as many as there are processors
}

// DefaultLimits are those of a file that is read episode by episode: a million episodes.
func DefaultLimits() hoso.Limits {
	l := hoso.DefaultLimits()
	l.HoSo = 1_000_000
	return l
}

// Count is what was checked and found.
type Count struct{ Files, Episodes, Errors, Warnings, Unreadable int }

// Add adds the counts of other files.
func (n *Count) Add(m Count) {
	n.Files += m.Files
	n.Episodes += m.Episodes
	n.Errors += m.Errors
	n.Warnings += m.Warnings
	n.Unreadable += m.Unreadable
}

func (n *Count) take(f hoso.Finding) {
	switch f.Level() {
	case "error", "fatal":
		n.Errors++
	case "warning":
		n.Warnings++
	}
}

// episode is one on its way through the workers.
type episode struct {
	head hoso.File
	raw  hoso.Raw
	done chan struct{} // closed when what follows is there
	h    hoso.HoSo
	fs   []hoso.Finding

	content [16]byte
}

// Run checks one file and gives each finding to report, in the order of the file. A file that cannot be read as a claim
// file is a fhir.Error, after the findings up to where it broke; any other error is one of report or of ctx.
func Run(ctx context.Context, in io.Reader, o Options, past *Past, report func(hoso.Finding) error) (Count, error) {
	if o.Limits == (hoso.Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	n := Count{Files: 1}
	tell := func(fs []hoso.Finding, h hoso.HoSo) error {
		for _, f := range fs {
			f.Element = mapping.ElementOf(h, o.Systems, f)
			n.take(f)
			if err := report(f); err != nil {
				return err
			}
		}
		return nil
	}
	work, order := make(chan *episode, o.Workers), make(chan *episode, 8*o.Workers)
	g, ctx := errgroup.WithContext(ctx)
	var head *hoso.File
	var unread error
	g.Go(func() error { // scan
		defer close(work)
		defer close(order)
		var err error
		head, err = hoso.Scan(stopping{ctx, in}, o.Limits, func(head hoso.File, raw hoso.Raw) error {
			e := &episode{head: head, raw: raw, done: make(chan struct{})}
			for _, to := range [...]chan *episode{order, work} {
				select {
				case to <- e:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			unread = err
		}
		return nil
	})
	for range o.Workers {
		g.Go(func() error {
			for e := range work {
				e.h = e.raw.Read(o.Limits)
				e.raw = hoso.Raw{}
				e.fs = hoso.CheckEpisode(&e.head, e.h, o.Check)
				e.content = contentOf(e.h)
				close(e.done)
			}
			return nil
		})
	}
	g.Go(func() error { // report
		o := o.Check
		o.Known = past
		past.begin()
		for e := range order {
			select {
			case <-e.done:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			n.Episodes++
			e.fs = append(e.fs, hoso.CheckKnown(&e.head, e.h, o)...)
			if !e.head.Bare {
				e.fs = append(e.fs, past.again(e, o)...)
			}
			past.learn(e.h, e.content, e.head.Bare)
			if err := tell(e.fs, e.h); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return n, err
	}
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) || head == nil && unread == nil {
		return n, errors.Join(err, context.Canceled)
	}
	if unread != nil {
		n.Unreadable++
		return n, unread
	}
	return n, tell(hoso.CheckFile(head, n.Episodes, o.Check), hoso.HoSo{})
}

// again is DUP-02 between files.
func (p *Past) again(e *episode, o hoso.CheckOptions) []hoso.Finding {
	there, copied := p.inAnotherFile(e.h, e.content)
	if !there || p.Accepted(e.h.MaCSKCB(), e.h.MaLK(), e.h.Version()) { // the file itself has it twice: that is told
		return nil
	}
	o.Known = sent{}
	fs := hoso.CheckKnown(&e.head, e.h, o)
	for i := range fs {
		if copied {
			fs[i].Severity = fhir.SeverityInformation
		}
	}
	return fs
}

// sent is a past in which every version was sent.
type sent struct{}

func (sent) Accepted(string, string, uint64) bool                { return true }
func (sent) StayedElsewhere(string, string, string, string) bool { return false }

// stopping ends reading when ctx does.
type stopping struct {
	ctx context.Context
	in  io.Reader
}

func (s stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.in.Read(p)
}
