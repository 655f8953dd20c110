package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/event"
)

// packed compresses a text.
func packed(t testing.TB, how, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "flate":
		w, err = flate.NewWriter(&b, 6)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	default:
		return text
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// chunked is a body of unknown length that comes in small pieces.
func chunked(text string) io.Reader { return &pieces{strings.NewReader(text), 7} }

type pieces struct {
	io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	return p.Reader.Read(b[:min(len(b), p.size)])
}

// TestEncodings: what a body is packed with is told by its bytes, whatever the header says.
func TestEncodings(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	text := good("a") + "\n" + good("b")
	for _, path := range []string{"/whole", "/lines"} {
		for _, b := range []struct{ how, header string }{
			{"", ""}, {"", "identity"}, {"", "gzip"}, {"", "zstd"}, {"", "deflate"},
			{"gzip", "gzip"}, {"gzip", "x-gzip"}, {"gzip", ""}, {"gzip", "GZIP"}, {"gzip", "identity"}, {"gzip", "br"},
			{"zstd", "zstd"}, {"zstd", ""}, {"zlib", "deflate"}, {"zlib", ""}, {"flate", "deflate"},
		} {
			body := packed(t, b.how, text)
			for name, reader := range map[string]io.Reader{"known length": strings.NewReader(body), "chunked": chunked(body)} {
				have := ask(t, c, http.MethodPost, path, reader, "Content-Encoding", b.header)
				if have.status != http.StatusOK || have.Accepted != 2 {
					t.Errorf("%s, %s as %q, %s: want 2 events accepted, have %+v", path, b.how, b.header, name, have)
				}
			}
		}
	}
	if _, events := r.kept(t); len(slices.Compact(events)) != len(events) || len(events) != 2*2*2*16 {
		t.Errorf("want each event kept as it was, have %d", len(events))
	}
}

// TestUnreadableBodies: what cannot be unpacked, is too long or is said to be is refused with 400, and nothing of it kept.
func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	text := good("a")
	long := strings.Repeat(" ", wholeMost+1)
	for name, b := range map[string]struct {
		path, body, header, code string
	}{
		"brotli":              {"/whole", "\x0b\x02\x80", "br", "unsupported_encoding"},
		"cut gzip":            {"/whole", packed(t, "gzip", text)[:30], "gzip", "unreadable_body"},
		"damaged gzip":        {"/whole", "\x1f\x8bhello, world", "", "unreadable_body"},
		"cut zstd":            {"/whole", packed(t, "zstd", text)[:20], "zstd", "unreadable_body"},
		"cut deflate":         {"/whole", packed(t, "flate", text)[:10], "deflate", "unreadable_body"},
		"damaged zlib":        {"/whole", "\x78\x9chello, world", "", "unreadable_body"},
		"zstd's window":       {"/whole", "\x28\xb5\x2f\xfd\x00\xf8" + strings.Repeat("\x00", 40), "zstd", "unreadable_body"},
		"too long":            {"/whole", long, "", "body_too_large"},
		"too long in gzip":    {"/whole", packed(t, "gzip", long), "gzip", "body_too_large"},
		"too long in zstd":    {"/whole", packed(t, "zstd", long), "zstd", "body_too_large"},
		"too long in deflate": {"/whole", packed(t, "zlib", long), "deflate", "body_too_large"},
		"not understood":      {"/whole", "broken", "", "invalid_body"},
		"cut gzip of lines":   {"/lines", packed(t, "gzip", text)[:30], "gzip", "unreadable_body"},
	} {
		for length, body := range map[string]io.Reader{"known length": strings.NewReader(b.body), "chunked": chunked(b.body)} {
			have := ask(t, c, http.MethodPost, b.path, body, "Content-Encoding", b.header)
			if have.status != http.StatusBadRequest || have.Code != b.code {
				t.Errorf("%s, %s: want 400 and %s, have %+v", name, length, b.code, have)
			}
		}
	}
	if have := ask(t, c, http.MethodPost, "/whole", strings.NewReader(long[1:])); have.status != http.StatusOK {
		t.Errorf("want a body of just the limit taken, have %+v", have)
	}
	if _, events := r.kept(t); len(events) != 1 {
		t.Errorf("want nothing else kept, have %d", len(events))
	}
}

