package bhxhmock_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// Whoever opens the portal's address learns what it is and where to look; the panel is offered only where it is.
func TestTheFrontPageLeadsOn(t *testing.T) {
	for _, on := range []bool{false, true} {
		p := start(t, bhxhmock.Options{Panel: on})
		p.post(small("LK1", "", 1000))
		_, raw := p.get("/")
		page := string(raw)
		paths := wire.DefaultPaths()
		for _, want := range []string{`href="ledger.ndjson"`, "1 dòng", paths.Take, paths.CheckIn, paths.Send4750, paths.Send3176, paths.Status, paths.Batches, paths.Settlement, paths.Card} {
			if !strings.Contains(page, want) {
				t.Errorf("no %s on %s", want, page)
			}
		}
		if strings.Contains(page, `href="panel"`) != on {
			t.Errorf("panel %v: %s", on, page)
		}
		if res, _ := p.get("/elsewhere"); res.StatusCode != http.StatusNotFound {
			t.Errorf("elsewhere: %s", res.Status)
		}
	}
}
