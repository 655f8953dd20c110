//go:build !windows

package saved

import (
	"errors"
	"os"
)

// syncFolder makes a new name, or one that is gone, outlive a crash.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
