package storetest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/store"
)

// customChild is the name of a child that adds parameters.
const customChild = "custom"

// scribbleUntilKilled writes on and on; the first child also adds parameters.
func scribbleUntilKilled(t *testing.T, s store.Store) {
	w := &world{t: t, rng: rand.New(rand.NewPCG(rand.Uint64(), 2)), s: s}
	if readKnown(t, s).state == nil {
		define(t, s, 0, -1)
	}
	fmt.Println("ack defined")
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		w.scribble()
	}
}

// buildKilled: processes that write while parameters are built are killed with SIGKILL at random moments; the build goes on
// in the next one, and in the end everything is indexed.
func buildKilled(t *testing.T, cfg Config) {
	if cfg.Child == "" {
		t.Skip("this store does not survive its process")
	}
	w, _ := addedWorld(t, cfg)
	defer w.leave()
	bulk(t, w.s, 3000)
	if err := w.s.Close(); err != nil {
		t.Fatal(err)
	}
	rounds, unfinished := 5, 0
	for range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^"+cfg.Child+"$", "-test.v")
		cmd.Env = append(os.Environ(), childDir+"="+w.dir, childName+"="+customChild)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for in := bufio.NewScanner(out); in.Scan(); {
			if strings.HasPrefix(in.Text(), "ack") {
				time.AfterFunc(time.Duration(w.rng.IntN(25))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // it was killed
		w.s = cfg.Open(t, w.dir, 0)
		if !isBuilt(w.s.(store.ParamBuilder), 0) {
			unfinished++
		}
		if err := w.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d kills left the build unfinished", unfinished, rounds)
	w.s = cfg.Open(t, w.dir, 0)
	awaitBuilt(t, w.s.(store.ParamBuilder), 0, func() {})
	w.twins = 0
	w.end(20)
}
