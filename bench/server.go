package bench

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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a spoor under measurement.
type server struct {
	url, host string
	dir       string
	cmd       *exec.Cmd
	done      chan error
}

// startServer starts one on fresh data and waits until it accepts events.
func startServer(ctx context.Context, o *Options) (*server, error) {
	dir, err := os.MkdirTemp(o.Dir, "spoor-bench-")
	if err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data", dir, "--log-level", "warn"}, o.Server...)
	s := &server{dir: dir, cmd: exec.CommandContext(context.WithoutCancel(ctx), o.Binary, args...), done: make(chan error, 1)}
	s.cmd.Stderr = o.Log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", o.Binary, err)
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		s.done <- s.cmd.Wait()
	}()
	s.url = strings.TrimSpace(line)
	s.host = strings.TrimPrefix(s.url, "http://")
	if err != nil || s.host == s.url {
		return nil, errors.Join(fmt.Errorf("spoor serve printed no URL but %q", line), s.stop())
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for pause(starting, 20*time.Millisecond) {
		r, err := http.NewRequestWithContext(starting, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return s, nil
			}
		}
	}
	return nil, errors.Join(errors.New("spoor serve was not ready within a minute"), s.stop())
}

// stop ends the server and removes its data.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	return os.RemoveAll(s.dir)
}

// sql asks the server for one row.
func (s *server) sql(ctx context.Context, text string, row any) error {
	rows := []json.RawMessage{}
	if err := s.call(ctx, http.MethodPost, "/api/sql", map[string]string{"sql": text}, &rows); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	if len(rows) == 0 {
		return nil
	}
	return json.Unmarshal(rows[0], row)
}

func (s *server) call(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, answer)
	}
	return json.Unmarshal(answer, into)
}

// rows counts the table.
func (s *server) rows(ctx context.Context) (int64, error) {
	var row struct{ N int64 }
	err := s.sql(ctx, "select count(*) as n from events", &row)
	return row.N, err
}

// settled waits until the table holds so many rows, and gives when it was seen to.
func (s *server) settled(ctx context.Context, want int64) (time.Time, error) {
	for deadline := time.Now().Add(10 * time.Minute); ; pause(ctx, 50*time.Millisecond) {
		have, err := s.rows(ctx)
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case have == want:
			return now, nil
		case have > want:
			return now, fmt.Errorf("%d rows are in the warehouse, of %d events sent", have, want)
		case now.After(deadline):
			return now, fmt.Errorf("only %d of %d events are in the warehouse after ten minutes", have, want)
		}
	}
}

// usage is what the server has used so far: seconds of processor, bytes of memory now and at most.
func (s *server) usage() (cpu float64, resident, peak int64, err error) {
	proc := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return 0, 0, 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, ticks := range fields[11:13] { // utime and stime, in hundredths of a second (proc_pid_stat(5))
		n, err := strconv.ParseFloat(ticks, 64)
		if err != nil {
			return 0, 0, 0, err
		}
		cpu += n / 100
	}
	kilobytes := func(name string) int64 {
		text, _, _ := strings.Cut(field(filepath.Join(proc, "status"), name, "0"), " ")
		n, _ := strconv.ParseInt(text, 10, 64)
		return n << 10
	}
	return cpu, kilobytes("VmRSS"), kilobytes("VmHWM"), nil
}
