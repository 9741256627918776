package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/url"
	"strings"
	"sync"
)

// Masker puts keyed hashes in the place of values that may name a person. The same value gives the same hash under one
// key, so that a suspicion can be checked, and nothing can be read out of it without the key.
type Masker struct{ macs *sync.Pool }

// NewMasker makes a Masker with a secret key of at least 16 bytes.
func NewMasker(key []byte) Masker {
	return Masker{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// Hash is the hash of a value: 80 bits, as hexadecimal digits after "h:".
func (m Masker) Hash(value string) string {
	mac := m.macs.Get().(hash.Hash)
	defer m.macs.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, value) // a hash has no error
	var sum [sha256.Size]byte
	var text [2 + 20]byte
	return string(hex.AppendEncode(append(text[:0], "h:"...), mac.Sum(sum[:0])[:10]))
}

// plainValues are parameters whose values say nothing about a person.
var plainValues = map[string]bool{
	"_count": true, "_sort": true, "_include": true, "_revinclude": true, "_summary": true, "_elements": true,
	"_total": true, "_type": true, "_since": true, "_at": true, "_pretty": true, "_lastUpdated": true,
	"date": true, "status": true, "category": true, "class": true, "type": true, "_maxresults": true, "_contained": true,
}

// Query gives a raw query string with its parameters' names and masked values; page tokens are left out.
func (m Masker) Query(raw string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		plain, _, _ := strings.Cut(name, ":")
		if !isName(name) {
			name = m.Hash(name)
		}
		b.WriteString(name)
		b.WriteByte('=')
		switch {
		case value == "":
		case plainValues[plain] && isPlain(value):
			b.WriteString(value)
		default:
			b.WriteString(m.Hash(value))
		}
		if b.Len() > 2000 {
			break
		}
	}
	return b.String()
}

// isName says whether a parameter's name looks like one: letters, not somebody's number.
func isName(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("_-.:$", r):
		default:
			return false
		}
	}
	return len(s) <= 100 && digits < 6
}

// isPlain says whether a value has nothing in it that could be of a person: a long run of digits, or what is no code, date or
// list of them, as a name in words.
func isPlain(s string) bool {
	run := 0
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
		if r >= '0' && r <= '9' {
			if run++; run >= 9 {
				return false
			}
			continue
		}
		run = 0
	}
	return len(s) <= 200
}
