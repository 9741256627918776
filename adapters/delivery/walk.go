package delivery

import (
	"context"
	"iter"
	"slices"

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
