package bhxhmock

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// openSalt gives the key of the pseudonyms in a mock's folder; it is made the first time.
func openSalt(dir string) ([]byte, error) {
	path := filepath.Join(dir, "salt")
	salt, err := os.ReadFile(path)
	if err == nil && len(salt) == sha256.Size {
		return salt, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A short file is what a crash left of the first start: no row was written with it.
	salt = make([]byte, sha256.Size)
	rand.Read(salt) //nolint:errcheck // it never fails
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(salt)
	return salt, errors.Join(err, f.Sync(), f.Close(), syncDir(dir))
}

// holder is a pseudonym of the card's holder: the ledger finds the other stays of a person and names nobody. "" without a card.
func holder(salt []byte, card string) string {
	card, _, _ = strings.Cut(card, ";")
	if !cardForm.MatchString(card) {
		return ""
	}
	h := hmac.New(sha256.New, salt)
	h.Write([]byte(card[len(card)-10:])) // the social-insurance number, which stays when the card is changed
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// overlaps says whether a stay overlaps that of another episode of its holder.
func (x *index) overlaps(r *Row) bool {
	holder := x.holders.find(r.Holder)
	if r.Holder == "" || holder < 0 || len(r.From) != stayTime || len(r.To) != stayTime {
		return false
	}
	own := x.episodes.find(episodeName(r.Facility, r.MaLK))
	for at := x.holderEnds[holder]; at >= 0; at = x.rows[at].ofHolder {
		k := &x.rows[at]
		if k.episode != own && k.from != notSaid && k.to != notSaid && r.From < string(k.to[:]) && string(k.from[:]) < r.To {
			return true
		}
	}
	return false
}
