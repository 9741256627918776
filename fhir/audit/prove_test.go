package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TRACED: what is shown of a journal is held against its signed checkpoint by one who has the public key and nothing else.
func TestProvenLinesVerifyAlone(t *testing.T) {
	signer, public := newSigner(t)
	dir := t.TempDir()
	j := openJournal(t, dir, signer)
	if _, err := j.Prove(t.Context(), []string{"x"}, func(*Entry) bool { return true }); err == nil {
		t.Error("proved without a checkpoint")
	}
	for i := range 300 { // several segments
		if err := j.Append(t.Context(), sample(i)); err != nil {
			t.Fatal(err)
		}
		if i < 40 || i%37 == 0 { // trees of every small size
			if _, err := j.Checkpoint(time.Now()); err != nil {
				t.Fatal(err)
			}
			prove(t, j, public, i+1)
		}
	}
	if err := j.Append(t.Context(), sample(300)); err != nil {
		t.Fatal(err)
	}
	p := prove(t, j, public, 297) // the newest is under no checkpoint yet
	if _, _, err := p.Verify([]string{otherKey(t)}); err == nil {
		t.Error("verified by a foreign key")
	}
}

func otherKey(t *testing.T) string {
	_, public := newSigner(t)
	return public
}

// prove proves the lines of two persons, and that any change of it shows.
func prove(t *testing.T, j *Journal, public string, size int) Proof {
	t.Helper()
	texts := []string{`"Patient/p3/`, `"Patient/p13/`, `"Patient/p170/`}
	p, err := j.Prove(t.Context(), texts, func(e *Entry) bool { return e.On != "Patient/p13" })
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, n := range []int{3, 170} {
		if n < size {
			want = append(want, fmt.Sprintf("Patient/p%d", n))
		}
	}
	c, entries, err := p.Verify([]string{public})
	if err != nil || c.Size != uint64(size) {
		t.Fatalf("size %d, want %d: %v", c.Size, size, err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.On)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("proved %v, want %v", got, want)
	}
	for i := range p.Lines {
		withheld := clone(t, p)
		withheld.Lines[i] = withheld.Lines[i].Withhold()
		if _, entries, err := withheld.Verify([]string{public}); err != nil || entries[i].On != "" {
			t.Errorf("withheld line %d: %v", i, err)
		}
		for name, spoil := range map[string]func(l *Proven){
			"text":          func(l *Proven) { l.Line = strings.Replace(l.Line, `"read"`, `"vread"`, 1) },
			"index":         func(l *Proven) { l.Index++ },
			"path":          func(l *Proven) { l.Path[0][0] ^= 1 },
			"shorter":       func(l *Proven) { l.Path = l.Path[1:] },
			"longer":        func(l *Proven) { l.Path = append(l.Path, l.Path[0]) },
			"two of it":     func(l *Proven) { l.Leaf = bytes.Repeat([]byte{1}, 32) },
			"none of it":    func(l *Proven) { l.Line = "" },
			"another hash":  func(l *Proven) { l.Line, l.Leaf = "", bytes.Repeat([]byte{1}, 32) },
			"not any entry": func(l *Proven) { l.Line = "{" },
		} {
			if len(p.Lines[i].Path) == 0 {
				continue
			}
			bad := clone(t, p)
			spoil(&bad.Lines[i])
			if _, _, err := bad.Verify([]string{public}); err == nil {
				t.Errorf("size %d, line %d: %s was changed and it verifies", size, i, name)
			}
		}
	}
	bad := clone(t, p)
	bad.Checkpoint = strings.Replace(bad.Checkpoint, "\n"+fmt.Sprint(size)+"\n", "\n"+fmt.Sprint(size+1)+"\n", 1)
	if _, _, err := bad.Verify([]string{public}); err == nil {
		t.Error("the checkpoint's size was changed and it verifies")
	}
	return p
}

func clone(t *testing.T, p Proof) (out Proof) {
	t.Helper()
	raw, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A signed note of ours is no checkpoint, and no checkpoint is one of ours.
func TestNotesAreOpenedByTheirKey(t *testing.T) {
	signer, public := newSigner(t)
	j := openJournal(t, t.TempDir(), signer)
	signed, err := j.Sign("a text\nof two lines\n")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := OpenNote(signed, []string{otherKey(t), public}); err != nil || text != "a text\nof two lines\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := OpenNote(bytes.Replace(signed, []byte("two"), []byte("ten"), 1), []string{public}); err == nil {
		t.Error("a changed note was opened")
	}
	if _, _, err := (Proof{Checkpoint: string(signed)}).Verify([]string{public}); err == nil {
		t.Error("a note was taken for a checkpoint")
	}
}
