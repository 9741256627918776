//go:build !linux

package audit

import "os"

// syncData brings to disk what was written inside of a file.
func syncData(f *os.File) error { return f.Sync() }

// writeAtOnce leaves all of it to a goroutine that may wait.
func writeAtOnce(uintptr, []byte) int { return 0 }
