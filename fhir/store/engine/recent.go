package engine

import (
	"sync/atomic"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// recent holds what was read of versions lately, found by what the row i says which version is the newest (FRESH): a version's
// document never changes, and its row changes only where the builder adds what it can be found by (forget). What is not
// there is read. A place holds the last version that came there, so nobody has to wait for anybody.
type recent struct {
	epoch  atomic.Uint64 // rows that were read in an older one may have changed
	places [recentPlaces]atomic.Pointer[recentVersion]
}

// recentPlaces versions of at most recentBytes are 16 MiB if all are as large as that; most resources have a third of it.
const (
	recentPlaces = 4096
	recentBytes  = 4 << 10
)

// recentVersion is what is known of one version. It is not changed once it is kept.
type recentVersion struct {
	number   number
	version  fhir.Version
	epoch    uint64          // before its row was read
	row      versionRow      // of type 0: not read
	subjects []fhir.ID       // whoever gets them must not change them
	document resource.Stored // of form 0: not read
	settled  *settled        // of the grant that was asked about last; nil = of none
}

func (r *recent) place(n number, v fhir.Version) *atomic.Pointer[recentVersion] {
	return &r.places[(uint64(n)*31+uint64(v))%recentPlaces]
}

// of gives what is known of a version, and whether that is anything besides its name.
func (r *recent) of(n number, v fhir.Version) (known *recentVersion, found bool) {
	epoch := r.epoch.Load()
	if known := r.place(n, v).Load(); known != nil && known.number == n && known.version == v && known.epoch == epoch {
		return known, true
	}
	return &recentVersion{number: n, version: v, epoch: epoch}, false
}

// keep takes note of what was read since of gave the version. Nobody changes v from then on.
func (r *recent) keep(v *recentVersion) {
	if len(v.row.entries)+len(v.row.unique)+len(v.row.links)+len(v.document.Body) <= recentBytes {
		r.place(v.number, v.version).Store(v)
	}
}

// forget is called when rows of versions that were there before have changed.
func (r *recent) forget() { r.epoch.Add(1) }
