package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/spoorhq/spoor/dashboard"
	"github.com/spoorhq/spoor/query"
)

// progressLine is the last line of a terminal, which says how far something is. Where there is no terminal it is silent.
type progressLine struct {
	w       io.Writer
	visible bool

	mu    sync.Mutex
	drawn bool
}

func newProgressLine(w io.Writer) *progressLine {
	return &progressLine{w: w, visible: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (l *progressLine) draw(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.visible {
		l.drawn = true
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	}
}

// clear takes the line away, so that something else can be printed.
func (l *progressLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.drawn {
		l.drawn = false
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// bar draws which part of a whole is done.
func bar(part float64) string {
	const width = 30
	filled := int(min(max(part, 0), 1) * width)
	return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", width-filled) + "]"
}

// progressText says how far a question is: the part that is done where the warehouse tells it, else the time of the most
// that it may take.
func progressText(p *query.Progress) string {
	passed, most := seconds(p.Seconds), seconds(p.Deadline)
	switch {
	case p.Waiting:
		return fmt.Sprintf("waiting for its turn, %s of at most %s (Ctrl-C cancels)", passed, most)
	case p.Done != nil:
		// There is no answer yet, whatever the warehouse counts.
		return fmt.Sprintf("%s %2d %%  %s (Ctrl-C cancels)", bar(*p.Done), min(int(*p.Done*100), 99), passed)
	}
	return fmt.Sprintf("asking, %s of at most %s (Ctrl-C cancels)", passed, most)
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}

// ticking says on the terminal how long something has taken of which nobody knows how far it is, until stop is called.
func ticking(w io.Writer, what string) (stop func()) {
	line := newProgressLine(w)
	if !line.visible {
		return func() {}
	}
	done, began := make(chan struct{}), time.Now()
	var ticks sync.WaitGroup
	ticks.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				line.draw(fmt.Sprintf("%s, %s (Ctrl-C cancels)", what, time.Since(began).Round(time.Second)))
			case <-done:
				line.clear()
				return
			}
		}
	})
	return func() {
		close(done)
		ticks.Wait()
	}
}

// question asks the server a question and gives the answer's JSON; the terminal shows how far it is. The end of ctx ends it in
// the warehouse.
func (c *clientFlags) question(ctx context.Context, p *process, name string, params any) (json.RawMessage, error) {
	response, err := c.request(ctx, http.MethodPost, "/api/query/"+name, nil, params, "application/json, application/x-ndjson")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/x-ndjson") {
		answer, err := io.ReadAll(response.Body)
		return bytes.TrimSpace(answer), err
	}
	line := newProgressLine(p.stderr)
	defer line.clear()
	for in := bufio.NewReader(response.Body); ; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("the server stopped answering: %w", err)
		}
		var said struct {
			Progress *query.Progress `json:"progress"`
			Answer   json.RawMessage `json:"answer"`
			Error    string          `json:"error"`
		}
		if err := json.Unmarshal(text, &said); err != nil {
			return nil, fmt.Errorf("reading the answer of %s: %w", name, err)
		}
		switch {
		case said.Error != "":
			return nil, errors.New(said.Error)
		case said.Progress != nil:
			line.draw(progressText(said.Progress))
		default:
			return said.Answer, nil
		}
	}
}

// file asks the server for an answer as a file and has it read as it comes; the terminal shows how far it is, until the content
// begins if it is printed there. The end of ctx ends it in the warehouse.
func (c *clientFlags) file(ctx context.Context, p *process, ask map[string]any, printed bool, take func(content io.Reader) error) error {
	var state dashboard.FileState
	if err := c.ask(ctx, http.MethodPost, "/api/files", nil, ask, &state); err != nil {
		return err
	}
	path := "/api/files/" + state.ID
	line := newProgressLine(p.stderr)
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	if line.visible {
		watch.Go(func() { c.watchFile(watching, line, path) })
	}
	quiet := func() {
		stop()
		watch.Wait()
		line.clear()
	}
	defer quiet()
	response, err := c.request(ctx, http.MethodGet, path+"/content", nil, nil, "*/*")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if printed && isTerminal(p.stdout) {
		quiet()
	}
	err = take(response.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) && c.ask(ctx, http.MethodGet, path, nil, nil, &state) == nil && state.Error != "" {
		return fmt.Errorf("the answer was cut off: %s", state.Error)
	}
	return err
}

// watchFile draws how far a file is.
func (c *clientFlags) watchFile(ctx context.Context, line *progressLine, path string) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var state dashboard.FileState
		if c.ask(ctx, http.MethodGet, path, nil, nil, &state) != nil || state.Progress == nil {
			continue
		}
		text := progressText(state.Progress)
		if state.Rows > 0 {
			text = fmt.Sprintf("%s rows, %s, %s (Ctrl-C cancels)", grouped(strconv.FormatInt(state.Rows, 10)), byteSize(state.Bytes), seconds(state.Progress.Seconds))
		}
		line.draw(text)
	}
}
