package audit

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/lienthong/lienthong/fhir"
)

func newSigner(t *testing.T) (note.Signer, string) { return signerOf(t, "test-server") }

func signerOf(t *testing.T, name string) (note.Signer, string) {
	t.Helper()
	secret, public, err := NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

func openJournal(t *testing.T, dir string, s note.Signer) *Journal {
	t.Helper()
	j, err := Open(dir, Options{Signer: s, SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func sample(n int) *Entry {
	return &Entry{At: time.Unix(int64(1_700_000_000+n), 0).UTC(), Do: "read", On: fmt.Sprintf("Patient/p%d", n), People: []string{fmt.Sprintf("p%d", n%7)},
		Gave: []string{fmt.Sprintf("Patient/p%d/_history/1", n)}, Status: 200, Request: fmt.Sprintf("r%d", n)}
}

// fill appends n entries by several goroutines, and signs now and then.
func fill(t *testing.T, j *Journal, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				if err := j.Append(t.Context(), sample(i)); err != nil {
					t.Error(err)
					return
				}
				if i%50 == 0 {
					if _, err := j.Checkpoint(time.Now()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func verify(t *testing.T, dir, public string, elsewhere ...[]byte) Verified {
	t.Helper()
	v, err := Verify(dir, []string{public}, nil, elsewhere...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatWasAppendedIsThereAndVerifies(t *testing.T) {
	dir := t.TempDir()
	s, public := newSigner(t)
	for round := range 3 {
		j := openJournal(t, dir, s)
		fill(t, j, 200)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if v := verify(t, dir, public); !v.OK() || v.Lines != uint64(200*(round+1)) || v.Signed != v.Lines || v.Origin != "test-server" {
			t.Fatalf("round %d: %+v", round, v)
		}
	}
	if all, _ := segments(dir); len(all) < 5 {
		t.Errorf("only %d files: the test does not cross their bounds", len(all))
	}
	j := openJournal(t, dir, s)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), sample(1)); err == nil {
		t.Error("a closed journal took an entry")
	}
}

// TestTamperingShows changes what lies on disk in every way that a thief might, and expects to be told each time.
func TestTamperingShows(t *testing.T) {
	dir := t.TempDir()
	s, public := newSigner(t)
	j := openJournal(t, dir, s)
	fill(t, j, 120)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := readCheckpoints(dir)
	last := []byte(signed[len(signed)-1].Note)
	edit := func(t *testing.T, name string, change func([][]byte) [][]byte) Verified {
		t.Helper()
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(copied, name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := change(bytes.SplitAfter(raw, []byte("\n")))
		if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return verify(t, copied, public, last)
	}
	for i, first := range all {
		if i+1 == len(all) && 120-first < 3 {
			continue // of so few lines a doubled one is one more at the end, which is signed by nobody yet
		}
		name := filepath.Base(segmentPath(dir, first))
		for what, change := range map[string]func([][]byte) [][]byte{
			"one byte": func(l [][]byte) [][]byte {
				l[0] = bytes.Replace(l[0], []byte("Patient"), []byte("Patienz"), 1)
				return l
			},
			"one removed":   func(l [][]byte) [][]byte { return l[1:] },
			"one doubled":   func(l [][]byte) [][]byte { return append([][]byte{l[0]}, l...) },
			"two exchanged": func(l [][]byte) [][]byte { l[0], l[1] = l[1], l[0]; return l },
			"the end cut":   func(l [][]byte) [][]byte { return l[:len(l)-2] },
		} {
			if v := edit(t, name, change); v.OK() {
				t.Errorf("%s, %s: nobody noticed", name, what)
			}
		}
	}
	// All checkpoints after the change taken away as well: the one that was kept elsewhere still tells.
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, first := range all[1:] {
		if err := os.Remove(segmentPath(copied, first)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(copied, checkpointsFile)); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, copied, public, last); v.OK() {
		t.Error("a journal without its end and its checkpoints passed")
	}
	_, other := newSigner(t)
	if v := verify(t, dir, other); v.OK() {
		t.Error("checkpoints by a key that is not known passed")
	}
	if v := verify(t, dir, public, last); !v.OK() {
		t.Errorf("the journal itself: %v", v.Faults)
	}
}

// TestRestartAtEveryByte cuts the file being written at every place where a crash may have left it: what was whole stays,
// the rest goes, and the journal goes on.
func TestRestartAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	s, public := newSigner(t)
	j := openJournal(t, dir, s)
	for i := range 5 {
		if err := j.Append(t.Context(), sample(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Checkpoint(time.Now()); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 0)
	reserved, _ := os.ReadFile(path)
	signedBytes := bytes.TrimRight(reserved, "\x00")
	if len(reserved) == len(signedBytes) {
		t.Fatal("nothing is reserved behind the lines of a file that is being written")
	}
	for i := range 3 {
		if err := j.Append(t.Context(), sample(10+i)); err != nil {
			t.Fatal(err)
		}
	}
	checkpoints, _ := os.ReadFile(filepath.Join(dir, checkpointsFile))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	for cut := len(signedBytes); cut <= len(whole); cut += 1 + rand.IntN(5) {
		crashed := t.TempDir()
		torn := bytes.Clone(whole[:cut])
		switch left := len(whole) - cut; {
		case left < 2 || rand.IntN(3) == 0: // the file grew up to here
		default: // it had been reserved, and of what was being written a later part may have come to the disk before an earlier one
			torn = append(torn, make([]byte, 1+rand.IntN(left-1))...)
			if rand.IntN(2) == 0 {
				torn = append(torn, whole[len(torn):]...)
			}
			torn = append(torn, make([]byte, rand.IntN(5000))...)
		}
		if err := os.WriteFile(segmentPath(crashed, 0), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		half := rand.IntN(len(checkpoints)) // the next checkpoint was being written
		if err := os.WriteFile(filepath.Join(crashed, checkpointsFile), append(bytes.Clone(checkpoints), checkpoints[:half]...), 0o600); err != nil {
			t.Fatal(err)
		}
		j := openJournal(t, crashed, s)
		want := uint64(bytes.Count(whole[:cut], []byte("\n")))
		if j.Size() != want {
			t.Fatalf("cut at %d: %d lines, want %d", cut, j.Size(), want)
		}
		if err := j.Append(t.Context(), sample(20)); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if v := verify(t, crashed, public); !v.OK() || v.Lines != want+1 {
			t.Fatalf("cut at %d: %+v", cut, v)
		}
	}
	shorter := whole[:len(signedBytes)-3]
	for _, left := range [][]byte{shorter, append(bytes.Clone(shorter), make([]byte, 1000)...)} {
		if err := os.WriteFile(path, left, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{Signer: s}); err == nil || !strings.Contains(err.Error(), "taken away") {
			t.Errorf("a journal that is shorter than its checkpoint was opened: %v", err)
		}
	}
}

func TestAPersonsEntriesAreFoundNewestFirst(t *testing.T) {
	dir := t.TempDir()
	s, _ := newSigner(t)
	j := openJournal(t, dir, s)
	for i := range 150 {
		if err := j.Append(t.Context(), sample(i)); err != nil {
			t.Fatal(err)
		}
		if i%37 == 0 {
			for person := range 8 { // asking in between makes indexes of files that are not full yet
				var got []string
				for e, err := range j.About(t.Context(), fhir.ID(fmt.Sprintf("p%d", person)), time.Time{}, time.Time{}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, e.On)
				}
				var want []string
				for n := i; n >= 0; n-- {
					if n%7 == person {
						want = append(want, fmt.Sprintf("Patient/p%d", n))
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("after %d, p%d: %v, want %v", i, person, got, want)
				}
			}
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, dir, s)
	n := 0
	from, to := sample(20).At, sample(100).At
	for e, err := range j.About(t.Context(), "p3", from, to) {
		if err != nil || e.At.Before(from) || e.At.After(to) {
			t.Fatal(e, err)
		}
		n++
	}
	if n != 11 { // 24, 31, ..., 94
		t.Errorf("%d entries in the time asked for", n)
	}
}

func TestADiskThatTakesNoMoreEndsAnswers(t *testing.T) {
	dir := t.TempDir()
	s, _ := newSigner(t)
	j, err := Open(dir, Options{Signer: s, SegmentBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Append(t.Context(), sample(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Append(context.Background(), sample(2)); err == nil || !strings.Contains(err.Error(), "audit-halted") {
			t.Errorf("an entry for a journal whose folder is gone: %v", err)
		}
	}
}
