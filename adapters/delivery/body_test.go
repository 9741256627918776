package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
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

// A dictionary that bodies were packed with never changes.
func TestDictionariesStayAsTheyAre(t *testing.T) {
	if sum := sha256.Sum256(dictionary1); hex.EncodeToString(sum[:]) != "002d830042aba666c29647dfa4cb7e6b6d18c28e98f9ce68aa0c492f1b430391" {
		t.Errorf("dictionary 1 is another one, %x: bodies packed with it cannot be unpacked", sum)
	}
}

// Bodies of before are unpacked as those of now: bytes as they stand in stores. With a dictionary that is not known there is an error,
// not another body.
func TestBodiesOfBeforeAreUnpacked(t *testing.T) {
	file := []byte("<?xml version=\"1.0\"?><X>" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("<TONG_HOP>\n  <MA_LK>51901-1</MA_LK>\n", 60))) + "</X>")
	packers := map[string]func(o ...zstd.EOption) []byte{
		"as it was": func(o ...zstd.EOption) []byte { return encodeAll(t, file, packed, o...) },
		"opened":    func(o ...zstd.EOption) []byte { return encodeAll(t, openBase64(file), opened, o...) },
	}
	for name, pack := range packers {
		if got, err := Unpack(pack()); err != nil || !bytes.Equal(got, file) {
			t.Errorf("%s, without a dictionary: %d bytes, %v", name, len(got), err)
		}
		if got, err := Unpack(pack(zstd.WithEncoderDictRaw(dictionary1ID, dictionary1))); err != nil || !bytes.Equal(got, file) {
			t.Errorf("%s, with the first: %d bytes, %v", name, len(got), err)
		}
		if got, err := Unpack(pack(zstd.WithEncoderDictRaw(dictionary1ID+1, dictionary1))); err == nil {
			t.Errorf("%s, with an unknown one: %d bytes", name, len(got))
		}
	}
	for i, kept := range keptBefore {
		raw, err := base64.StdEncoding.DecodeString(kept)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Unpack(raw); err != nil || !bytes.Equal(got, file) {
			t.Errorf("kept %d: %d bytes, %v", i, len(got), err)
		}
	}
}

// keptBefore are rows of the file above: without a dictionary, with the first.
var keptBefore = []string{
	"Yii1L/1kkAdVAgDkAxg8P3htbCB2ZXJzaW9uPSIxLjAiPz48WD7wEDxUT05HX0hPUD4KICA8TUFfTEs+NTE5MDEtMTwvCgQ8L1g+AgBJOMoLFGxCAe2KaoE=",
	"Yii1L/1mAYCQB00BAEQBGD8+PFg+8BA1MTkwMS1LBDwvWD4FADU4ygfgU10xmhXOM22pJ/kK7YpqgQ==",
}

// encodeAll packs body as Pack did or may do.
func encodeAll(t *testing.T, body []byte, form byte, o ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(body, []byte{form})
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
