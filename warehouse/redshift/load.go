package redshift

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// Load commits a batch. Its rows are staged before the transaction begins, so that no other writer waits for S3. When the
// connection is lost while committing, the ledger is asked whether the batch is in. An error 1023, of two transactions that
// cannot both be, is an error like others: nothing was changed, and the whole load can be tried again.
func (w *Warehouse) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	events, letters, err := w.stage(ctx, b)
	var staged []string
	for _, set := range []*fileSet{events, letters} {
		if set != nil {
			staged = append(staged, set.all()...)
		}
	}
	if err != nil {
		w.staging.remove(ctx, staged)
		return warehouse.Receipt{}, err
	}
	var l *loading
	err = w.write(ctx, func(s *session) error {
		l = &loading{
			session: s, staged: events, letters: letters,
			SQLLoad: &warehouse.SQLLoad{Session: s, Dialect: dialect{}, Batch: b, Now: event.TimeOf(time.Now()), Limits: limits()},
		}
		return warehouse.RunSteps(ctx, w.options.Fault, "loading", l.Steps(
			warehouse.Step{Name: "copy", Do: l.copy},
			warehouse.Step{Name: "suspects", Do: l.weed},
			warehouse.Step{Name: "events", Do: l.insertEvents},
			warehouse.Step{Name: "dead_letters", Do: l.insertDeadLetters},
		))
	})
	if errors.Is(err, warehouse.ErrUnknownOutcome) {
		switch loaded, asked := w.loaded(ctx, b.ID); {
		case asked != nil:
			err = errors.Join(err, asked)
		case !loaded:
			err = fmt.Errorf("the batch was not committed (%s)", err)
		default:
			err = nil
		}
	}
	if len(staged) > 0 && !(w.place.keep && (err == nil || errors.Is(err, warehouse.ErrUnknownOutcome))) {
		w.staging.remove(ctx, staged)
	}
	if err != nil {
		return warehouse.Receipt{}, err
	}
	_, loaded, duplicate, dead := warehouse.Totals(l.Counts)
	return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
}

// stage writes a batch's events and dead letters to S3; nil: there are none. The sets are given with an error, too, for what
// is there of them must go.
func (w *Warehouse) stage(ctx context.Context, b *warehouse.Batch) (events, letters *fileSet, err error) {
	if b.Events != nil {
		events = w.staging.newFileSet(b.ID, "events")
		if err := w.staging.putRows(ctx, events, event.Columns(), suspicions(b), b.Events); err != nil {
			return events, nil, err
		}
	}
	if b.DeadLetters != nil {
		letters = w.staging.newFileSet(b.ID, "dead_letters")
		if err := w.staging.putLetters(ctx, letters, warehouse.DeadLetterColumns(), b.DeadLetters); err != nil {
			return events, letters, err
		}
	}
	return events, letters, nil
}

// suspicions writes behind a row its number, and between which times a row with the same id would make it a duplicate.
func suspicions(b *warehouse.Batch) func([]byte, int) []byte {
	received := b.Events.Column(b.Events.Schema().FieldIndices("received_at")[0]).(*array.Timestamp)
	suspect := make([]bool, b.Events.NumRows())
	for _, row := range b.Suspects {
		suspect[row] = true
	}
	window := b.Window.Microseconds()
	return func(dst []byte, row int) []byte {
		dst = fmt.Appendf(dst, `,"row_index":%d`, row)
		if suspect[row] {
			at := event.Time(received.Value(row))
			dst = append(appendTime(append(dst, `,"suspect_from":"`...), at-window), '"')
			dst = append(appendTime(append(dst, `,"suspect_to":"`...), at+window), '"')
		}
		return dst
	}
}

// loading is one transaction of Load.
type loading struct {
	*session
	*warehouse.SQLLoad
	staged, letters     *fileSet
	events, deadLetters string // the tables that they were copied to
}

