package authentication

import (
	"crypto/sha256"
	"sync"
	"time"
)

// memory keeps what tokens proved, by their hash, until they end or rememberMost has passed: a citizen who was merged, or
// an issuer's key that was withdrawn, is asked about again by then.
type memory struct {
	// mu guards proofs. Never under mu: anything but the map.
	mu     sync.RWMutex
	proofs map[[sha256.Size]byte]remembered
}

type remembered struct {
	proof
	until time.Time
}

// Bounds of what is remembered. When it is full one entry after the other makes room, chosen by chance: at worst a token
// is proven again.
const (
	rememberMost  = time.Minute
	maxRemembered = 10_000
)

func newMemory() *memory { return &memory{proofs: map[[sha256.Size]byte]remembered{}} }

func (m *memory) get(name [sha256.Size]byte, now time.Time) (proof, bool) {
	m.mu.RLock()
	r, ok := m.proofs[name]
	m.mu.RUnlock()
	return r.proof, ok && now.Before(r.until)
}

func (m *memory) put(name [sha256.Size]byte, p proof, now time.Time) {
	until := now.Add(rememberMost)
	if p.expires.Before(until) {
		until = p.expires
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.proofs) >= maxRemembered {
		for other := range m.proofs { // the order of a map is chance
			delete(m.proofs, other)
			break
		}
	}
	m.proofs[name] = remembered{p, until}
}
