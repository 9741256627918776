package engine

import (
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

func errClosed() error { return fhir.Errorf(fhir.Unavailable, "store-closed", "") }

// errVersion: current is 0 when there is no current version.
func errVersion(key fhir.Key, current fhir.Version) error {
	return fhir.Errorf(fhir.Precondition, "version-conflict", "", key.String(), current.String())
}

// errLog tells a caller that the log failed. Nothing of what was asked for has happened.
func errLog(err error) error {
	var told *fhir.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	return fhir.Wrap(fhir.Unavailable, "log-unreachable", err)
}

// errAppend is errLog for an append, which may have happened.
func errAppend(err error) error {
	if err == nil || errors.Is(err, commitlog.ErrMoved) || errors.Is(err, commitlog.ErrUnreachable) {
		return err
	}
	return fhir.Wrap(fhir.Unavailable, "log-unknown", err)
}

func errDiverged(t fhir.T) error {
	return fhir.Errorf(fhir.Unavailable, "store-diverged", "", uint64(t))
}

func errDisk(err error) error { return fhir.Wrap(fhir.Unavailable, "store-disk", err) }
