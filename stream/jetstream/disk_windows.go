package jetstream

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes tells how much an ordinary user may still write to the disk of a directory.
func freeBytes(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(free), nil
}

// lock takes a file for this opening of it alone, until it is closed or the process ends. Its error is a predicate.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot be locked: %w", err)
	}
	const exclusive = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	if err := windows.LockFileEx(windows.Handle(file.Fd()), exclusive, 0, 1, 0, new(windows.Overlapped)); err != nil {
		file.Close()
		return nil, fmt.Errorf("is open already, here or in another process: %w", err)
	}
	return file, nil
}
