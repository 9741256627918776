package bhxh

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
)

// stamp is a Signer that can be out of order, as a token can.
type stamp struct {
	broken atomic.Bool
	signed atomic.Int64
}

func (s *stamp) Sign(_ context.Context, maCSKCB string, file []byte) ([]byte, error) {
	if s.broken.Load() {
		return nil, errors.New("the token was pulled out")
	}
	s.signed.Add(1)
	return bytes.Replace(file, []byte("<CHUKYDONVI/>"), []byte("<CHUKYDONVI><S>"+maCSKCB+"</S></CHUKYDONVI>"), 1), nil
}

// A file that cannot be signed does not leave the house, and goes as soon as it can be.
func TestClaimsAreSignedBeforeTheyLeave(t *testing.T) {
	w := newWorld(t)
	s := &stamp{}
	s.broken.Store(true)
	w.sync.Signer = s
	k := w.claim("c1", "a")
	w.slots(time.Minute)
	w.wantState(k, delivery.Queued)
	if n := len(w.mock.Rows()); n != 0 {
		t.Fatalf("%d files were sent without a signature", n)
	}
	s.broken.Store(false)
	w.slots(time.Minute)
	if w.item(k).State == delivery.Queued || len(w.mock.Rows()) != 1 || s.signed.Load() != 1 {
		t.Errorf("%+v, %d rows, %d signatures", w.item(k), len(w.mock.Rows()), s.signed.Load())
	}
	w.once()
}
