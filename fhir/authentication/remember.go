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
	proofs map[proofName]*remembered
}

// proofName is the hash of what proves a caller, as it came.
type proofName [sha256.Size]byte

func nameOf(text string) proofName {
	var room [2048]byte // most tokens fit in it, so that hashing them needs no memory
	return sha256.Sum256(append(room[:0], text...))
}

// remembered is the same for all who get it: nobody changes it.
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

func newMemory() *memory { return &memory{proofs: map[proofName]*remembered{}} }

// get gives what was proven, nil if it has to be proven.
func (m *memory) get(name proofName, now time.Time) *proof {
	m.mu.RLock()
	r := m.proofs[name]
	m.mu.RUnlock()
	if r == nil || !now.Before(r.until) {
		return nil
	}
	return &r.proof
}

func (m *memory) put(name proofName, p proof, now time.Time) *proof {
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
	r := &remembered{p, until}
	m.proofs[name] = r
	return &r.proof
}
