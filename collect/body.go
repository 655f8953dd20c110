package collect

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/event"
)

const (
	// maxLine is how much of a line is kept: as much as shows that it is too long.
	maxLine = event.MaxEventBytes + 1
	// maxLines bounds the lines in a piece, since each costs memory of its own, however short it is.
	maxLines = 8 << 10
	// maxZstdWindow bounds what a zstd frame may ask of its reader; 8 MiB is what the format's specification says a
	// reader should support.
	maxZstdWindow = 8 << 20
	// What reading a compressed body needs beside the body.
	zstdMemory, deflateMemory = maxZstdWindow, 64 << 10
)

// body reads a request's body, unpacked, into memory: whole, or, where it has no bound, in pieces of whole lines.
type body struct {
	c      *Collector
	most   int // bytes; 0: no bound
	wire   *paced
	src    io.Reader // wire, or what unpacks it
	unpack io.Closer // gives the decompressor back; nil: none
	extra  int64     // of the budget, for the decompressor
	aside  int64     // of text's share of the budget, which is not given back with it
	packed *buffer   // what was read before the body was known to be compressed
	text   *buffer
	used   int  // bytes of text that the last piece was
	room   int  // bytes that the line at the end of text may still have
	ended  bool // src is
	given  bool // a piece was
	last   bool // piece was given
}

