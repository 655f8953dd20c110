//go:build linux || darwin || freebsd

package jetstream

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes tells how much an ordinary user may still write to the disk of a directory.
func freeBytes(dir string) (int64, error) {
	var about unix.Statfs_t
	if err := unix.Statfs(dir, &about); err != nil {
		return 0, err
	}
	return int64(about.Bavail) * int64(about.Bsize), nil //nolint:unconvert // other systems have other types here
}

// lock takes a file for this opening of it alone, until it is closed or the process ends. Its error is a predicate.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot be locked: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("is open already, here or in another process: %w", err)
	}
	return file, nil
}
