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
	Item   string `json:"item"` // Key of the item that the file was sent for
}

func receiptKey(maGiaoDich string) string { return url.PathEscape(maGiaoDich) }

// claimReceipt gives what must hold, and what is written, for a file to be the one that got a receipt number. If another file
// has it, that one's row is given too, and to take its place is what is demanded and written.
func (o *Outbox) claimReceipt(ctx context.Context, maGiaoDich, sha256 string, k Key) (require []store.Precondition, write []store.Record, other *receipt, err error) {
	var r receipt
	key := receiptKey(maGiaoDich)
	raw, err := o.readRow(ctx, SpaceReceipts, key, &r)
	if err != nil {
		return nil, nil, nil, err
	}
	if raw != nil {
		if strings.EqualFold(r.SHA256, sha256) {
			return nil, nil, nil, nil
		}
		other = &r
	}
	return []store.Precondition{store.RecordIs{Space: SpaceReceipts, Key: key, Value: raw}},
		[]store.Record{{Space: SpaceReceipts, Key: key, Value: encode(receipt{sha256, k.String()})}}, other, nil
}

// disown takes an acceptance back that rested on a receipt number which, by the answer of a status query, is another file's:
// the item is unknown again.
func (o *Outbox) disown(ctx context.Context, r receipt, maGiaoDich string) error {
	k, ok := parseKey(r.Item)
	if !ok {
		return nil
	}
	row, err := o.Load(ctx, k)
	if err != nil || row.State != Accepted || row.MaGiaoDich != maGiaoDich {
		return err
	}
	_, err = o.move(ctx, row, move{to: Unknown, edit: func(it *Item, _ head) {
		it.MaGiaoDich, it.Due, it.Reason = "", o.now(), Because(ReasonOtherReceipt)
	}})
	return err
}
