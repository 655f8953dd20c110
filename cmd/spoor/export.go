package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

type exportCommand struct {
	clientFlags
	Output string   `help:"The folder to write to; it is made where it is missing." short:"o" required:"" placeholder:"DIR" type:"path"`
	From   string   `help:"Events received from this time on: RFC 3339, a date, or how long ago, such as 720h." required:"" placeholder:"TIME"`
	To     string   `help:"Up to this time. Default, and at most: the moment up to which the warehouse is complete." placeholder:"TIME"`
	Format string   `help:"parquet, csv or ndjson." default:"parquet" enum:"parquet,csv,ndjson"`
	By     string   `help:"A file for each hour or day, in UTC." default:"day" enum:"hour,day"`
	Event  []string `help:"Only events of these names; give it once for each." placeholder:"NAME" sep:"none"`
	JSON   bool     `help:"Print the manifest at the end."`
}

func (exportCommand) Help() string {
	return `Writes events-2026-11-25.parquet, or events-2026-11-25T10.parquet, for each stretch, and manifest.json with the rows, bytes and
SHA-256 of each file. Started again with the same flags it goes on where it was interrupted: what the manifest has, and is as the manifest
says, is not fetched again. Stretches begin and end on the hour or day, the first and the last at --from and --to.

Examples:
  spoor export -o ./export --from 2026-11-01
  spoor export -o ./export --from 48h --by hour --format ndjson --event "Order Completed"`
}

// manifest says what an export has.
type manifest struct {
	Format string     `json:"format"`
	By     string     `json:"by"`
	Events []string   `json:"events,omitempty"`
	From   time.Time  `json:"from"`
	To     time.Time  `json:"to"`
	Files  []exported `json:"files"`
}

type exported struct {
	File   string    `json:"file"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Rows   int64     `json:"rows"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
}

const manifestName = "manifest.json"

func (c *exportCommand) Run(ctx context.Context, p *process) error {
	now := time.Now().UTC()
	from, err := exportTime("from", c.From, now)
	if err != nil {
		return err
	}
	complete, err := c.complete(ctx)
	if err != nil {
		return err
	}
	to := complete
	if c.To != "" {
		if to, err = exportTime("to", c.To, now); err != nil {
			return err
		}
		if to.After(complete) {
			return usagef("--to cannot be after %s, up to which the warehouse is complete; got %s", complete.Format(time.RFC3339), c.To)
		}
	}
	if !from.Before(to) {
		return usagef("--from must be before --to; got %s and %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return err
	}
	m, err := c.begin()
	if err != nil {
		return err
	}
	parts := c.parts(from, to)
	bar := newBar(p.stderr, "export")
	defer func() { _ = bar.Finish() }()
	fetched := 0
	for i, part := range parts {
		_ = bar.Set(barSteps * i / len(parts))
		bar.Describe(part.File)
		if m.has(c.Output, part) {
			continue
		}
		if err := c.fetch(ctx, &part); err != nil {
			return fmt.Errorf("%s: %w (start the same command again to go on)", part.File, err)
		}
		fetched++
		m.put(part)
		if err := c.keep(m); err != nil {
			return err
		}
	}
	_ = bar.Set(barSteps)
	return c.report(p, m, fetched)
}

func (c *exportCommand) report(p *process, m *manifest, fetched int) error {
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(m)
	}
	var rows, bytes int64
	for _, f := range m.Files {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
	}
	fmt.Fprintf(p.stdout, "%d files in %s, %d of them new: %d rows, %s\n", len(m.Files), c.Output, fetched, rows, byteSize(bytes))
	return nil
}

func exportTime(name, text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago).Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return now, usagef("--%s must be a time such as 2026-11-01T00:00:00Z, a date such as 2026-11-01 or a duration such as 48h; got %q", name, text)
}