// open begins to read a body.
func (c *Collector) open(w http.ResponseWriter, r *http.Request, most int) (*body, error) {
	wire := c.paced(w, r)
	b := &body{c: c, most: most, wire: wire, src: wire, room: maxLine}
	if most > 0 && r.ContentLength > int64(most) && !saysPacked(r) {
		return nil, bodyTooLarge(most)
	}
	known := int(min(max(r.ContentLength, 0), int64(b.target()-1)))
	var err error
	if b.text, err = c.buffers.get(&c.budget, known+1); err != nil {
		return nil, err
	}
	if err := b.begin(r); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// target is how many bytes are read before they are given out: one too many, or a piece.
func (b *body) target() int {
	if b.most > 0 {
		return b.most + 1
	}
	return b.c.piece()
}

// piece is how much of a body without a bound is taken at a time: little enough that two fit into a record.
func (c *Collector) piece() int { return min(1<<20, c.options.RecordBytes/2) }

// saysPacked tells whether the client says that its body is compressed.
func saysPacked(r *http.Request) bool {
	encoding := r.Header.Get("Content-Encoding")
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// begin reads as far as it takes to know how the body is compressed. That is told by its first bytes, which no JSON begins
// with: some SDKs compress without saying so, and some proxies unpack without saying so.
func (b *body) begin(r *http.Request) error {
	head := b.text
	for len(head.data) < 4 && !b.ended {
		if err := b.read(); err != nil {
			return err
		}
	}
	start := head.data
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return b.gunzip()
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return b.unzstd()
	case len(start) >= 2 && start[0] == 0x78 && (0x7800|int(start[1]))%31 == 0: // RFC 1950
		return b.inflate(zlib.NewReader)
	case encoding == "deflate" && len(start) > 0 && start[0] != '{' && start[0] != '[':
		return b.inflate(func(r io.Reader) (io.ReadCloser, error) { return flate.NewReader(r), nil })
	}
	switch encoding {
	case "", "identity", "gzip", "x-gzip", "deflate", "zstd":
	default:
		return &refusal{http.StatusBadRequest, "unsupported_encoding", "Content-Encoding must be gzip, zstd or deflate; got " + encoding, 0, false}
	}
	if b.most == 0 {
		head.data = head.data[:b.shorten(head.data)]
	}
	return nil
}

// repack makes what has been read the beginning of what is to be unpacked.
func (b *body) repack(memory int64) (io.Reader, error) {
	if !b.c.budget.take(memory) {
		return nil, errBusy
	}
	b.extra = memory
	head := bytes.NewReader(b.text.data)
	text, err := b.c.buffers.get(&b.c.budget, len(b.text.data))
	if err != nil {
		return nil, err
	}
	b.packed, b.text = b.text, text
	rest := b.src
	if b.ended {
		rest = eof{}
	}
	b.ended = false
	return io.MultiReader(head, rest), nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (b *body) gunzip() error {
	src, err := b.repack(deflateMemory)
	if err != nil {
		return err
	}
	z, _ := b.c.gzips.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	b.src, b.unpack = z, closer(func() { b.c.gzips.Put(z) })
	return damaged(z.Reset(src))
}

func (b *body) unzstd() error {
	src, err := b.repack(zstdMemory)
	if err != nil {
		return err
	}
	z := b.c.zstds.Get().(*zstd.Decoder)
	b.src, b.unpack = z, closer(func() {
		// Without an input it holds on to nothing of this request.
		if z.Reset(nil) == nil {
			b.c.zstds.Put(z)
		}
	})
	return damaged(z.Reset(src))
}

func (b *body) inflate(open func(io.Reader) (io.ReadCloser, error)) error {
	src, err := b.repack(deflateMemory)
	if err != nil {
		return err
	}
	b.src, err = open(src)
	return damaged(err)
}

type closer func()

func (c closer) Close() error { c(); return nil }

// damaged tells the client what is wrong with a body, or with the connection that it comes by.
func damaged(err error) error {
	switch _, refused := errors.AsType[*refusal](err); {
	case err == nil || refused:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	default:
		return &refusal{http.StatusBadRequest, "unreadable_body", "reading the body: " + err.Error(), 0, true}
	}
}

// next gives the body, or its next piece; io.EOF: that was all of it. The text holds until the next call.
func (b *body) next() ([]byte, error) {
	if b.last {
		return nil, io.EOF
	}
	b.given = true
	rest := copy(b.text.data, b.text.data[b.used:])
	b.text.data, b.used = b.text.data[:rest], 0
	for !b.ended && len(b.text.data) < b.target() {
		if err := b.read(); err != nil {
			return nil, err
		}
	}
	if b.most > 0 && len(b.text.data) > b.most {
		return nil, bodyTooLarge(b.most)
	}
	b.used = len(b.text.data)
	if b.most == 0 {
		b.used = b.wholeLines()
	}
	b.last = b.ended && b.used == len(b.text.data)
	return b.text.data[:b.used], nil
}

// wholeLines is the length of text's first maxLines lines, or of all that are there wholly.
func (b *body) wholeLines() int {
	end := 0
	for range maxLines {
		n := bytes.IndexByte(b.text.data[end:], '\n')
		if n < 0 {
			if b.ended {
				end = len(b.text.data)
			}
			break // lines are cut, so there is one that is whole
		}
		end += n + 1
	}
	return end
}

// read reads once, into text, which grows when it is full.
func (b *body) read() error {
	if len(b.text.data) == cap(b.text.data) {
		larger, err := b.c.buffers.get(&b.c.budget, 2*cap(b.text.data))
		if err != nil {
			return err
		}
		larger.data = append(larger.data, b.text.data...)
		b.c.buffers.put(&b.c.budget, b.text, 0)
		b.text = larger
	}
	start := len(b.text.data)
	n, err := b.src.Read(b.text.data[start:cap(b.text.data)])
	b.text.data = b.text.data[:start+n]
	if b.most == 0 && b.given {
		b.text.data = b.text.data[:start+b.shorten(b.text.data[start:])]
	}
	if err == io.EOF {
		b.ended = true
		return nil
	}
	return damaged(err)
}

// shorten takes out what of each line is behind its first maxLine bytes, and returns how many bytes are left. The text
// goes on where that of the last call ended.
func (b *body) shorten(text []byte) int {
	kept := 0
	for at := 0; at < len(text); {
		line := text[at:]
		end := bytes.IndexByte(line, '\n')
		if end >= 0 {
			line = line[:end]
		}
		at += len(line)
		line = line[:min(len(line), b.room)]
		b.room -= len(line)
		kept += copy(text[kept:], line)
		if end >= 0 {
			text[kept] = '\n'
			kept++
			at++
			b.room = maxLine
		}
	}
	return kept
}

// setAside makes sure of so much of the budget for the events that are copied out of the text: it is the text's own share,
// where no more text will come. Who appends them gives it back.
func (b *body) setAside(n int64) bool {
	if b.last && n <= b.text.weight() {
		b.aside = n
		return true
	}
	return b.c.budget.take(n)
}

// copied tells the body that its text is not needed any more. If no more will come, its memory serves others while the
// request waits.
func (b *body) copied() {
	if b.last {
		b.close()
	}
}

func (b *body) close() {
	if b.unpack != nil {
		_ = b.unpack.Close() // it is a closer, which has no error
		b.unpack = nil
	}
	if b.packed != nil {
		b.c.buffers.put(&b.c.budget, b.packed, 0)
	}
	if b.text != nil {
		b.c.buffers.put(&b.c.budget, b.text, b.aside)
	}
	b.packed, b.text = nil, nil
	b.c.budget.give(b.extra)
	b.c.metrics.bytes.Add(float64(b.wire.read))
	b.extra, b.wire.read = 0, 0
}

// paced bounds how slowly a body may come. Only the time spent waiting for the client counts.
type paced struct {
	src     io.Reader
	control *http.ResponseController
	grace   time.Duration
	rate    int64 // bytes a second
	read    int64
	waited  time.Duration
}

func (c *Collector) paced(w http.ResponseWriter, r *http.Request) *paced {
	return &paced{src: r.Body, control: http.NewResponseController(w), grace: c.options.ReadGrace, rate: int64(c.options.ReadRate)}
}

func (p *paced) Read(to []byte) (int, error) {
	start := time.Now()
	left := p.grace + time.Duration(p.read/p.rate)*time.Second - p.waited
	// A connection that cannot have deadlines is a test's.
	_ = p.control.SetReadDeadline(start.Add(left))
	n, err := p.src.Read(to)
	p.read += int64(n)
	p.waited += time.Since(start)
	if err == io.EOF {
		// The server goes on to watch the connection, for as long as the events are being appended.
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
