package store

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/lienthong/lienthong/fhir"
)

// Secret gives 32 random bytes that all servers of a store share: the record key of space, made by the first who asks.
func Secret(ctx context.Context, s Store, space Space, key string) ([]byte, error) {
	for range 3 {
		secret, found, err := s.Record(ctx, space, key)
		if err != nil || found {
			return secret, err
		}
		secret = make([]byte, 32)
		rand.Read(secret) // never fails
		_, err = s.Commit(ctx, Changes{
			Require: []Precondition{RecordIs{Space: space, Key: key}},
			Records: []Record{{Space: space, Key: key, Value: secret}},
		})
		if e, ok := errors.AsType[*fhir.Error](err); err != nil && !(ok && e.Kind == fhir.Precondition) {
			return nil, err
		}
	}
	return nil, fhir.Errorf(fhir.Unavailable, "secret-contended", "")
}
