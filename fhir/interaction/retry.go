package interaction

import (
	"context"
	"errors"
	"hash/maphash"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

// refusal is an error that the commit gave, not the decision before it: only such a one can be the fault of somebody who
// wrote in between. It does not leave this package.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// decide runs try, which reads, decides and commits, until its commit finds the state that was decided on.
// pinned says that the versions demanded are those that try read: then a version or a record that moved is decided anew as
// well, and otherwise it is the caller's If-Match that failed. about names what is contended for.
func (s *Service) decide(ctx context.Context, about string, pinned bool, try func() (Result, error)) (Result, error) {
	var res Result
	err := s.settle(ctx, about, func(err error) bool { return moved(err, pinned) }, func() (err error) {
		res, err = try()
		return err
	})
	return res, s.telling(ctx, told(err))
}

// telling gives the refusal of a write, or what Config.Known answers in its place.
func (s *Service) telling(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == codePersonKnown && s.known != nil {
		if refused := s.known(ctx); refused != nil {
			return refused
		}
	}
	return err
}

// settle runs try until its commit is not refused, or again does not want more, or Limits.Retries are used up. Whoever was
// refused once takes turns with the others who were, about the same thing: of n that started together none needs n tries.
func (s *Service) settle(ctx context.Context, about string, again func(error) bool, try func() error) error {
	leave := func() {}
	defer func() { leave() }()
	for n := 1; ; n++ {
		err := try()
		r, ok := errors.AsType[*refusal](err)
		switch {
		case !ok:
			return err
		case !again(r.err):
			return r.err
		case n >= s.limits.Retries:
			return fhir.Wrap(fhir.Conflict, "state-unsettled", r.err, n)
		}
		if n == 1 {
			if leave, err = s.turns.wait(ctx, about); err != nil {
				return err
			}
		}
	}
}

// turnstiles let those who contend for the same thing pass one by one; different things may share one.
type turnstiles struct {
	seed maphash.Seed
	gate [64]chan struct{} // of capacity 1: full = somebody is inside
}

func newTurnstiles() *turnstiles {
	t := &turnstiles{seed: maphash.MakeSeed()}
	for i := range t.gate {
		t.gate[i] = make(chan struct{}, 1)
	}
	return t
}

// wait waits for the turn and gives the function that ends it.
func (t *turnstiles) wait(ctx context.Context, about string) (leave func(), err error) {
	gate := t.gate[maphash.String(t.seed, about)%uint64(len(t.gate))]
	select {
	case gate <- struct{}{}:
		return func() { <-gate }, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}

// moved says whether a commit failed because the state changed after it was read for the decision.
func moved(err error, pinned bool) bool {
	if _, ok := errors.AsType[*store.MatchError](err); ok || definitionsChanged(err) {
		return true
	}
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && pinned && (e.Code == codeVersionConflict || e.Code == codeRecordChanged)
}

// Codes that the store gives out (store.Put, store.RecordIs).
const (
	codeVersionConflict = "version-conflict"
	codeRecordChanged   = "record-changed"
	codeIDExists        = "id-exists"
	codeUniqueTaken     = "unique-taken"
)

// Codes that are our own.
const (
	codeCriteriaMany = "criteria-many"
	codePersonKnown  = "person-known"
)

// versionConflict is the refusal of an If-Match, as the store gives it: is is the current version, 0 = there is none.
func versionConflict(key fhir.Key, is fhir.Version) error {
	return fhir.Errorf(fhir.Precondition, codeVersionConflict, "", key.String(), is.String())
}

// told puts the refusal of an If-Match on what is not there into words of its own.
func told(err error) error {
	e, ok := errors.AsType[*fhir.Error](err)
	if ok && e.Code == codeVersionConflict && len(e.Args) == 2 && e.Args[1] == fhir.Version(0).String() {
		return &fhir.Error{Kind: e.Kind, Code: "version-none", Path: e.Path, Args: e.Args[:1], Err: err}
	}
	if ok && e.Code == codeUniqueTaken && len(e.Args) == 1 && e.Args[0] == "Patient" { // the holder is not for the caller to see
		return &fhir.Error{Kind: e.Kind, Code: codePersonKnown, Path: e.Path, Args: e.Args, Issues: e.Issues, Err: err}
	}
	return err
}

// unseen answers an If-Match on what the caller may neither see nor write over as if nothing were there: 403 would tell that
// there is, and nothing would be written by asking.
func (c *change) unseen(err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "access-denied" && c.blind && c.ifMatch != nil {
		return told(versionConflict(c.key, 0))
	}
	return err
}
