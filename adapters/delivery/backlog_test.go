package delivery

import (
	"context"
	"maps"
	"testing"

	"github.com/lienthong/lienthong/fhir/store"
)

// A backlog for measuring has the rows that Enqueue writes.
func TestABacklogHasTheRowsOfEnqueue(t *testing.T) {
	w := newWorld(t)
	rows := func() map[string]string {
		m := map[string]string{}
		for _, space := range []store.Space{SpaceItems, SpaceHeads, SpaceEpisodes, SpaceDue, SpaceClocks} {
			for rec, err := range w.store.Records(ours(context.Background()), space, "", "") {
				if err != nil {
					t.Fatal(err)
				}
				m[string(space)+"|"+rec.Key] = string(rec.Value)
			}
		}
		return m
	}
	k := w.mustWrite("c1", "LK-1", "active", "x")
	enqueued := rows()
	row, err := w.outbox.Load(ours(context.Background()), k)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, rec := range w.outbox.Backlog([]Item{{Claim: row.Claim, Version: row.Version, PB: row.PB, Facility: row.Facility, Episode: row.Episode, Sender: row.Sender,
		Patient: row.Patient, Created: row.Created, Since: row.Since, Due: row.Due}}) {
		made[string(rec.Space)+"|"+rec.Key] = string(rec.Value)
	}
	if !maps.Equal(made, enqueued) {
		t.Errorf("made\n%v\nenqueued\n%v", made, enqueued)
	}
}
