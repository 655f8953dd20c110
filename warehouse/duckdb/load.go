package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// Load commits a batch. Every value goes in as Arrow or as a bound argument.
func (w *Warehouse) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	l := loading{Warehouse: w, ctx: ctx, b: b, now: event.TimeOf(time.Now())}
	err := w.transact(ctx, l.run)
	if err != nil {
		return warehouse.Receipt{}, err
	}
	_, loaded, duplicate, dead := warehouse.Totals(l.counts)
	return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
}

// loading is one transaction of Load.
type loading struct {
	*Warehouse
	ctx     context.Context
	b       *warehouse.Batch
	now     event.Time
	events  []arrow.RecordBatch // the batch's, without the suspects that are duplicates
	counts  []warehouse.Count
	volumes []warehouse.Volume
}

func (l *loading) run() error {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"positions", l.move},
		{"suspects", l.weed},
		{"events", l.insertEvents},
		{"dead_letters", l.insertDeadLetters},
		{"identities", l.putIdentities},
		{"users", l.putUsers},
		{"ledger", l.putCounts},
		{"volumes", l.putVolumes},
		{"sequences", l.putSequences},
		{"catalog", l.putProperties},
		{"views", l.makeViews},
		{"loads", l.putLoad},
	} {
		if l.options.Fault != nil {
			if err := l.options.Fault(step.name); err != nil {
				return err
			}
		}
		if err := step.do(); err != nil {
			return fmt.Errorf("loading %s: %w", step.name, err)
		}
	}
	if l.options.Fault != nil {
		return l.options.Fault("commit")
	}
	return nil
}

// move takes each shard's position on by compare-and-set.
func (l *loading) move() error {
	for _, m := range l.b.Moves {
		query := "update positions set position = ?, moved_at = ? where stream = ? and shard = ? and position = ?"
		args := []any{m.To, event.GoTime(l.now), l.b.Stream, m.Shard, m.From}
		if m.From == "" {
			query = `insert into positions (position, moved_at, stream, shard) select ?, ?, ?, ?
				where not exists (select 1 from positions where stream = ? and shard = ?)`
			args = []any{m.To, event.GoTime(l.now), l.b.Stream, m.Shard, l.b.Stream, m.Shard}
		}
		result, err := l.writer.ExecContext(l.ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n != 1 {
			return fmt.Errorf("%w: shard %s of %s is not at %q", warehouse.ErrFenced, m.Shard, l.b.Stream, m.From)
		}
	}
	return nil
}

// weed finds the suspects that are in the table already, and settles the counts without them. What is left of the
// batch is the stretches between them, without a copy.
func (l *loading) weed() error {
	duplicates, err := l.duplicates()
	if err != nil {
		return err
	}
	l.counts, l.volumes = l.b.Settle(duplicates)
	if l.b.Events == nil {
		return nil
	}
	from := int64(0)
	for _, row := range append(duplicates, int32(l.b.Events.NumRows())) {
		if int64(row) > from {
			l.events = append(l.events, l.b.Events.NewSlice(from, int64(row)))
		}
		from = int64(row) + 1
	}
	return nil
}

func (l *loading) duplicates() ([]int32, error) {
	if len(l.b.Suspects) == 0 {
		return nil, nil
	}
	suspects := l.table([]event.Column{
		{Name: "row", Kind: event.Int32}, {Name: "source"}, {Name: "message_id"}, {Name: "received_at", Kind: event.Timestamp},
	})
	column := func(name string) arrow.Array { return l.b.Events.Column(l.b.Events.Schema().FieldIndices(name)[0]) }
	source, id, received := column("source").(*array.String), column("message_id").(*array.String), column("received_at").(*array.Timestamp)
	earliest, latest := received.Value(int(l.b.Suspects[0])), received.Value(int(l.b.Suspects[0]))
	for _, row := range l.b.Suspects {
		at := received.Value(int(row))
		earliest, latest = min(earliest, at), max(latest, at)
		suspects.add(row, source.Value(int(row)), id.Value(int(row)), event.Time(at))
	}
	drop, err := suspects.temporary("suspects")
	if err != nil {
		return nil, err
	}
	window := l.b.Window.Microseconds()
	rows, err := l.writer.QueryContext(l.ctx, `select distinct s.row from events e join temp.suspects s
			on e.source = s.source and e.message_id = s.message_id
		where e.received_at between ? and ? and abs(epoch_us(e.received_at) - epoch_us(s.received_at)) <= ? order by 1`,
		event.GoTime(event.Time(earliest)-window), event.GoTime(event.Time(latest)+window), window)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var duplicates []int32
	for rows.Next() {
		var row int32
		if err := rows.Scan(&row); err != nil {
			return nil, err
		}
		duplicates = append(duplicates, row)
	}
	return duplicates, errors.Join(rows.Err(), rows.Close(), drop())
}

func (l *loading) insertEvents() error {
	defer func() {
		for _, part := range l.events {
			part.Release()
		}
	}()
	return l.insert("events", l.events...)
}

func (l *loading) insertDeadLetters() error {
	if l.b.DeadLetters == nil {
		return nil
	}
	return l.insert("dead_letters", l.b.DeadLetters)
}

// insert appends record batches to a table whose last column is the load's id.
func (l *loading) insert(table string, batches ...arrow.RecordBatch) error {
	if len(batches) == 0 {
		return nil
	}
	return apply(l.writer, "insert into "+table+" select *, "+dialect{}.Literal(l.b.ID)+" from batch", batches...)
}

func (l *loading) putIdentities() error {
	rows := l.rows("identities")
	for _, i := range l.b.Identities {
		rows.add(i.AnonymousID, i.UserID, i.SeenAt)
	}
	return rows.put(`on conflict (anonymous_id) do update set user_id = excluded.user_id, seen_at = excluded.seen_at
		where excluded.seen_at > identities.seen_at or (excluded.seen_at = identities.seen_at and excluded.user_id > identities.user_id)`)
}

func (l *loading) putUsers() error {
	known, err := l.knownUsers()
	if err != nil {
		return err
	}
	rows := l.rows("users")
	for _, user := range l.b.Users {
		row, ok := known[user.UserID]
		if !ok {
			row = warehouse.User{UserID: user.UserID, FirstSeen: user.FirstSeen, SeenAt: user.SeenAt}
		}
		if row, err = warehouse.MergeUser(row, user); err != nil {
			return fmt.Errorf("traits of user %q: %w", user.UserID, err)
		}
		rows.add(row.UserID, string(row.Traits), row.FirstSeen, row.SeenAt)
	}
	return rows.put("on conflict (user_id) do update set traits = excluded.traits, first_seen = excluded.first_seen, seen_at = excluded.seen_at")
}

// knownUsers reads the rows of the batch's users.
func (l *loading) knownUsers() (map[string]warehouse.User, error) {
	if len(l.b.Users) == 0 {
		return nil, nil
	}
	ids := l.table([]event.Column{{Name: "user_id"}})
	for _, user := range l.b.Users {
		ids.add(user.UserID)
	}
	drop, err := ids.temporary("some_users")
	if err != nil {
		return nil, err
	}
	rows, err := l.writer.QueryContext(l.ctx, `select user_id, cast(traits as varchar), epoch_us(first_seen), epoch_us(seen_at)
		from users where user_id in (select user_id from temp.some_users)`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]warehouse.User, len(l.b.Users))
	for rows.Next() {
		var user warehouse.User
		var traits string
		if err := rows.Scan(&user.UserID, &traits, &user.FirstSeen, &user.SeenAt); err != nil {
			return nil, err
		}
		user.Traits = []byte(traits)
		known[user.UserID] = user
	}
	return known, errors.Join(rows.Err(), rows.Close(), drop())
}