// zeros is a gzip stream of n zeros that is made while it is read, and counts how much was.
type zeros struct {
	n, made int64
	z       *gzip.Writer
	b       bytes.Buffer
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.z == nil {
		z.z, _ = gzip.NewWriterLevel(&z.b, gzip.BestSpeed)
	}
	for z.b.Len() == 0 {
		if z.made >= z.n {
			return 0, io.EOF
		}
		z.made += 1 << 20
		if _, err := z.z.Write(make([]byte, 1<<20)); err != nil {
			return 0, err
		}
		if z.made >= z.n {
			if err := z.z.Close(); err != nil {
				return 0, err
			}
		}
	}
	return z.b.Read(p)
}

// TestBomb: a gigabyte of zeros is not unpacked beyond the limit; where there is no limit it is one line, and too long.
func TestBomb(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	bomb := &zeros{n: 1 << 30}
	have := ask(t, c, http.MethodPost, "/whole", bomb, "Content-Encoding", "gzip")
	if have.status != http.StatusBadRequest || have.Code != "body_too_large" {
		t.Errorf("want 400 and body_too_large, have %+v", have)
	}
	if bomb.made > 32<<20 { // what fits packed into the reader's buffers
		t.Errorf("want the bomb left alone at the limit, have %d bytes unpacked", bomb.made)
	}
	bomb = &zeros{n: 1 << 26}
	have = ask(t, c, http.MethodPost, "/lines", io.MultiReader(bomb, strings.NewReader(packed(t, "gzip", "\n"+good("a")))))
	if have.status != http.StatusOK || have.Accepted != 1 || len(have.Rejected) != 1 || have.Rejected[0].Reason != string(event.TooLarge) {
		t.Errorf("want one line too large and the next accepted, have %+v", have)
	}
	if _, events := r.kept(t); len(events) != 2 || len(events[0]) != maxLine {
		t.Errorf("want %d bytes of it kept, have %d events", maxLine, len(events))
	}
}

// TestPieces: a body without a bound is appended piece by piece, whatever lines lie across their ends.
func TestPieces(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, func(o *Options) { o.RecordBytes = 256 << 10 })
	var text strings.Builder
	var want []string
	bad := 0
	for i := 0; text.Len() < 3<<20; i++ {
		line := fmt.Sprintf(`{"type":"track","event":"x","userId":"u","messageId":"m%d","p":"%s"}`, i, strings.Repeat("é", i*37%1500))
		switch i % 50 {
		case 7:
			line = strings.Repeat("x", maxLine+i*1000)
			bad++
		case 9:
			line = `{"type":"track",`
			bad++
		}
		text.WriteString(line + "\n")
		want = append(want, line[:min(len(line), maxLine)])
	}
	for _, how := range []string{"", "gzip", "zstd"} {
		have := ask(t, c, http.MethodPost, "/lines", strings.NewReader(packed(t, how, text.String())))
		if have.status != http.StatusOK || have.Accepted != len(want)-bad || len(have.Rejected) != bad {
			t.Fatalf("%s: want %d accepted and %d rejected, have %d and %d, %s", how, len(want)-bad, bad, have.Accepted, len(have.Rejected), have.Message)
		}
		for _, rejected := range have.Rejected {
			if i := rejected.Index % 50; i != 7 && i != 9 {
				t.Errorf("%s: want lines 7 and 9 of 50 rejected, have %d", how, rejected.Index)
			}
		}
		headers, events := r.kept(t)
		if !slices.Equal(events, want) {
			t.Errorf("%s: want the %d lines kept as they are, have %d", how, len(want), len(events))
		}
		if len(headers) < 10 {
			t.Errorf("%s: want many records, have %d", how, len(headers))
		}
		r.records = nil
	}
}

