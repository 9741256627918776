package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// childDir and childName tell a child process its store and what its writers are called.
const (
	childDir  = "STORETEST_CHILD_DIR"
	childName = "STORETEST_CHILD_NAME"
)

// Child is the body of the test named by Config.Child. In a process that the suite started it commits bundles and prints
// a line for each receipt until it is killed; anywhere else it skips.
func Child(t *testing.T, cfg Config) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs only as a child of DURABLE/kill-9")
	}
	s := cfg.Open(t, dir, 0)
	if os.Getenv(childName) == customChild {
		scribbleUntilKilled(t, s)
		return
	}
	acks := make(chan ack)
	for w := range 4 {
		go writer(ours(context.Background()), s, fmt.Sprintf("%s-%d", os.Getenv(childName), w), acks)
	}
	// A child whose parent is gone must not run on.
	deadline := time.After(time.Minute)
	for {
		select {
		case a := <-acks:
			fmt.Printf("ack %s %d\n", a.name, a.receipt.T)
		case <-deadline:
			return
		}
	}
}

// Kill runs the tests that kill a process, and nothing else of the suite.
func Kill(t *testing.T, cfg Config) {
	t.Run("DURABLE/kill-9", func(t *testing.T) { killed(t, cfg) })
	t.Run("CUSTOM/build-kill-9", func(t *testing.T) { buildKilled(t, cfg) })
}

// killed: a child process commits and reports; it is killed with SIGKILL at a random moment, also during its start and
// its replay; then the store is opened here and everything acknowledged must be there, whole. Many rounds, one folder.
func killed(t *testing.T, cfg Config) {
	if cfg.Child == "" {
		t.Skip("this store does not survive its process")
	}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	rng := random(t)
	dir := t.TempDir()
	acked := map[string]store.Receipt{}
	known := fhir.T(0)
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^"+cfg.Child+"$", "-test.v")
		cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childName, round))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wanted := rng.IntN(150)
		after := time.Duration(rng.IntN(30)) * time.Millisecond
		if round == 0 {
			wanted = 100
		}
		lines := make(chan string)
		go func() {
			defer close(lines)
			for in := bufio.NewReader(out); ; {
				line, err := in.ReadString('\n')
				if err != nil { // a line that was cut off is no acknowledgement
					if err != io.EOF {
						t.Logf("reading from the child: %v", err)
					}
					return
				}
				lines <- line
			}
		}()
		var kill <-chan time.Time // set once enough was acknowledged
		if wanted == 0 {
			kill = time.After(after)
		}
		for got, open := 0, true; open; {
			select {
			case <-kill:
				_ = cmd.Process.Kill() // it may have ended by itself
				kill = nil
			case line, more := <-lines: // what was printed before the end counts
				open = more
				var name string
				var n fhir.T
				if _, err := fmt.Sscanf(line, "ack %s %d\n", &name, &n); err != nil {
					continue // the test framework's own lines
				}
				acked[name] = store.Receipt{T: n}
				if got++; got == wanted {
					kill = time.After(after)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		s := cfg.Open(t, dir, 0)
		known = verifyAcked(t, s, acked, known)
		if round == rounds-1 {
			cfg.Check(t, s)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged bundles over %d kills", len(acked), rounds)
}
