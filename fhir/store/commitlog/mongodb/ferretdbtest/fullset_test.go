package ferretdbtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSetFull: the disks of all members of a set are full. A mongod that cannot write its journal ends, so the set is out of reach:
// nothing that was refused is there, all that was acknowledged is, and the server goes on by itself when there is room and a primary.
// The disks are small ones in memory, which only root may mount.
func TestSetFull(t *testing.T) {
	t.Run("DURABLE/replica-set", func(t *testing.T) {
		program := os.Getenv(Mongod)
		if program == "" {
			t.Skipf("SKIPPED: %s is not set, so there is no replica set whose disks could be full", Mongod)
		}
		dir := t.TempDir()
		var ballast []string
		for i := range 3 {
			at := filepath.Join(dir, fmt.Sprint("member-", i))
			if err := os.Mkdir(at, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size=600m"); err != nil {
				t.Skipf("SKIPPED: no small disk can be mounted: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
			ballast = append(ballast, filepath.Join(at, "ballast"))
		}
		set, err := StartSet(program, dir, Harmed)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = set.Close() })
		s := set.Server(t)
		p := newProcess(t, s, "--metrics-listen", "127.0.0.1:0", "--log-timeout", "8s")
		there := putAll(t, p, "before", 5)
		for _, file := range ballast {
			var disk syscall.Statfs_t
			if err := syscall.Statfs(filepath.Dir(file), &disk); err != nil {
				t.Fatal(err)
			}
			if err := fillUp(file, int64(disk.Bavail)*disk.Bsize-(8<<20)); err != nil {
				t.Fatal(err)
			}
		}
		var refused []string
		for n := 0; len(refused) < 3; n++ {
			if n == 2000 {
				t.Fatal("the disks do not fill up")
			}
			id := fmt.Sprint("while-", n)
			status, raw, err := p.put(id, noise(n, 400_000))
			if err != nil {
				t.Fatal(err)
			}
			switch said := codeOf(t, status, raw); said {
			case "":
				there = append(there, id)
			case "log-unknown":
			default:
				if !strings.HasPrefix(said, "log-") {
					t.Fatal(said)
				}
				refused = append(refused, id)
			}
		}
		said := health(t, p, "vi")
		if !strings.Contains(said, "not ready: log-") || !strings.Contains(said, "ật ký") || strings.Contains(said, "127.") {
			t.Errorf("/readyz: %q", said)
		}
		t.Logf("%d writes were taken; then %q", len(there), said)
		for _, file := range ballast {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if err := set.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		green(t, p)
		there = append(there, putAll(t, p, "after", 5)...)
		has(t, p, there, refused)
		has(t, newProcess(t, s), there, refused)
	})
}

// fillUp writes a file of so many bytes.
func fillUp(file string, size int64) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	for block := make([]byte, 1<<20); size > 0 && err == nil; size -= int64(len(block)) {
		_, err = f.Write(block[:min(size, int64(len(block)))])
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