// TestShortLines: a piece has so many lines at most, since the memory that each costs is not counted.
func TestShortLines(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	const n = 3*maxLines + 5
	have := ask(t, c, http.MethodPost, "/lines", strings.NewReader(strings.Repeat("1\n", n)+good("a")))
	headers, events := r.kept(t)
	if have.Accepted != 1 || have.RejectedTotal != n || len(events) != n+1 {
		t.Errorf("want %d rejected, have %+v", n, have)
	}
	for _, h := range headers {
		if h.Events > maxLines {
			t.Errorf("want %d events at a time, have %d", maxLines, h.Events)
		}
	}
	for _, index := range []int{0, 999} {
		if have.Rejected[index].Index != index {
			t.Errorf("want index %d, have %d", index, have.Rejected[index].Index)
		}
	}
}

// TestLineLimit: the line that is one byte too long is the first that is cut.
func TestLineLimit(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	line := func(n int) string {
		text := good("a")
		return text[:len(text)-1] + strings.Repeat(" ", n-len(text)) + "}"
	}
	for n, want := range map[int]int{event.MaxEventBytes - 1: 2, event.MaxEventBytes: 2, event.MaxEventBytes + 1: 1, event.MaxEventBytes + 2: 1, 5 << 20: 1} {
		for _, end := range []string{"\n", ""} {
			if end == "" && n > 1<<20 {
				continue
			}
			body := line(n) + "\n" + good("b") + end
			if have := ask(t, c, http.MethodPost, "/lines", chunked(body)); have.Accepted != want {
				t.Errorf("%d bytes: want %d accepted, have %+v", n, want, have)
			}
		}
	}
}

// TestInterruptedLines: a client whose upload fails half way learns how much of it is durable.
func TestInterruptedLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &road{append: func(_ context.Context, h event.Header) error {
			if h.Seq == 3 {
				return errBroken
			}
			return nil
		}}
		c := start(t, r, func(o *Options) { o.RecordBytes = 64 << 10 })
		body := strings.Repeat(good("m")+"\n"+"bad\n", 2000)
		have := ask(t, c, http.MethodPost, "/lines", strings.NewReader(body))
		_, events := r.kept(t)
		if have.status != http.StatusServiceUnavailable || have.Code != "append_failed" || have.header.Get("Retry-After") == "" {
			t.Errorf("want 503 and a time to wait, have %+v", have)
		}
		if have.Durable != len(events) || have.Durable == 0 || have.Durable == 4000 {
			t.Errorf("want %d told durable, have %d", len(events), have.Durable)
		}
		if have.Accepted+have.RejectedTotal != have.Durable || len(have.Rejected) != maxListed {
			t.Errorf("want the durable ones told apart, have %d and %d", have.Accepted, have.RejectedTotal)
		}
		// The client goes on where it was told to.
		time.Sleep(time.Minute)
		rest := strings.Join(strings.SplitAfter(body, "\n")[have.Durable:], "")
		if have := ask(t, c, http.MethodPost, "/lines", strings.NewReader(rest)); have.status != http.StatusOK {
			t.Errorf("want 200, have %+v", have)
		}
		if _, events := r.kept(t); len(events) != 4000 {
			t.Errorf("want all 4000 kept once, have %d", len(events))
		}
	})
}

// broken is a body that ends with an error.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("connection reset")
	}
	return n, err
}

// TestBrokenConnection: of a body that ends early nothing is kept, or what had filled a piece.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	if have := ask(t, c, http.MethodPost, "/whole", broken{strings.NewReader(good("a"))}); have.Code != "unreadable_body" {
		t.Errorf("want unreadable_body, have %+v", have)
	}
	body := strings.Repeat(good("a")+"\n", 20_000)
	have := ask(t, c, http.MethodPost, "/lines", broken{strings.NewReader(body)})
	_, events := r.kept(t)
	if have.Code != "unreadable_body" || have.Durable != len(events) || len(events) == 0 {
		t.Errorf("want the whole pieces of it told durable, have %d of %d, %s", have.Durable, len(events), have.Code)
	}
}

