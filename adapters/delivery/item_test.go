package delivery

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir"
)

// Keys of rows are in logs and folders: they stay as they have always been written.
func TestKeysAreWrittenAsEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Map(rapid.Int64Range(1, 1<<50), func(n int64) fhir.Instant { return fhir.Instant(n) })
		it := Item{
			State: rapid.SampledFrom(States).Draw(t, "state"), Claim: fhir.ID(rapid.StringMatching(`[A-Za-z0-9.-]{1,64}`).Draw(t, "claim")),
			Version: fhir.Version(rapid.Uint64().Draw(t, "version")), Facility: rapid.String().Draw(t, "facility"),
			Due: instant.Draw(t, "due"), RunsOut: instant.Draw(t, "runs out"),
		}
		n := rapid.IntRange(1, 1_000_000).Draw(t, "attempt")
		key := fmt.Sprintf("%s/%010d", it.Claim, uint64(it.Version))
		for _, k := range [][2]string{
			{it.Key().String(), key},
			{it.dueKey(), fmt.Sprintf("%s/%s/%013d/%s", it.work(), url.PathEscape(it.Facility), int64(it.Due), key)},
			{it.clockKey(), fmt.Sprintf("%013d/%s", int64(it.RunsOut), key)},
			{bodyKey(it.Key(), n, Reply), fmt.Sprintf("%s/%04d/reply", key, n)},
		} {
			if k[0] != k[1] {
				t.Fatalf("%q, want %q", k[0], k[1])
			}
		}
	})
}

// What encode wrote, decode reads as encoding/json does, whatever texts the other side sent.
func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	words := rapid.String()
	reason := rapid.Custom(func(t *rapid.T) Reason {
		return Reason{Code: words.Draw(t, "code"), Path: words.Draw(t, "path"), Element: words.Draw(t, "element"), VI: string(rapid.SliceOf(rapid.Byte()).Draw(t, "vi")), EN: words.Draw(t, "en")}
	})
	rapid.Check(t, func(t *rapid.T) {
		why := reason.Draw(t, "reason")
		it := Item{
			State: Accepted, Claim: "c", Version: fhir.Version(rapid.Uint64().Draw(t, "version")), PB: rapid.Uint64().Draw(t, "pb"), Facility: words.Draw(t, "facility"),
			Episode: words.Draw(t, "episode"), Resend: rapid.Bool().Draw(t, "resend"), Created: fhir.Instant(rapid.Int64().Draw(t, "created")), Sends: rapid.Int().Draw(t, "sends"),
			Payment: &Payment{Settlement: words.Draw(t, "settlement")}, Overdue: []Clock{ClockReply}, Others: rapid.SliceOf(words).Draw(t, "others"),
			Reason: &why, Findings: rapid.SliceOf(reason).Draw(t, "findings"), Decided: &Ruling{Reason: words.Draw(t, "ruling")},
		}
		raw := encode(it)
		var want, got Item
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if err := decode(SpaceItems, "c", raw, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n%+v, want\n%+v", err, got, want)
		}
	})
}
