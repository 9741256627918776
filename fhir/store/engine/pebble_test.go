package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A fault that repeats is told once a second, with how often it came meanwhile.
func TestFaultsOfPebbleDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := &pebbleLog{log: slog.New(slog.NewTextHandler(&out, nil)), now: func() time.Time { return now }}
	for range 1000 {
		l.Errorf("write %s: no space left on device", "x.sst")
	}
	now = now.Add(faultsEvery)
	l.Errorf("write %s: no space left on device", "y.sst")
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), `unlogged=999`) {
		t.Errorf("%d lines: %.500s", n, out.String())
	}
}
