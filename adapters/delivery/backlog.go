package delivery

import (
	"net/url"

	"github.com/lienthong/lienthong/fhir/store"
)

// Backlog gives the rows that Enqueue would write for items that wait, without their Claims: for measuring what a long outbox costs, and
// for nothing else. Each item is the only version of its claim.
func (o *Outbox) Backlog(items []Item) []store.Record {
	var out []store.Record
	for _, it := range items {
		it.State = Queued
		o.timed(&it)
		out = append(out, itemRecords(nil, Row{Item: it, raw: encode(it)})...)
		out = append(out,
			store.Record{Space: SpaceHeads, Key: string(it.Claim), Value: encode(head{Version: it.Version})},
			store.Record{Space: SpaceEpisodes, Key: url.PathEscape(it.Facility) + "/" + url.PathEscape(it.Episode), Value: encode(episode{Claim: it.Claim, PB: it.PB})})
	}
	return out
}
