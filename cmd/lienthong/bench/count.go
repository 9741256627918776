package bench

import (
	"context"
	"encoding/json"

	"github.com/lienthong/lienthong/fhir/r4"
)

// countAll gives the number of current resources of a server, type by type.
func countAll(ctx context.Context, base string) (int, error) {
	total := 0
	for _, t := range r4.Types() {
		raw, err := get(ctx, base+"/"+string(t)+"?_summary=count")
		if err != nil {
			return 0, err
		}
		var page searchPage
		if err := json.Unmarshal(raw, &page); err != nil {
			return 0, err
		}
		total += page.Total
	}
	return total, nil
}
