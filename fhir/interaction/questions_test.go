package interaction_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// askedLog counts the questions for the head of a log.
type askedLog struct {
	commitlog.Log
	questions atomic.Int64
}

func (l *askedLog) Head(ctx context.Context) (fhir.T, error) {
	l.questions.Add(1)
	return l.Log.Head(ctx)
}

// A transaction asks for the head of a log that servers share once, whatever it has of criteria, and they see what another server
// acknowledged before it came (FRESH).
func TestTransactionAsksOnce(t *testing.T) {
	shared, err := embedded.OpenFolder(nil, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	over := func(l commitlog.Log) *interaction.Service {
		return interaction.New(interaction.Config{Store: enginetest.Open(t, engine.Options{Log: l, Poll: time.Hour})})
	}
	log := &askedLog{Log: shared}
	here, there := over(log), over(shared)
	var entries []string
	for i := range 40 {
		entries = append(entries, entryOf("PUT", fmt.Sprintf("Patient?identifier=u|v%d", i), "", fmt.Sprintf("v%d", i), ""))
	}
	acknowledged, err := there.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entries[:20]...)), interaction.BundleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := log.questions.Load()
	answers, err := here.Transaction(ours(t.Context()), doc(t, "%s", transactionOf(entries...)), interaction.BundleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := log.questions.Load() - before; n != 1 {
		t.Errorf("%d questions for the head", n)
	}
	for i, a := range acknowledged {
		if got := answers[i].Result.Key; got != a.Result.Key {
			t.Errorf("entry %d writes %s, and %s is there", i, got, a.Result.Key)
		}
	}
}
