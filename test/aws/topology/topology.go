// Package topology runs Spoor as it runs on AWS: collectors, loaders and a dashboard, each a process of its own, that meet
// on nothing but a stream, a table of leases and a warehouse.
package topology

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/test/process"
)

// Options say where the processes meet, and how many there are.
type Options struct {
	Stream, Warehouse, Leases string // URLs as spoor's flags take them
	Collectors, Loaders       int
	Dir                       string // the processes' data
	Addr                      string // of the dashboard; empty: a free port
	CollectArgs, LoadArgs     []string
	Log                       io.Writer // what the processes log, each line with the process's name; nil: only kept
	Apart                     bool      // see process.Process
}

// Topology is what runs.
type Topology struct {
	Collectors, Loaders []*process.Process
	Dashboard           *process.Process
	// Intruder is a loader without leases, which reads every shard as well. It is not started.
	Intruder *process.Process
}

// Start starts everything and waits until it is ready. The dashboard goes first: it makes the warehouse's tables, as
// each of them would.
func Start(ctx context.Context, o Options) (*Topology, error) {
	t := &Topology{}
	make := func(role, name, addr string, args ...string) *process.Process {
		args = append([]string{role, "--stream", o.Stream, "--data", filepath.Join(o.Dir, name)}, args...)
		var out io.Writer
		if o.Log != nil {
			out = &named{name: name, out: o.Log}
		}
		p := process.New(name, addr, out, args...)
		p.Apart = o.Apart
		return p
	}
	t.Dashboard = make("dashboard", "dashboard", o.Addr, "--warehouse", o.Warehouse)
	for n := range o.Collectors {
		name := fmt.Sprintf("collector-%d", n+1)
		t.Collectors = append(t.Collectors, make("collect", name, "", append([]string{"--collector", name}, o.CollectArgs...)...))
	}
	for n := range o.Loaders {
		name := fmt.Sprintf("loader-%d", n+1)
		args := append([]string{"--warehouse", o.Warehouse, "--leases", o.Leases, "--worker", name}, o.LoadArgs...)
		t.Loaders = append(t.Loaders, make("load", name, "", args...))
	}
	t.Intruder = make("load", "intruder", "", append([]string{"--warehouse", o.Warehouse}, o.LoadArgs...)...)
	if err := t.Dashboard.Start(ctx); err != nil {
		return nil, err
	}
	group, starting := errgroup.WithContext(ctx)
	for _, p := range t.all()[1:] {
		group.Go(func() error { return p.Start(starting) })
	}
	if err := group.Wait(); err != nil {
		t.Kill()
		return nil, err
	}
	return t, nil
}

// all gives the processes, the dashboard first.
func (t *Topology) all() []*process.Process {
	all := []*process.Process{t.Dashboard}
	return append(append(all, t.Collectors...), t.Loaders...)
}

// Kill ends everything with SIGKILL.
func (t *Topology) Kill() {
	for _, p := range append(t.all(), t.Intruder) {
		p.Kill()
	}
}

// Stop ends everything as a supervisor would: first the collectors, so that nothing more comes, then the loaders, which
// commit what they have read, then the dashboard.
func (t *Topology) Stop() error {
	var errs []error
	for _, some := range [][]*process.Process{t.Collectors, t.Loaders, {t.Dashboard}} {
		var mu sync.Mutex
		var group sync.WaitGroup
		for _, p := range some {
			group.Go(func() {
				code, err := p.Stop()
				if err == nil && code != 0 {
					err = fmt.Errorf("%s ended with exit code %d", p.Name(), code)
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
		group.Wait()
	}
	return errors.Join(errs...)
}

// Logs gives the end of every process's log, for a test that failed.
func (t *Topology) Logs() string {
	var text strings.Builder
	for _, p := range append(t.all(), t.Intruder) {
		fmt.Fprintf(&text, "== %s\n%s\n", p.Name(), p.Log())
	}
	return text.String()
}
