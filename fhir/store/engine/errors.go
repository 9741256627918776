package engine

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

func errClosed() error { return fhir.Errorf(fhir.Unavailable, "store-closed", "") }

// errVersion: current is 0 when there is no current version.
func errVersion(key fhir.Key, current fhir.Version) error {
	return fhir.Errorf(fhir.Precondition, "version-conflict", "", key.String(), current.String())
}

// ErrLog tells a caller that the log failed, and as far as it is known why. Nothing of what was asked for has happened.
func ErrLog(err error) error {
	var told *fhir.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	switch {
	case errors.Is(err, commitlog.ErrLeaderless):
		return fhir.Wrap(fhir.Unavailable, "log-leaderless", err)
	case errors.Is(err, commitlog.ErrDenied):
		return fhir.Wrap(fhir.Unavailable, "log-denied", err)
	case errors.Is(err, commitlog.ErrFull):
		return fhir.Wrap(fhir.Unavailable, "log-full", err)
	case errors.Is(err, commitlog.ErrRefused):
		return fhir.Wrap(fhir.Unavailable, "log-refused", err)
	}
	return fhir.Wrap(fhir.Unavailable, "log-unreachable", err)
}

// errAppend is ErrLog for an append, which may have happened.
func errAppend(err error) error {
	if err == nil || errors.Is(err, commitlog.ErrMoved) || errors.Is(err, commitlog.ErrUnreachable) {
		return err
	}
	return fhir.Wrap(fhir.Unavailable, "log-unknown", err)
}

func errDiverged(t fhir.T) error {
	return fhir.Errorf(fhir.Unavailable, "store-diverged", "", uint64(t))
}

// errDisk tells of a fault of Pebble, nil of none. What the disk gave back may be damaged, which no second try mends.
func errDisk(err error) error {
	if err == nil || pebble.IsCorruptionError(err) {
		return errDamage(err)
	}
	if vfs.IsNoSpaceError(err) {
		return errFull(err)
	}
	return fhir.Wrap(fhir.Unavailable, "store-disk", err)
}

// errDamage is errDisk for an error that may be of another kind, and then stays what it is.
func errDamage(err error) error {
	var told *fhir.Error
	if pebble.IsCorruptionError(err) && !errors.As(err, &told) {
		return fhir.Wrap(fhir.Internal, "store-damaged", err)
	}
	return err
}
