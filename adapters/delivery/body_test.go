package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// What was sent and what came back is there byte by byte, as the hashes of the attempt say; also of an answer that came late.
func TestBodiesOfAttemptsAreKept(t *testing.T) {
	w := newWorld(t)
	k := w.mustWrite("c1", "LK-1", "active", "a")
	file, reply := []byte("<GIAMDINHHS>"+strings.Repeat("Viện phí ", 5000)+"</GIAMDINHHS>"), []byte(`{"maKetQua":"200","maGiaoDich":"GD1"}`)
	d, err := w.outbox.Begin(ctx, w.row(k), w.slot(), file, time.Minute)
	if err != nil || d == nil {
		t.Fatal(err)
	}
	if got, err := w.outbox.Body(ctx, k, 1, Request); err != nil || !bytes.Equal(got, file) {
		t.Errorf("the file before it is answered: %v, %d bytes", err, len(got))
	}
	_, err = w.outbox.Body(ctx, k, 1, Reply)
	wantCode(t, err, "delivery-body-unknown")
	w.Advance(time.Hour) // given up as unknown, and then answered after all
	if n, err := w.outbox.Lost(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := w.outbox.Finish(ctx, d, Result{State: Accepted, MaGiaoDich: "GD1", Reply: reply}); err != nil {
		t.Fatal(err)
	}
	got, err := w.outbox.Body(ctx, k, 1, Reply)
	if err != nil || !bytes.Equal(got, reply) {
		t.Errorf("the late answer: %v %q", err, got)
	}
	at, err := w.outbox.attempts(ctx, k)
	if sum := sha256.Sum256(file); err != nil || at[0].SHA256 != hex.EncodeToString(sum[:]) || !at[0].Late {
		t.Errorf("%v %+v", err, at)
	}
}

func TestBodiesAreNotKeptWhereHashesSuffice(t *testing.T) {
	w := newWorld(t)
	w.outbox.HashesOnly = true
	k := w.mustWrite("c1", "LK-1", "active", "a")
	if d, err := w.outbox.Begin(ctx, w.row(k), w.slot(), []byte("<file/>"), time.Minute); err != nil || d == nil {
		t.Fatal(err)
	}
	for range w.store.Records(ctx, SpaceBodies, "", "") {
		t.Error("a body was kept")
	}
}
