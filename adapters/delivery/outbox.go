package delivery

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

const (
	// DefaultBase is the root of our identifier and code systems.
	DefaultBase = "https://lienthong.example"
	// DefaultSettle is how long after the end of an attempt its file may still come to effect on the other side. A proxy
	// on the way may keep a request that its sender has long given up; common ones give up after 1 to 10 minutes.
	DefaultSettle = 15 * time.Minute
	// DefaultWatch is how long after it was settled what was sent again is still asked about, for a second effect.
	DefaultWatch = 24 * time.Hour
	// DefaultAskEvery is the distance of status queries about an accepted item.
	DefaultAskEvery = 10 * time.Minute
	// DefaultRecheck is after how long an item that is held is checked again, since what it lacks may have come.
	DefaultRecheck = time.Hour
)

// Config is what an Outbox needs; Store and Episode are required.
type Config struct {
	Store store.Store
	Now   func() time.Time // nil is time.Now
	Base  string           // root of identifier and code systems, "" is DefaultBase

	// Episode says whether a Claim is one for the insurer, and of which facility (MA_CSKCB) and episode (MA_LK). It is
	// called for each Claim that is written and must be quick.
	Episode func(claim resource.Value) (facility, episode string, ok bool)

	// Sees says whether who sends a Claim may see a resource: one that he may not see is named to nobody. nil = everybody sees all.
	Sees func(context.Context, fhir.Key) (bool, error)

	// Sender is as whom a claim is sent, see Item.Sender; nil = SenderAny.
	Sender func(context.Context) string

	// Settle is how long after the end of an attempt "not received" is believed, and how long after that it must be said
	// again before the item is sent again. 0 is DefaultSettle.
	Settle time.Duration
	// ByPerson leaves what was not received to a person: it stays unknown, and is asked about, until Resolve.
	ByPerson bool
	Watch    time.Duration // 0 is DefaultWatch
	AskEvery time.Duration // 0 is DefaultAskEvery
	Recheck  time.Duration // 0 is DefaultRecheck
	// HashesOnly keeps of each attempt the hashes of its bodies and not the bodies.
	HashesOnly bool
	Deadlines  Deadlines
	Retry      Retry // of items that could not be sent, and of questions without an answer
}

// Retry is a wait that doubles from First up to Max.
type Retry struct{ First, Max time.Duration }

// wait gives the wait after n failures, n from 1.
func (r Retry) wait(n int) time.Duration {
	d := r.First
	for range min(n-1, 30) {
		if d *= 2; d >= r.Max {
			return r.Max
		}
	}
	return min(d, r.Max)
}

// Outbox holds what goes out and what became of it. It has no state but the store's; any number may work on one store.
type Outbox struct {
	Config
	store   store.Store
	service *interaction.Service

	counting chan struct{} // holds who has summary; the store is read meanwhile
	summary  struct {
		at     fhir.T
		counts Summary
		began  time.Time
		took   time.Duration
	}
}

// New makes an outbox. Before it moves items it must be told by Use where to write.
func New(c Config) *Outbox {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Base == "" {
		c.Base = DefaultBase
	}
	c.Base = strings.TrimSuffix(c.Base, "/")
	if c.Settle <= 0 {
		c.Settle = DefaultSettle
	}
	if c.Watch <= 0 {
		c.Watch = DefaultWatch
	}
	if c.AskEvery <= 0 {
		c.AskEvery = DefaultAskEvery
	}
	if c.Recheck <= 0 {
		c.Recheck = DefaultRecheck
	}
	c.Deadlines = c.Deadlines.orDefault()
	if c.Retry.First <= 0 {
		c.Retry.First = 10 * time.Second
	}
	if c.Retry.Max <= 0 {
		c.Retry.Max = 10 * time.Minute
	}
	return &Outbox{Config: c, store: c.Store, counting: make(chan struct{}, 1)}
}

// Use says through which service items are moved; that service has Enqueue among its hooks, so it is made after the outbox.
func (o *Outbox) Use(s *interaction.Service) { o.service = s }

func (o *Outbox) now() fhir.Instant { return fhir.InstantOf(o.Now()) }

func (o *Outbox) in(d time.Duration) fhir.Instant { return fhir.InstantOf(o.Now().Add(d)) }

// Facilities gives the facilities that have work of this kind due by now, in order. It reads two rows for each facility
// that has any, due or not, and none of the others.
func (o *Outbox) Facilities(ctx context.Context, w Work) ([]string, error) {
	var out []string
	now := o.now()
	from, end := string(w)+"/", string(w)+"0"
	for {
		var first string
		for rec, err := range o.store.Records(ctx, SpaceDue, from, end) {
			if err != nil {
				return nil, err
			}
			first = rec.Key
			break
		}
		if first == "" {
			return out, nil
		}
		_, escaped, at, _, err := splitDue(first)
		if err != nil {
			return nil, err
		}
		if at <= now {
			facility, err := url.PathUnescape(escaped)
			if err != nil {
				return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(SpaceDue), first)
			}
			out = append(out, facility)
		}
		from = string(w) + "/" + escaped + "0" // '0' follows '/'
	}
}

// Due gives the facility's items with work of this kind due by now, those due longest first, at most limit.
func (o *Outbox) Due(ctx context.Context, w Work, facility string, limit int) ([]Row, error) {
	prefix := string(w) + "/" + url.PathEscape(facility) + "/"
	return o.rows(ctx, prefix, prefix+string(appendTime(nil, o.now()+1)), limit)
}

// rows gives the items of a stretch of the due index.
func (o *Outbox) rows(ctx context.Context, from, to string, limit int) ([]Row, error) {
	var out []Row
	for rec, err := range o.store.Records(ctx, SpaceDue, from, to) {
		if err != nil {
			return nil, err
		}
		_, _, _, key, err := splitDue(rec.Key)
		if err != nil {
			return nil, err
		}
		f, err := o.family(ctx, key.Claim)
		if err != nil {
			return nil, err
		}
		row := f.of(key.Version)
		if row.raw == nil {
			return nil, fhir.Errorf(fhir.NotFound, "delivery-item-unknown", "", "Claim/"+string(key.Claim), uint64(key.Version))
		}
		row.kin = &f
		if row.dueKey() != rec.Key {
			continue // it moved on between the two reads
		}
		if out = append(out, row); len(out) == limit {
			break
		}
	}
	return out, nil
}

// splitDue takes a key of the due index apart; the facility is still escaped.
func splitDue(s string) (w Work, facility string, at fhir.Instant, key Key, err error) {
	p := strings.SplitN(s, "/", 4)
	if len(p) == 4 {
		if ms, err := strconv.ParseInt(p[2], 10, 64); err == nil {
			if key, ok := parseKey(p[3]); ok {
				return Work(p[0]), p[1], fhir.Instant(ms), key, nil
			}
		}
	}
	return "", "", 0, Key{}, fhir.Errorf(fhir.Internal, "delivery-record-unreadable", "", string(SpaceDue), s)
}

// Load reads an item. Kind NotFound, code "delivery-item-unknown", if there is none.
func (o *Outbox) Load(ctx context.Context, k Key) (Row, error) {
	var row Row
	raw, err := o.readRow(ctx, SpaceItems, k.String(), &row.Item)
	if err != nil {
		return Row{}, err
	}
	if raw == nil {
		return Row{}, fhir.Errorf(fhir.NotFound, "delivery-item-unknown", "", "Claim/"+string(k.Claim), uint64(k.Version))
	}
	row.raw = raw
	return row, nil
}
