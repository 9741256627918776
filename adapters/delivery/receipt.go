package delivery

import (
	"context"
	"net/url"
	"strings"

	"github.com/lienthong/lienthong/fhir/store"
)

// receipt says which file got a receipt number. A line that mixes replies up (a proxy, a reply that came twice on one
// connection) may bring the one of another file, which looks like an acceptance and is none.
type receipt struct {
	SHA256 string `json:"sha256"`
}

func receiptKey(maGiaoDich string) string { return url.PathEscape(maGiaoDich) }

// claimReceipt gives what must hold, and what is written, for a file to be the one that got a receipt number; ours is false
// if another file has it.
func (o *Outbox) claimReceipt(ctx context.Context, maGiaoDich, sha256 string) (require []store.Precondition, write []store.Record, ours bool, err error) {
	var r receipt
	key := receiptKey(maGiaoDich)
	raw, err := o.readRow(ctx, SpaceReceipts, key, &r)
	switch {
	case err != nil:
		return nil, nil, false, err
	case raw == nil:
		return []store.Precondition{store.RecordIs{Space: SpaceReceipts, Key: key}},
			[]store.Record{{Space: SpaceReceipts, Key: key, Value: encode(receipt{sha256})}}, true, nil
	}
	return nil, nil, strings.EqualFold(r.SHA256, sha256), nil
}
