package jetstream_test

import "errors"

// appendUntilBroken needs a limit on the size of files.
func appendUntilBroken(string) error { return errors.ErrUnsupported }
