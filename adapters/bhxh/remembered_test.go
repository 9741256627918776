package bhxh

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
)

// What is remembered of a claim that was sent is what would be read of that version; a server that remembers nothing comes to the same.
func TestWhatIsRememberedIsWhatIsRead(t *testing.T) {
	var responses []string
	for _, forgets := range []bool{false, true} {
		w := newWorld(t)
		k := w.claim("c1", "a")
		w.slots(10 * time.Second)
		w.wantState(k, delivery.Accepted)
		read, err := w.sync.claim(ours(context.Background()), w.item(k))
		if err != nil {
			t.Fatal(err)
		}
		kept, ok := w.sync.remembered.of[k]
		if want := mapping.ClaimedIn(read.Root(), mapping.Systems{}); !ok || !reflect.DeepEqual(kept, want) {
			t.Fatalf("remembered %v %+v, read %+v", ok, kept, want)
		}
		if forgets {
			w.connect(w.portal.URL)
		}
		w.slots(time.Minute + 10*time.Second)
		w.wantState(k, delivery.Assessed)
		if n := len(w.sync.remembered.of); n != 0 {
			t.Errorf("%d claims are remembered after their results", n)
		}
		f, err := w.store.Read(ours(context.Background()), fhir.Key{Type: "ClaimResponse", ID: "claim-response-c1"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		patient := read.Root().Get("patient").Get("reference").Text() // each server gives the patient an id of its own
		responses = append(responses, strings.ReplaceAll(string(f.Stored.Body), patient, "Patient/p"))
	}
	if responses[0] != responses[1] {
		t.Errorf("remembered:\n%s\nread:\n%s", responses[0], responses[1])
	}
}

// The newest are remembered, and no more than there is room for.
func TestClaimsAreForgotten(t *testing.T) {
	var r remembered
	key := func(i int) delivery.Key { return delivery.Key{Claim: fhir.ID(fmt.Sprint("c", i)), Version: 1} }
	const more = 100
	for i := range maxRemembered + more {
		r.keep(key(i), mapping.Claimed{})
		r.keep(key(i), mapping.Claimed{}) // sent twice: it takes two places
		if i%3 == 0 {
			r.take(key(i))
		}
	}
	if len(r.of) > maxRemembered || len(r.last) != maxRemembered {
		t.Errorf("%d of %d are remembered", len(r.of), maxRemembered)
	}
	for i := range maxRemembered + more {
		_, ok := r.take(key(i))
		if last := maxRemembered + more - 1 - i; ok && (i%3 == 0 || last > maxRemembered) || !ok && i%3 != 0 && last < maxRemembered/2 {
			t.Errorf("claim %d of %d is remembered: %v", i, maxRemembered+more, ok)
		}
	}
	if len(r.of) != 0 {
		t.Errorf("%d are remembered after they were taken", len(r.of))
	}
}