// complete asks up to when the warehouse has everything. What is exported must not grow afterwards.
func (c *exportCommand) complete(ctx context.Context) (time.Time, error) {
	var live struct {
		CompleteTo *time.Time `json:"complete_to"`
	}
	if err := c.ask(ctx, http.MethodGet, "/api/live", nil, nil, &live); err != nil {
		return time.Time{}, err
	}
	if live.CompleteTo == nil {
		return time.Time{}, errors.New("the server does not know yet up to when the warehouse is complete; try again in a moment")
	}
	return live.CompleteTo.UTC().Truncate(time.Second), nil
}

// parts cuts the range.
func (c *exportCommand) parts(from, to time.Time) []exported {
	unit, layout := 24*time.Hour, time.DateOnly
	if c.By == "hour" {
		unit, layout = time.Hour, "2006-01-02T15"
	}
	var parts []exported
	for begin := from; begin.Before(to); {
		end := begin.Truncate(unit).Add(unit)
		if end.After(to) {
			end = to
		}
		parts = append(parts, exported{File: "events-" + begin.Format(layout) + "." + c.Format, From: begin, To: end})
		begin = end
	}
	return parts
}

// begin reads the manifest of an export that was interrupted, or begins one.
func (c *exportCommand) begin() (*manifest, error) {
	m := &manifest{Format: c.Format, By: c.By, Events: c.Event}
	path := filepath.Join(c.Output, manifestName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	var old manifest
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if old.Format != c.Format || old.By != c.By || !slices.Equal(old.Events, c.Event) {
		return nil, usagef("%s has another export: format %s by %s of %q; choose another folder, or the same flags", c.Output, old.Format, old.By, old.Events)
	}
	return &old, nil
}

// has tells whether a part is there, whole and unchanged.
func (m *manifest) has(dir string, part exported) bool {
	i := slices.IndexFunc(m.Files, func(f exported) bool { return f.File == part.File })
	if i < 0 || !m.Files[i].From.Equal(part.From) || !m.Files[i].To.Equal(part.To) {
		return false
	}
	file, err := os.Open(filepath.Join(dir, part.File))
	if err != nil {
		return false
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	return err == nil && n == m.Files[i].Bytes && hex.EncodeToString(sum.Sum(nil)) == m.Files[i].SHA256
}

func (m *manifest) put(part exported) {
	m.Files = slices.DeleteFunc(m.Files, func(f exported) bool { return f.File == part.File })
	m.Files = append(m.Files, part)
	slices.SortFunc(m.Files, func(a, b exported) int { return a.From.Compare(b.From) })
	m.From, m.To = m.Files[0].From, m.Files[len(m.Files)-1].To
}

// keep writes the manifest.
func (c *exportCommand) keep(m *manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(c.Output, manifestName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// fetch gets one part. Its file has its name only when all of it is on the disk.
func (c *exportCommand) fetch(ctx context.Context, part *exported) error {
	q := url.Values{"from": {part.From.Format(time.RFC3339)}, "to": {part.To.Format(time.RFC3339)}, "format": {c.Format}, "event": c.Event}
	response, err := c.request(ctx, http.MethodGet, "/api/export", q, nil, "*/*")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	sum := sha256.New()
	return replaceFile(filepath.Join(c.Output, part.File), func(w io.Writer) error {
		var err error
		if part.Bytes, err = io.Copy(io.MultiWriter(w, sum), response.Body); err != nil {
			return err
		}
		if said := response.Trailer.Get("Spoor-Error"); said != "" {
			return fmt.Errorf("the answer was cut off: %s", said)
		}
		part.SHA256 = hex.EncodeToString(sum.Sum(nil))
		part.Rows, err = strconv.ParseInt(response.Trailer.Get("Spoor-Rows"), 10, 64)
		if err != nil {
			return errors.New("the server did not say how many rows there are: the answer is not whole")
		}
		return nil
	})
}

// replaceFile writes a file beside its place and puts it there when it is whole and on the disk.
func replaceFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".part"))
	}
	return os.Rename(path+".part", path)
}
