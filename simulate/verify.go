package simulate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// VerifyOptions say how Verify reads. The zero value is good.
type VerifyOptions struct {
	// Source, if not empty, is the source that all rows must be of; those of other ones are not seen.
	Source string
	// Wait is how long to wait for as many rows as were acknowledged before comparing. Default 30 s; negative: none.
	Wait time.Duration
	// Page is how many events are compared at a time, and so about how many rows one query gives. Default 5,000.
	Page int
	// OnProgress is called after every page with how many events of how many have been compared. It may be nil.
	OnProgress func(done, of uint64)
}

// Verdict is what Verify found.
type Verdict struct {
	Run string
	// Acknowledged is how many events must be there, each once.
	Acknowledged uint64
	// Rows is how many rows the run has in the warehouse.
	Rows uint64
	// Missing is how many acknowledged events have no row.
	Missing uint64
	// Doubled is how many rows there are beyond the first of their event.
	Doubled uint64
	// Alien is how many rows are of no event that was sent, or of one that the server refused.
	Alien uint64
	// Altered is how many rows differ from their event in type, name, user id or anonymous id.
	Altered uint64
	// Unclear is how many events were sent without an answer that tells; UnclearFound of them are there. Both is right.
	Unclear, UnclearFound uint64
	// Examples describes the first few things that are wrong.
	Examples []string
}

// maxExamples is how many things that are wrong a Verdict describes.
const maxExamples = 20

// OK reports whether every acknowledged event is there exactly once and as it was sent, and nothing else.
func (v *Verdict) OK() bool { return v.Missing+v.Doubled+v.Alien+v.Altered == 0 }

// String tells the verdict in one line, and each example in one more.
func (v *Verdict) String() string {
	word := "exact"
	if !v.OK() {
		word = "WRONG"
	}
	line := fmt.Sprintf("%s: %d acknowledged, %d rows, %d missing, %d doubled, %d alien, %d altered",
		word, v.Acknowledged, v.Rows, v.Missing, v.Doubled, v.Alien, v.Altered)
	if v.Unclear > 0 {
		line += fmt.Sprintf("; of %d sent without an answer %d are there", v.Unclear, v.UnclearFound)
	}
	return strings.Join(append([]string{line}, v.Examples...), "\n  ")
}

func (v *Verdict) wrong(count *uint64, format string, args ...any) {
	*count++
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}

// Verify compares the rows of a run with what was acknowledged, event by event. It plays the stream again beside the
// rows, so that it needs no more memory than for one page, and asks only for plain columns of the table events. An
// error means that the comparison could not be made; that something is wrong with the rows is not an error.
func Verify(ctx context.Context, r Reader, l *Ledger, o VerifyOptions) (*Verdict, error) {
	o.Wait = orDefault(o.Wait, 30*time.Second)
	o.Page = orDefault(o.Page, 5_000)
	if o.Page < 1 {
		return nil, fmt.Errorf("a page cannot have %d events", o.Page)
	}
	generator, err := NewGenerator(l.config)
	if err != nil {
		return nil, err
	}
	v := &verification{reader: r, ledger: l, options: o, run: generator.config.Run, generator: generator, verdict: &Verdict{Run: generator.config.Run}}
	v.verdict.Acknowledged, v.verdict.Unclear = l.Counts()
	if err := v.await(ctx); err != nil {
		return nil, err
	}
	end := l.end()
	for from := uint64(0); from < end; {
		to := min(from+uint64(o.Page), end)
		if err := v.page(ctx, from, to); err != nil {
			return nil, err
		}
		if from = to; o.OnProgress != nil {
			o.OnProgress(from, end)
		}
	}
	if err := v.outside(ctx, end); err != nil {
		return nil, err
	}
	return v.verdict, nil
}

// verification is the work of one Verify.
type verification struct {
	reader    Reader
	ledger    *Ledger
	options   VerifyOptions
	run       string
	generator *Generator
	events    []Event
	seen      []int
	verdict   *Verdict
}

// mine is the condition that a row is of the run.
func (v *verification) mine() string {
	condition := "message_id like 'sim-" + v.run + "-%'"
	if v.options.Source != "" {
		condition += " and source = '" + strings.ReplaceAll(v.options.Source, "'", "''") + "'"
	}
	return condition
}

// between is the condition that an id is of an event from one to below another.
func (v *verification) between(from, to uint64) string {
	return "message_id >= '" + MessageID(v.run, from) + "' and message_id < '" + MessageID(v.run, to) + "'"
}

