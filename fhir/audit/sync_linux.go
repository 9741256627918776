package audit

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData brings to disk what was written inside of a file, without its times.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
