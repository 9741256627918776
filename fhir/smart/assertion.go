package smart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/store"
)

// assertionAlgorithms are those of SMART: what a client must be able to do, and no more.
var assertionAlgorithms = []jwt.Algorithm{jwt.RS384, jwt.ES384}

const maxID = 255

// notAccepted is said of an unknown client and of a wrong signature alike: which clients there are is nobody's business.
const notAccepted = "the assertion is not accepted"

// assertion checks a client's assertion and makes it used. Source: RFC 7523, 3; SMART, client-confidential-asymmetric.
func (s *Server) assertion(ctx context.Context, compact string) (*Client, error) {
	invalid := func(description string, cause error) (*Client, error) {
		return nil, refuse("invalid_client", description, cause)
	}
	keys := &clientKeys{all: s.Clients()}
	if claimed, ok := jwt.Peek(compact); ok {
		keys.client = keys.all[claimed.Issuer]
	}
	t, err := jwt.Verify(ctx, compact, assertionAlgorithms, keys)
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		switch e.Code {
		case "token-algorithm":
			return invalid("the assertion must be signed with RS384 or ES384, by a key of that kind", err)
		case "token-malformed", "token-too-large":
			return invalid(fmt.Sprintf("the assertion is no signed JWT of at most %d bytes", jwt.MaxToken), err)
		case "keys-unreachable":
			return nil, &tokenError{503, "temporarily_unavailable", "the keys of the client cannot be reached now", err}
		}
	}
	if err != nil {
		return invalid(notAccepted, err)
	}
	client := keys.client
	now := s.Now()
	err = t.Check(jwt.Expect{Issuer: client.ID, Audiences: []string{s.TokenURL()}, Now: now, Skew: skew, MaxLife: MaxAssertion})
	switch {
	case err != nil:
		return invalid(assertionText(err), err)
	case t.Subject != t.Issuer:
		return invalid("iss and sub of the assertion must both be the client id", nil)
	case len(t.Audience) != 1:
		return invalid("aud of the assertion must be "+s.TokenURL()+" alone", nil)
	case t.ID == "" || len(t.ID) > maxID:
		return invalid("jti of the assertion is missing or too long", nil)
	}
	if err := s.once(ctx, client.ID, t.ID, t.Expires, now); err != nil {
		return nil, err
	}
	return client, nil
}

// assertionText tells a client what is wrong with a claim that it signed itself.
func assertionText(err error) string {
	e, _ := errors.AsType[*fhir.Error](err)
	switch e.Code {
	case "token-audience":
		return "aud of the assertion must be the address of this endpoint"
	case "token-expired":
		return "the assertion has expired"
	case "token-not-yet-valid":
		return "the assertion is not valid yet: look at the clock"
	case "token-too-long-lived":
		return "exp of the assertion must be at most 5 minutes ahead"
	case "token-claim-missing":
		return "exp of the assertion is missing"
	}
	return notAccepted
}

// clientKeys finds keys of the client that the assertion claims to be from.
type clientKeys struct {
	all    Clients
	client *Client
}

func (k *clientKeys) Key(ctx context.Context, kid string) (jwt.Key, error) {
	if k.client == nil {
		return jwt.Key{}, fhir.Errorf(fhir.Unknown, "token-key-unknown", "")
	}
	return k.client.Keys.Key(ctx, kid)
}

// Space has the assertions that were used; keys and values are shown in the package comment.
const Space store.Space = "smart"

// once makes the jti used. The precondition is decided in the commit, so that of two servers, too, only one takes it.
func (s *Server) once(ctx context.Context, client, jti string, until, now time.Time) error {
	ctx, cancel := background(ctx)
	defer cancel()
	sum := sha256.Sum256([]byte(client + "\x00" + jti))
	id := hex.EncodeToString(sum[:])
	end := fmt.Sprintf("%010d", until.Unix())
	key := "jti/" + id
	records, err := s.ended(ctx, now)
	if err != nil {
		return err
	}
	_, err = s.Store.Commit(ctx, store.Changes{
		Require: []store.Precondition{store.RecordIs{Space: Space, Key: key}},
		Records: append(records, store.Record{Space: Space, Key: key, Value: []byte(end)}, store.Record{Space: Space, Key: "exp/" + end + "/" + id, Value: []byte("1")}),
	})
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "record-changed" {
		return refuse("invalid_client", "the assertion was used before: each needs a jti of its own", err)
	}
	return err
}

// What is removed: at most purgeMost at a time, no more often than purgeEvery.
const (
	purgeEvery = 10 * time.Second
	purgeMost  = 500
)

// ended gives the removal of assertions that are over, by a margin for clocks: being expired, they are refused anyway.
func (s *Server) ended(ctx context.Context, now time.Time) ([]store.Record, error) {
	s.purge.mu.Lock()
	due := !now.Before(s.purge.next)
	if due {
		s.purge.next = now.Add(purgeEvery)
	}
	s.purge.mu.Unlock()
	if !due {
		return nil, nil
	}
	before := "exp/" + fmt.Sprintf("%010d", now.Add(-time.Minute-2*skew).Unix())
	var out []store.Record
	for r, err := range s.Store.Records(ctx, Space, "exp/", before) {
		if err != nil {
			return nil, err
		}
		_, id, _ := strings.Cut(strings.TrimPrefix(r.Key, "exp/"), "/")
		out = append(out, store.Record{Space: Space, Key: r.Key}, store.Record{Space: Space, Key: "jti/" + id})
		if len(out) >= 2*purgeMost {
			break
		}
	}
	return slices.Clip(out), nil
}
