package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take here before a test gives up: a browser starts within it on a busy machine.
const patience = 60 * time.Second

// program is one that a test has started. Its standard error goes to the test's log when the test fails.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader
}

func start(t *testing.T, path string, args ...string) *program {
	t.Helper()
	// The end of the test does not kill it: it is asked to end, and looked at.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			p.stop()
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd, stderr.String())
		}
	})
	return p
}

// line reads the next line of standard output; it is empty when there is none.
func (p *program) line() string {
	p.t.Helper()
	defer p.hurry()()
	text, err := p.stdout.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		p.t.Errorf("reading from %s: %v", p.cmd, err)
	}
	return text
}

// stop asks the program to end, as an operator does, and wants it to end well.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: %v", p.cmd, err)
	}
	p.wait()
}

func (p *program) wait() {
	p.t.Helper()
	defer p.hurry()()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s: want it to end well; have %v", p.cmd, err)
	}
}

// hurry kills the program unless the function that it returns is called in time.
func (p *program) hurry() (done func() bool) {
	return time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() }).Stop
}

// node starts a script of this folder, or skips the test where the machine cannot run it.
func node(t *testing.T, script string, args ...string) *program {
	t.Helper()
	path := need(t, "node", "Node is not installed")
	if _, err := os.Stat("node_modules"); err != nil {
		lack(t, "the packages are not installed; run: npm ci --prefix test/sdk")
	}
	return start(t, path, append([]string{script}, args...)...)
}

// browser finds Chromium.
func browser(t *testing.T) string {
	t.Helper()
	name := os.Getenv("SPOOR_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	return need(t, name, "Chromium is not installed, or SPOOR_CHROMIUM does not name it")
}

// say decodes the line of JSON that a script prints, does what is given while the script is still there, and sees to it
// that the script ends well.
func (p *program) say(into any, meanwhile func()) {
	p.t.Helper()
	text := p.line()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		p.t.Errorf("%s: want a line of JSON; have %q: %v", p.cmd, text, err)
	} else {
		meanwhile()
	}
	if err := p.stdin.Close(); err != nil {
		p.t.Error(err)
	}
	p.wait()
	if p.t.Failed() {
		p.t.FailNow()
	}
}

// need finds a program.
func need(t *testing.T, name, otherwise string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lack(t, otherwise)
		return ""
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// lack ends a test that this machine cannot run: it is skipped, unless everything is required to run.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}
