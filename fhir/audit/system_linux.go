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

// writeAtOnce writes to a socket as much as there is room for, and says how much that was.
func writeAtOnce(fd uintptr, b []byte) int {
	n, err := unix.Write(int(fd), b)
	if err != nil {
		return 0
	}
	return n
}