// TestMemoryIsBounded: what does not fit into the budget is refused at once, and room that comes free is used again.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 4 << 20
		r := &road{}
		c := start(t, r, func(o *Options) { o.MaxInFlight = most })
		more := make(chan struct{})
		answers := make(chan told)
		open := 0
		for busy := false; !busy; open++ {
			go func() {
				body := io.MultiReader(strings.NewReader(strings.Repeat(" ", 40<<10)), blocked{more})
				answers <- ask(t, c, http.MethodPost, "/whole", body)
			}()
			synctest.Wait()
			select {
			case have := <-answers:
				if have.status != http.StatusServiceUnavailable || have.Code != "busy" || have.header.Get("Retry-After") != "1" {
					t.Fatalf("want 503 and busy, have %+v", have)
				}
				busy = true
				open--
			default:
			}
			if used := c.budget.used.Load(); used > most {
				t.Fatalf("want %d bytes in flight at most, have %d", most, used)
			}
			if open > 1000 {
				t.Fatal("want an end of it")
			}
		}
		if want := most/(64<<10) - 1; open != want { // one of them is half grown
			t.Errorf("want %d bodies of 64 KiB open, have %d", want, open)
		}
		close(more)
		for range open {
			if have := <-answers; have.status != http.StatusOK {
				t.Errorf("want 200, have %+v", have)
			}
		}
		if have := post(t, c, good("a")); have.status != http.StatusOK {
			t.Errorf("want 200, have %+v", have)
		}
	})
}

// TestGatheredMemoryIsBounded: events that wait for a stream that hangs count as well.
func TestGatheredMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 4 << 20
		release := make(chan struct{})
		r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
		c := start(t, r, func(o *Options) { o.MaxInFlight = most })
		body := strings.Repeat(good("m")+"\n", 900) // in buffers of 64 KiB
		answers := make(chan told, 200)
		for range cap(answers) {
			go func() { answers <- post(t, c, body) }()
		}
		synctest.Wait()
		refused := len(answers)
		for range refused {
			if have := <-answers; have.Code != "busy" {
				t.Fatalf("want busy, have %+v", have)
			}
		}
		least, room := most/(64<<10)-1, most/(900*len(good("m")))
		if waiting := cap(answers) - refused; waiting < least || waiting > room {
			t.Errorf("want between %d and %d bodies waiting, have %d", least, room, waiting)
		}
		close(release)
		for range cap(answers) - refused {
			if have := <-answers; have.status != http.StatusOK {
				t.Errorf("want 200, have %+v", have)
			}
		}
	})
}

func TestBuffers(t *testing.T) {
	t.Parallel()
	var pool buffers
	b := &budget{most: 1 << 30}
	for n, want := range map[int]int{0: 2 << 10, 1: 2 << 10, 2 << 10: 2 << 10, 2<<10 + 1: 4 << 10, 500 << 10: 512 << 10, 1 << 20: 1 << 20, 2 << 20: 2 << 20} {
		lent, err := pool.get(b, n)
		if err != nil || cap(lent.data) != want || len(lent.data) != 0 {
			t.Errorf("%d: want %d bytes, have %d, %v", n, want, cap(lent.data), err)
			continue
		}
		if have := b.used.Load(); have != int64(want) {
			t.Errorf("%d: want %d bytes out, have %d", n, want, have)
		}
		lent.data = lent.data[:want]
		pool.put(b, lent, 0)
	}
	if _, err := pool.get(b, 2<<20+1); err == nil {
		t.Error("want no buffer over 2 MiB")
	}
}
