// Package process runs spoor as a program of its own, for tests that kill it, stop it and start it again as a
// supervisor would.
package process

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
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds on what a process is given.
const (
	startWithin = 60 * time.Second
	stopWithin  = 60 * time.Second
	keptLog     = 64 << 10 // bytes at the end of a log
)

// Binary gives the path of spoor: the one that SPOOR_BIN names, or else one that is built for the occasion, once.
var Binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SPOOR_BIN"); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "spoor-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "spoor")
	out, err := exec.Command("go", "build", "-o", path, "github.com/spoorhq/spoor/cmd/spoor").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building spoor: %w\n%s", err, out)
	}
	return path, nil
})

// Process is one role of spoor, such as "serve" or "load", that can be started any number of times. Its methods are
// safe for concurrent use but for Start, Kill and Stop beside each other.
type Process struct {
	name string
	args []string
	log  tail
	out  io.Writer
	// Apart: an interrupt from the terminal does not reach the process, which whoever started it will stop.
	Apart bool

	mu   sync.Mutex
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
}

// New names a process and its arguments, without an --addr: a free port is found at each start unless addr says
// otherwise. What it logs goes to out, too, where that is not nil.
func New(name, addr string, out io.Writer, args ...string) *Process {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	return &Process{name: name, args: append(args, "--addr", addr), out: out}
}

// Name is the one given.
func (p *Process) Name() string { return p.name }

// URL is where the process answers since it was started last.
func (p *Process) URL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// Log gives the end of what the process logged, over all its starts.
func (p *Process) Log() string { return p.log.String() }

// Start runs the program and waits until it says that it is ready.
func (p *Process) Start(ctx context.Context) error {
	path, err := Binary()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, p.args...) // it outlives its start
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: p.Apart}
	cmd.Stderr = &p.log
	if p.out != nil {
		cmd.Stderr = io.MultiWriter(&p.log, p.out)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, first := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(done)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait() // how it ended stands in cmd.ProcessState
	}()
	p.mu.Lock()
	p.cmd, p.done, p.url = cmd, done, ""
	p.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	url := ""
	select {
	case url = <-first:
	case <-ctx.Done():
	}
	if !strings.HasPrefix(url, "http://") {
		p.Kill()
		return fmt.Errorf("%s: want its URL on the first line of standard output; have %q\n%s", p.name, url, p.Log())
	}
	p.mu.Lock()
	p.url = url
	p.mu.Unlock()
	for {
		if answers(ctx, url+"/readyz") {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("%s ended before it was ready\n%s", p.name, p.Log())
		case <-ctx.Done():
			p.Kill()
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, ctx.Err(), p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (p *Process) running() (*exec.Cmd, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.done
}

// Kill ends the process with SIGKILL, if it runs.
func (p *Process) Kill() {
	cmd, done := p.running()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-done
}

// Stop ends the process as a supervisor would, and gives its exit code.
func (p *Process) Stop() (int, error) {
	cmd, done := p.running()
	if cmd == nil {
		return 0, errors.New("the process was never started")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	select {
	case <-done:
		return cmd.ProcessState.ExitCode(), nil
	case <-time.After(stopWithin):
		p.Kill()
		return 0, fmt.Errorf("%s did not end within %v of SIGTERM", p.name, stopWithin)
	}
}

// Used gives the processor time that the process took, once it has ended.
func (p *Process) Used() time.Duration {
	cmd, done := p.running()
	if cmd == nil {
		return 0
	}
	<-done
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// Post sends a body as a Segment SDK would, with the write key "dev".
func (p *Process) Post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL()+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth("dev", "")
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// SQL asks the process, which serves pages.
func (p *Process) SQL(ctx context.Context, query string) ([]map[string]any, error) {
	body, err := json.Marshal(map[string]string{"sql": query})
	if err != nil {
		return nil, err
	}
	status, answer, err := p.Post(ctx, "/api/sql", body)
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	if err := json.Unmarshal(answer, &rows); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %s (%v)", query, status, answer, err)
	}
	return rows, nil
}

// Run runs another command of spoor, such as audit, against the process, and gives what it printed and its exit code.
func (p *Process) Run(ctx context.Context, args ...string) (stdout, stderr string, code int, err error) {
	path, err := Binary()
	if err != nil {
		return "", "", 0, err
	}
	cmd := exec.CommandContext(ctx, path, append(args, "--server", p.URL())...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return "", "", 0, err
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode(), nil
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - keptLog; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
