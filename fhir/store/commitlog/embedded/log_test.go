package embedded_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/embedded"
	"github.com/lienthong/lienthong/fhir/store/commitlog/logtest"
)

func TestLog(t *testing.T) {
	var mu sync.Mutex
	disks := map[string]vfs.FS{} // one for each test
	logtest.Run(t, logtest.Config{Open: func(t *testing.T, place string) commitlog.Log {
		mu.Lock()
		defer mu.Unlock()
		name := filepath.Join(t.Name(), place)
		if disks[name] == nil {
			disks[name] = vfs.NewMem()
		}
		l, err := embedded.Open("log", &pebble.Options{FS: disks[name]})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}})
}
