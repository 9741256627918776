package delivery

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
)

// Newest yields the newest version of each claim that is in one of these states (none: in any), in the order of the
// claims' ids, after the claim given ("" = from the first). All are as of one moment.
func (o *Outbox) Newest(ctx context.Context, after fhir.ID, states ...State) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		from := ""
		if after != "" {
			from = string(after) + "0" // '0' follows '/'
		}
		var last []byte
		var claim, key string
		give := func() bool {
			if claim == "" || len(states) > 0 && !slices.Contains(states, stateOf(last)) {
				return true
			}
			var it Item
			if err := decode(SpaceItems, key, last, &it); err != nil {
				yield(Item{}, err)
				return false
			}
			return yield(it, nil)
		}
		for rec, err := range o.store.Records(ctx, SpaceItems, from, "") {
			if err != nil {
				yield(Item{}, err)
				return
			}
			k, ok := parseKey(rec.Key)
			if !ok {
				yield(Item{}, fhir.Errorf(fhir.Internal, "delivery-record-unreadable", "", string(SpaceItems), rec.Key))
				return
			}
			if string(k.Claim) != claim && !give() {
				return
			}
			claim, key, last = string(k.Claim), rec.Key, append(last[:0], rec.Value...)
		}
		give()
	}
}

// EpisodeFacilities gives the facilities that ever had a claim for the insurer, in order.
func (o *Outbox) EpisodeFacilities(ctx context.Context) ([]string, error) {
	var out []string
	for from := ""; ; {
		var first string
		for rec, err := range o.store.Records(ctx, SpaceEpisodes, from, "") {
			if err != nil {
				return nil, err
			}
			first = rec.Key
			break
		}
		if first == "" {
			return out, nil
		}
		escaped, _, _ := strings.Cut(first, "/")
		facility, err := url.PathUnescape(escaped)
		if err != nil {
			return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(SpaceEpisodes), first)
		}
		out, from = append(out, facility), escaped+"0" // '0' follows '/'
	}
}

// EpisodesOf yields the episodes (MA_LK) of a facility with the claims that hold them.
func (o *Outbox) EpisodesOf(ctx context.Context, facility string) iter.Seq2[Episode, error] {
	prefix := url.PathEscape(facility)
	return func(yield func(Episode, error) bool) {
		for rec, err := range o.store.Records(ctx, SpaceEpisodes, prefix+"/", prefix+"0") {
			var e episode
			if err == nil {
				err = decode(SpaceEpisodes, rec.Key, rec.Value, &e)
			}
			_, escaped, _ := strings.Cut(rec.Key, "/")
			maLK, bad := url.PathUnescape(escaped)
			if err == nil && bad != nil {
				err = fhir.Wrap(fhir.Internal, "delivery-record-unreadable", bad, string(SpaceEpisodes), rec.Key)
			}
			if !yield(Episode{MaLK: maLK, Claim: e.Claim}, err) || err != nil {
				return
			}
		}
	}
}

// Episode is an episode and the claim that holds it.
type Episode struct {
	MaLK  string
	Claim fhir.ID
}

// ClaimOfEpisode gives the claim that holds an episode, "" if there is none.
func (o *Outbox) ClaimOfEpisode(ctx context.Context, facility, maLK string) (fhir.ID, error) {
	var e episode
	_, err := o.readRow(ctx, SpaceEpisodes, url.PathEscape(facility)+"/"+url.PathEscape(maLK), &e)
	return e.Claim, err
}
