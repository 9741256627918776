package care

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/store"
)

// Tries counts what a caller tries, for all servers of the store together: the records of Space say, under a keyed name of the
// caller and the kind of try, since when and how many. After an hour it begins again. All fields are required.
type Tries struct {
	Store store.Store
	// Name gives a keyed hash of a text: no record names a person.
	Name func(string) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Space has what Tries counts.
const Space store.Space = "care-tries"

// How much one caller may try in an hour. A number and a birth date that do not belong together, or an id of nobody whom the
// caller may see, happen by mistake: a desk of a hospital types some wrong each day. An emergency is some twenty requests.
// To be told that a person is known happens with each one who comes for the first time: a hospital registers so many at its peak.
const (
	MissesMost = 30
	KnownMost  = 200
	GlassMost  = 300
	triesLast  = time.Hour
)

type tried struct {
	Since int64 `json:"since"` // seconds since 1970
	N     int   `json:"n"`
}

const (
	missed = "missed"
	known  = "known"
	glass  = "glass"
)

// read gives the record of a caller as it is, and what counts of it.
func (t *Tries) read(ctx context.Context, c access.Caller, kind string) (key string, raw []byte, now tried, err error) {
	key = kind + "/" + t.Name(c.Issuer+"\x00"+c.Subject+"\x00"+string(c.Organization))
	raw, _, err = t.Store.Record(ctx, Space, key)
	if err != nil {
		return key, raw, now, err
	}
	at := t.Now().Unix()
	if json.Unmarshal(raw, &now) != nil || at >= now.Since+int64(triesLast/time.Second) || at < now.Since {
		now = tried{Since: at}
	}
	return key, raw, now, nil
}

// spent refuses a caller who has no try left: Busy "care-too-many-tries".
func (t *Tries) spent(ctx context.Context, c access.Caller, kind string, most int) error {
	if t == nil {
		return nil
	}
	_, _, now, err := t.read(store.Ourselves(ctx), c, kind)
	if err == nil && now.N >= most {
		err = t.refusal(now)
	}
	return err
}

func (t *Tries) refusal(now tried) error {
	left := time.Unix(now.Since, 0).Add(triesLast).Sub(t.Now())
	return fhir.Errorf(fhir.Busy, "care-too-many-tries", "", max(1, int((left+time.Minute-1)/time.Minute)))
}

// count takes a try, or refuses the caller who has none left. It is durable before the caller is told what came of it.
func (t *Tries) count(ctx context.Context, c access.Caller, kind string, most int) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(store.Ourselves(ctx)), 30*time.Second) // who hangs up has tried
	defer cancel()
	for range 20 {
		key, raw, now, err := t.read(ctx, c, kind)
		if err != nil {
			return err
		}
		if now.N >= most {
			return t.refusal(now)
		}
		now.N++
		value, err := json.Marshal(now)
		if err != nil {
			return err
		}
		_, err = t.Store.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: Space, Key: key, Value: raw}},
			Records: []store.Record{{Space: Space, Key: key, Value: value}},
		})
		if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "record-changed" {
			continue // by another request of the same caller
		}
		if err == nil && now.N == most {
			t.Log.WarnContext(ctx, "a caller has no tries left for an hour: somebody may be guessing numbers", "kind", kind, "caller", key[len(kind)+1:], "organization", string(c.Organization), "tries", most)
		}
		return err
	}
	return t.refusal(tried{Since: t.Now().Unix(), N: most}) // so many at once are no desk
}

// Glass takes note that a caller breaks the glass, and refuses who does so all the time.
func (t *Tries) Glass(ctx context.Context, c access.Caller) error {
	return t.count(ctx, c, glass, GlassMost)
}
