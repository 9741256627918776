package authentication

import (
	"crypto/sha256"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// memory keeps what tokens proved until they end or rememberMost has passed: a citizen who was merged, or an issuer's key that
// was withdrawn, is asked about again by then.
type memory struct {
	// mu guards proofs. Never under mu: anything but the map.
	mu     sync.RWMutex
	proofs map[string]*remembered // by nameOf
}

// nameOf names what proves a caller, as it came: by itself, as long as it is no longer than most tokens are, since hashing it
// would be half of finding it; it lies in the memory of its connection anyway. How long a look-up takes tells nothing of the
// tokens that are there: where it begins is by a hash with a seed that nobody knows. A longer one is named by its hash, which
// no header can be: it begins with a byte that no header has.
func nameOf(text string) string {
	if len(text) <= maxOwnName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "\x01" + string(sum[:])
}

// maxOwnName bounds the memory that names take.
const maxOwnName = 2 << 10

// remembered is the same for all who get it: nobody changes it but for last.
type remembered struct {
	proof
	until time.Time
	last  atomic.Pointer[established] // the caller of the last request
}

// Bounds of what is remembered. When it is full one entry after the other makes room, chosen by chance: at worst a token
// is proven again.
const (
	rememberMost  = time.Minute
	maxRemembered = 10_000
)

func newMemory() *memory { return &memory{proofs: map[string]*remembered{}} }

// get gives what was proven, nil if it has to be proven.
func (m *memory) get(name string, now time.Time) *remembered {
	m.mu.RLock()
	r := m.proofs[name]
	m.mu.RUnlock()
	if r == nil || !now.Before(r.until) {
		return nil
	}
	return r
}

func (m *memory) put(name string, p proof, now time.Time) *remembered {
	until := now.Add(rememberMost)
	if p.expires.Before(until) {
		until = p.expires
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	look := 3                        // so that what has ended does not stay much longer
	for other, r := range m.proofs { // the order of a map is chance
		if len(m.proofs) >= maxRemembered || !now.Before(r.until) {
			delete(m.proofs, other)
		}
		if look--; look == 0 {
			break
		}
	}
	r := &remembered{proof: p, until: until}
	m.proofs[strings.Clone(name)] = r
	return r
}
