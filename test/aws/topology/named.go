package topology

import (
	"bytes"
	"io"
	"sync"
)

// named writes whole lines, each with a name in front.
type named struct {
	mu   sync.Mutex
	name string
	out  io.Writer
	rest []byte // of a line that is not whole yet
}

func (n *named) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = append(n.rest, p...)
	end := bytes.LastIndexByte(n.rest, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	var lines []byte
	for line := range bytes.Lines(n.rest[:end]) {
		lines = append(append(append(lines, n.name...), "  "...), line...)
	}
	n.rest = append(n.rest[:0], n.rest[end:]...)
	_, err := n.out.Write(lines)
	return len(p), err
}