// copy brings what is staged into temporary tables.
func (l *loading) copy(ctx context.Context) (err error) {
	if l.staged != nil {
		l.events, err = l.copyIn(ctx, l.staged, event.Columns(), []string{"row_index integer", "suspect_from varchar(64)", "suspect_to varchar(64)"})
		if err != nil {
			return err
		}
	}
	if l.letters != nil {
		// Their texts have a mark in front, times and the reason among them.
		l.deadLetters, err = l.copyIn(ctx, l.letters, warehouse.DeadLetterColumns(), nil)
	}
	return err
}

// there joins a suspect with the row that makes it a duplicate. Behind the lengths trailing blanks count.
const there = `e.message_id = s.message_id and octet_length(e.message_id) = octet_length(s.message_id)
	and e.source = s.source and octet_length(e.source) = octet_length(s.source)
	and e.received_at between ? and ? and s.suspect_from is not null
	and e.received_at between cast(s.suspect_from as timestamp with time zone) and cast(s.suspect_to as timestamp with time zone)`

// weed takes the suspects that are in the table already out of what was copied, and settles the counts without them.
func (l *loading) weed(ctx context.Context) error {
	var duplicates []int32
	if len(l.Batch.Suspects) > 0 {
		from, to := l.window()
		err := l.Each(ctx, func(scan func(...any) error) error {
			var row int32
			if err := scan(&row); err != nil {
				return err
			}
			duplicates = append(duplicates, row)
			return nil
		}, fmt.Sprintf("select distinct s.row_index from %s s join events e on %s order by 1", l.events, there), from, to)
		if err != nil {
			return err
		}
		if len(duplicates) > 0 {
			n, err := l.Exec(ctx, fmt.Sprintf("delete from %[1]s using events e where %[2]s", l.events, strings.ReplaceAll(there, "s.", l.events+".")), from, to)
			if err != nil {
				return err
			}
			if n != int64(len(duplicates)) {
				return fmt.Errorf("%d duplicates were found, and %d left out", len(duplicates), n)
			}
		}
	}
	l.Counts, l.Volumes = l.Batch.Settle(duplicates)
	return nil
}

// window bounds when a duplicate of any suspect was received, so that only those blocks of events are read.
func (l *loading) window() (from, to time.Time) {
	received := l.Batch.Events.Column(l.Batch.Events.Schema().FieldIndices("received_at")[0]).(*array.Timestamp)
	for i, row := range l.Batch.Suspects {
		at := event.GoTime(event.Time(received.Value(int(row))))
		if i == 0 || at.Before(from) {
			from = at
		}
		if i == 0 || at.After(to) {
			to = at
		}
	}
	return from.Add(-l.Batch.Window), to.Add(l.Batch.Window)
}

// insertEvents moves the rows that are left into the table; all others are duplicates.
func (l *loading) insertEvents(ctx context.Context) error {
	if l.events == "" {
		return nil
	}
	_, err := l.Exec(ctx, fmt.Sprintf("insert into events select %s, ? from %s", selectList("", event.Columns()), l.events), l.Batch.ID)
	return err
}

func (l *loading) insertDeadLetters(ctx context.Context) error {
	if l.deadLetters == "" {
		return nil
	}
	columns := warehouse.DeadLetterColumns()
	list := make([]string, len(columns))
	for i, c := range columns {
		name := dialect{}.Quote(c.Name)
		switch c.Kind {
		case event.Timestamp:
			list[i] = fmt.Sprintf("cast(substring(%s, 2) as timestamp with time zone)", name)
		case event.Text:
			list[i] = fmt.Sprintf("case when %[1]s <> '' then substring(%[1]s, 2) end", name)
		case event.Bytes:
			list[i] = fmt.Sprintf("coalesce(%s, %s)", name, noBytes)
		default:
			list[i] = name
		}
	}
	_, err := l.Exec(ctx, fmt.Sprintf("insert into dead_letters select %s, ? from %s", strings.Join(list, ", "), l.deadLetters), l.Batch.ID)
	return err
}
