// Package storetest is the one conformance suite of store.Store. Subtests are named by the promise that they prove:
// ATOMIC DURABLE LOSSLESS EXACT FRESH AS-OF COMPLETE FEED FENCED, and CUSTOM for added search parameters. Behaviour is asserted
// here and nowhere else; the test of an
// implementation is its Config.
//
// The suite's resources are small JSON documents that carry their own index entries (document.go), so that an engine can
// compute them anew with Index. A naive model in memory (model.go) says what a random history of commits must answer.
//
// Start reading at Run.
package storetest

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config says how to make the store under test.
type Config struct {
	// Open opens the store in dir, or opens it again. Its index functions must be Index and IndexWith. maxWaiting bounds its queue of
	// commits; 0 = whatever is usual.
	Open func(tb testing.TB, dir string, maxWaiting int) store.Store

	// Check verifies that the store is consistent; it runs at the end of each test.
	Check func(tb testing.TB, s store.Store)

	// CutPower gives the store as it would be found if the machine had lost power at this moment: what was not synced
	// may be lost. The old one is of no use afterwards. nil: not tested.
	CutPower func(tb testing.TB, s store.Store) store.Store

	// Child is the name of the test that calls Child, for the tests that kill a process; "" = not tested.
	Child string

	// LogElsewhere: a copy of the folder is not the whole store.
	LogElsewhere bool

	// Queries is how many random queries MODEL/random-queries asks; 0 = a few thousand.
	Queries int
}

// Run runs the whole suite.
func Run(t *testing.T, cfg Config) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Config)
	}{
		{"LOSSLESS/bytes-come-back", bytesComeBack},
		{"ATOMIC/refusal-leaves-no-trace", refusalLeavesNoTrace},
		{"ATOMIC/one-refused-put-refuses-all", oneRefusedRefusesAll},
		{"ATOMIC/bundle-of-25000", bigBundle},
		{"ATOMIC/readers-see-whole-commits", wholeCommits},
		{"ATOMIC/cancelled", cancelled},
		{"DURABLE/reopen", reopen},
		{"DURABLE/power-cut", powerCut},
		{"DURABLE/kill-9", killed},
		{"EXACT/conditions", conditions},
		{"EXACT/write-twice", writeTwice},
		{"EXACT/skip-if-equal", skipIfEqual},
		{"EXACT/conditional-create-race", createRace},
		{"EXACT/one-match", oneMatch},
		{"EXACT/lost-update-race", lostUpdateRace},
		{"EXACT/unique", unique},
		{"EXACT/unique-race", uniqueRace},
		{"EXACT/record-race", recordRace},
		{"EXACT/records", records},
		{"EXACT/busy", busy},
		{"FRESH/found-by-the-next-search", fresh},
		{"FRESH/records-changed", recordsChanged},
		{"AS-OF/pages-while-others-write", pages},
		{"AS-OF/beyond-the-head", beyondHead},
		{"COMPLETE/history", history},
		{"COMPLETE/history-pages", historyPages},
		{"COMPLETE/history-since-until", historySinceUntil},
		{"CUSTOM/built-while-others-write", builtWhileOthersWrite},
		{"CUSTOM/build-interrupted", buildInterrupted},
		{"CUSTOM/built-for-fences", builtForFences},
		{"CUSTOM/build-kill-9", buildKilled},
		{"FEED/resume", feedResume},
		{"FEED/wait", feedWait},
		{"FEED/outlines", outlines},
		{"LIVE/checkpoint", checkpoint},
		{"LIVE/close", closing},
		{"LIVE/ended-context", endedContext},
		{"LIMITS/work", workLimits},
		{"LIMITS/cancelled-search", cancelledSearch},
		{"SEARCH/iterate", iterate},
		{"SEARCH/plan", plans},
		{"SEARCH/ties", ties},
		{"FENCED/alike", fencedAlike},
		{"FENCED/together", fencedTogether},
		{"FENCED/chosen-ids", fencedChosen},
		{"FENCED/by-contained", fencedByContained},
		{"FENCED/named-meanwhile", fencedNamed},
		{"FENCED/conditions-in-common", fencedInCommon},
		{"FENCED/conditions-again-and-again", fencedAgainAndAgain},
		{"FENCED/random-histories", fencedHistories},
		{"FENCED/read-again", fencedAgain},
		{"FENCED/pages-while-others-write", fencedPages},
		{"FENCED/rights-taken-meanwhile", fencedRace},
		{"FENCED/found-for-another", fencedFound},
		{"MODEL/random-histories", randomHistories},
		{"MODEL/random-queries", randomQueries},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, cfg) })
	}
}

// open opens a store for one test, which ends with a check.
func open(t *testing.T, cfg Config) store.Store {
	t.Helper()
	s := cfg.Open(t, t.TempDir(), 0)
	t.Cleanup(func() {
		if !t.Failed() {
			cfg.Check(t, s)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// commit commits what must not be refused.
func commit(tb testing.TB, s store.Store, c store.Changes) store.Receipt {
	tb.Helper()
	r, err := s.Commit(ours(context.Background()), c)
	if err != nil {
		tb.Fatalf("commit: %v", err)
	}
	return r
}

// head gives the head, which every store knows at once.
func head(tb testing.TB, s store.Store) fhir.T {
	tb.Helper()
	t, err := s.Head(ours(context.Background()))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// random gives a generator whose seed is printed; STORETEST_SEED repeats a run.
func random(tb testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("STORETEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			tb.Fatalf("STORETEST_SEED: %v", err)
		}
		seed = n
	}
	tb.Logf("STORETEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