func (l *loading) putCounts() error {
	rows := l.rows("ledger")
	for _, c := range l.counts {
		rows.add(instant(c.Minute), c.Source, c.Accepted, c.Loaded, c.Duplicate, c.Dead, int64(0))
	}
	return rows.put(`on conflict (minute, source) do update set accepted = accepted + excluded.accepted, loaded = loaded + excluded.loaded,
		duplicate = duplicate + excluded.duplicate, dead = dead + excluded.dead`)
}

func (l *loading) putVolumes() error {
	rows := l.rows("volumes")
	for _, v := range l.volumes {
		rows.add(instant(v.Minute), v.Source, v.Type, v.Event, v.Loaded)
	}
	return rows.put("on conflict (minute, source, type, event) do update set loaded = loaded + excluded.loaded")
}

// instant is a minute as an event.Time.
func instant(minute int64) event.Time { return minute * 60 * 1e6 }

func (l *loading) putSequences() error {
	rows := l.rows("sequences")
	for _, s := range l.b.Sequences {
		rows.add(l.b.Stream, s.Shard, s.Collector, s.Boot, s.Seen, s.Void, s.Records, s.Doubled, s.SeenAt)
	}
	return rows.put(`on conflict (stream, shard, collector, boot) do update set seen = excluded.seen, void = excluded.void,
		records = excluded.records, doubled = excluded.doubled, seen_at = excluded.seen_at`)
}

func (l *loading) putProperties() error {
	rows := l.rows("catalog")
	for _, p := range l.b.Properties {
		rows.add(p.Type, p.Event, p.Name, p.Kind, p.View, p.SeenAt)
	}
	return rows.put("on conflict do nothing")
}

func (l *loading) makeViews() error {
	for _, v := range l.b.Views {
		if err := l.exec(l.ctx, v.SQL(dialect{})); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
	}
	return nil
}

// putLoad writes the batch's line.
func (l *loading) putLoad() error {
	moves, err := json.Marshal(l.b.Moves)
	if err != nil {
		return err
	}
	_, loaded, duplicate, dead := warehouse.Totals(l.counts)
	rows := l.rows("loads")
	rows.add(l.b.ID, l.b.Stream, string(moves), l.now, loaded, duplicate, dead)
	return rows.put("")
}
