package engine

import (
	"github.com/lienthong/lienthong/fhir"
)

func errClosed() error { return fhir.Errorf(fhir.Unavailable, "store-closed", "") }

// errVersion: current is 0 when there is no current version.
func errVersion(key fhir.Key, current fhir.Version) error {
	return fhir.Errorf(fhir.Precondition, "version-conflict", "", key.String(), current.String())
}

func errDisk(err error) error { return fhir.Wrap(fhir.Unavailable, "store-disk", err) }