// count asks how many rows there are under a condition.
func (v *verification) count(ctx context.Context, condition string) (uint64, error) {
	for row, err := range v.reader.Query(ctx, "select count(*) as n from events where "+condition) {
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseUint(text(row["n"]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("count rows: got %v: %w", row, err)
		}
		return n, nil
	}
	return 0, fmt.Errorf("count rows: no row was returned")
}

// still is how long the number of rows must not change where it cannot be known which number it will be.
const still = 2 * time.Second

// await waits until as many rows are there as must be, or for as long as it may. Where the fate of events is unclear
// their rows do not tell that all others are there, so it then waits until no more come.
func (v *verification) await(ctx context.Context) error {
	until := time.Now().Add(v.options.Wait)
	var before uint64
	var since time.Time
	for {
		n, err := v.count(ctx, v.mine())
		if err != nil {
			return err
		}
		now := time.Now()
		if n != before || since.IsZero() {
			before, since = n, now
		}
		enough := n >= v.verdict.Acknowledged && (v.verdict.Unclear == 0 || now.Sub(since) >= still)
		left := until.Sub(now)
		if enough || left <= 0 {
			return nil
		}
		timer := time.NewTimer(min(left, 200*time.Millisecond))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// page compares the events from one to below another.
func (v *verification) page(ctx context.Context, from, to uint64) error {
	v.events, v.seen = v.events[:0], v.seen[:0]
	var e Event
	for n := from; n < to && v.generator.skip(&e); n++ {
		v.events, v.seen = append(v.events, e), append(v.seen, 0)
	}
	sql := "select message_id, type, event, user_id, anonymous_id from events where " + v.mine() + " and " + v.between(from, to)
	for row, err := range v.reader.Query(ctx, sql) {
		if err != nil {
			return err
		}
		v.row(row, from)
	}
	for i, seen := range v.seen {
		n := from + uint64(i)
		must, may := v.ledger.fate(n)
		switch {
		case must && seen == 0:
			v.verdict.wrong(&v.verdict.Missing, "missing: %s", v.tell(n, &v.events[i]))
		case may && !must && seen > 0:
			v.verdict.UnclearFound++
		}
	}
	return nil
}

// row compares one row of a page.
func (v *verification) row(row map[string]any, from uint64) {
	v.verdict.Rows++
	id := text(row["message_id"])
	n, ok := v.number(id)
	i := n - from
	if _, may := v.ledger.fate(n); !ok || i >= uint64(len(v.events)) || !may {
		v.verdict.wrong(&v.verdict.Alien, "alien: %s", id)
		return
	}
	if v.seen[i]++; v.seen[i] > 1 {
		v.verdict.wrong(&v.verdict.Doubled, "doubled: %s", v.tell(n, &v.events[i]))
	}
	want := v.tell(n, &v.events[i])
	kind, name := text(row["type"]), text(row["event"])
	if kind != "track" {
		name = "" // only track calls have one; what the column says for the others is the warehouse's affair
	}
	if have := tell(id, kind, name, text(row["user_id"]), text(row["anonymous_id"])); have != want {
		v.verdict.wrong(&v.verdict.Altered, "altered: want %s, have %s", want, have)
	}
}

// number returns the number in a message id of the run.
func (v *verification) number(id string) (uint64, bool) {
	digits, mine := strings.CutPrefix(id, "sim-"+v.run+"-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, mine && err == nil && MessageID(v.run, n) == id
}

// tell describes an event by all that is compared.
func (v *verification) tell(n uint64, e *Event) string {
	var user, anonymous []byte
	if e.user {
		user = appendUserID(nil, e.person)
	}
	if e.anonymous != 0 {
		anonymous = appendUUID(nil, e.anonymous)
	}
	return tell(MessageID(v.run, n), e.Type, e.Name, string(user), string(anonymous))
}

func tell(id, kind, name, user, anonymous string) string {
	return fmt.Sprintf("%s %s %q of user %q, anonymous %q", id, kind, name, user, anonymous)
}

// outside looks for rows of the run beyond its last event, and makes sure that all rows were seen.
func (v *verification) outside(ctx context.Context, end uint64) error {
	beyond := v.mine() + " and not (" + v.between(0, end) + ")"
	aliens, err := v.count(ctx, beyond)
	if err != nil {
		return err
	}
	if aliens > 0 {
		for row, err := range v.reader.Query(ctx, fmt.Sprintf("select message_id from events where %s limit %d", beyond, maxExamples)) {
			if err != nil {
				return err
			}
			if len(v.verdict.Examples) < maxExamples {
				v.verdict.Examples = append(v.verdict.Examples, "alien: "+text(row["message_id"]))
			}
		}
	}
	v.verdict.Alien += aliens
	v.verdict.Rows += aliens
	all, err := v.count(ctx, v.mine())
	if err != nil {
		return err
	}
	if all != v.verdict.Rows {
		return fmt.Errorf("the warehouse has %d rows of run %s but gave %d: rows are still coming in, or answers are cut short", all, v.run, v.verdict.Rows)
	}
	return nil
}

// text returns a column's value as text, empty for null.
func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	}
	return fmt.Sprint(value)
}
