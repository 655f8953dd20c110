// Package bench measures the real thing: it starts a spoor of its own, sends it events from the same machine, and
// counts what is in the warehouse, deduplicated and enriched. Nothing is mocked, and the generator's cost is included.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options say what to measure.
type Options struct {
	Binary   string        // of spoor
	Dir      string        // for the servers' data; each run's is removed after it
	Duration time.Duration // of each throughput run; default 60 s
	Runs     int           // of each measurement, of which the median is told; default 3
	Batch    int           // events in a request; default 100
	Clients  int           // connections that send batches; default 8
	Singles  int           // connections that send one event a request; default 128
	Rate     int           // events a second while freshness is measured; default 10,000
	Only     []string      // of throughput, freshness, singles, idle; empty: all
	Server   []string      // further arguments of spoor serve
	Log      io.Writer     // of the servers and of progress
}

func (o *Options) defaults() error {
	fill := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	fill(&o.Runs, 3)
	fill(&o.Batch, 100)
	fill(&o.Clients, 8)
	fill(&o.Singles, 128)
	fill(&o.Rate, 10_000)
	if o.Duration == 0 {
		o.Duration = time.Minute
	}
	if o.Duration < time.Second || o.Runs < 1 || o.Batch < 1 || o.Batch > 700 || o.Clients < 1 || o.Singles < 1 || o.Rate < 1 {
		return fmt.Errorf("a benchmark needs at least a second, a run, a client and 1 to 700 events a batch; got %v, %d, %d and %d",
			o.Duration, o.Runs, o.Clients, o.Batch)
	}
	for _, name := range o.Only {
		if !slices.Contains(measurements(), name) {
			return fmt.Errorf("a measurement is one of %s; got %q", strings.Join(measurements(), ", "), name)
		}
	}
	return nil
}

func measurements() []string { return []string{"idle", "singles", "freshness", "throughput"} }

// Figure is one measured number: the median of the runs, and their range.
type Figure struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"`
	Min  float64 `json:"min"`
	Mid  float64 `json:"median"`
	Max  float64 `json:"max"`
}

// Report is what was measured, and on what.
type Report struct {
	Date     string   `json:"date"`
	Version  string   `json:"version"`
	Go       string   `json:"go"`
	CPUs     int      `json:"cpus"`
	CPU      string   `json:"cpu"`
	Memory   string   `json:"memory"`
	Runs     int      `json:"runs"`
	Duration string   `json:"duration"`
	Batch    int      `json:"batch"`
	Rate     int      `json:"rate"`
	Server   []string `json:"server"`
	Figures  []Figure `json:"figures"`
}

// sample is one run's numbers by name, in the order in which they were taken.
type sample []struct {
	name, unit string
	value      float64
}

func (s *sample) add(name, unit string, value float64) {
	*s = append(*s, struct {
		name, unit string
		value      float64
	}{name, unit, value})
}

// Run measures. It takes Runs × (Duration + about a minute and a half).
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	report := &Report{
		Date: time.Now().Format(time.DateOnly), Go: runtime.Version(), CPUs: runtime.NumCPU(), CPU: cpuModel(), Memory: memTotal(),
		Runs: o.Runs, Duration: o.Duration.String(), Batch: o.Batch, Rate: o.Rate, Server: o.Server,
	}
	steps := map[string]func(context.Context, *Options, *sample) error{
		"idle": idle, "singles": singles, "freshness": freshness, "throughput": throughput,
	}
	for _, name := range measurements() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, name) {
			continue
		}
		var runs []sample
		for n := range o.Runs {
			fmt.Fprintf(o.Log, "bench: %s, run %d of %d\n", name, n+1, o.Runs)
			var s sample
			if err := steps[name](ctx, &o, &s); err != nil {
				return nil, fmt.Errorf("measuring %s: %w", name, err)
			}
			for _, v := range s {
				fmt.Fprintf(o.Log, "bench:   %-44s %12s %s\n", v.name, number(v.value), v.unit)
			}
			runs = append(runs, s)
		}
		for i, first := range runs[0] {
			values := make([]float64, len(runs))
			for n, run := range runs {
				values[n] = run[i].value
			}
			slices.Sort(values)
			report.Figures = append(report.Figures, Figure{first.name, first.unit, values[0], values[len(values)/2], values[len(values)-1]})
		}
	}
	return report, nil
}

func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// Markdown writes the report as a section of a results file.
func (r *Report) Markdown(w io.Writer, command string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n`%s`\n\n", r.Date, command)
	fmt.Fprintf(&b, "%d × %s, %s, %s; load generator on the same machine; %d runs; version %s.\n\n", r.CPUs, r.CPU, r.Memory, r.Go, r.Runs, r.Version)
	fmt.Fprintf(&b, "| figure | median | min | max | unit |\n|---|--:|--:|--:|---|\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.Name, number(f.Mid), number(f.Min), number(f.Max), f.Unit)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func cpuModel() string { return field("/proc/cpuinfo", "model name", "unknown processor") }

func memTotal() string { return field("/proc/meminfo", "MemTotal", "unknown memory") }

// field reads "name : value" from one of the kernel's tables.
func field(path, name, otherwise string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// treeBytes is what a folder's files, or a file and what stands beside it, take on disk.
func treeBytes(path string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}

// ignoreGone: files come and go while they are counted.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
