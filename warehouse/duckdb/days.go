package duckdb

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The table id_days tells who did something on each day (UTC): it has a line for each user and device that an event of the day names
// together, and whether programs did it. By it one person's events are found in the few days that have some, and people who did
// anything at all are counted without reading what they did. An id stands there as the lower 64 bits of its MD5, and an absent one as 0;
// two ids that have these in common are taken for one when people are counted. See docs/adr/0019-keys-and-days.md.
const (
	createDays = "create table if not exists id_days (day date not null, user_id ubigint not null, anonymous_id ubigint not null, is_bot boolean not null)"
	// What lies before 1970 belongs to the day that has begun: // cuts towards 0.
	dayOf    = `make_date(cast((epoch_us("timestamp") - case when epoch_us("timestamp") < 0 then 86399999999 else 0 end) // 86400000000 as integer))`
	someDays = "select distinct " + dayOf + " as day, coalesce(md5_number_lower(user_id), 0) as user_id, coalesce(md5_number_lower(anonymous_id), 0) as anonymous_id, is_bot from events"
)

// makeDays makes the table, of the events that are there.
func (w *Warehouse) makeDays(ctx context.Context) error {
	var there bool
	const columns = "select count(*) > 0 from duckdb_columns() where database_name = 'spoor' and table_name = 'id_days' and column_name = 'anonymous_id'"
	if err := w.writer.QueryRowContext(ctx, columns).Scan(&there); err != nil || there {
		return err
	}
	for _, statement := range []string{"drop table if exists id_days", createDays, "insert into id_days " + someDays + " order by day"} {
		if err := w.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// dayLine is a line of id_days.
type dayLine struct {
	day          int32 // since 1970
	user, device uint64
	bot          bool
}

func (a dayLine) compare(b dayLine) int {
	if c := cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.user, b.user), cmp.Compare(a.device, b.device)); c != 0 || a.bot == b.bot {
		return c
	}
	if b.bot {
		return -1
	}
	return 1
}

// hashed gives an id as md5_number_lower does.
func hashed(id []byte) uint64 {
	sum := md5.Sum(id)
	return binary.LittleEndian.Uint64(sum[8:])
}

// putDays writes what the batch brings that is not there yet.
func (l *loading) putDays() error {
	var lines []dayLine
	var text []byte
	id := func(ids *array.String, row int) uint64 {
		if ids.IsNull(row) {
			return 0
		}
		text = append(text[:0], ids.Value(row)...)
		return hashed(text)
	}
	for _, part := range l.events {
		column := func(name string) arrow.Array { return part.Column(part.Schema().FieldIndices(name)[0]) }
		at, bot := column("timestamp").(*array.Timestamp), column("is_bot").(*array.Boolean)
		users, devices := column("user_id").(*array.String), column("anonymous_id").(*array.String)
		for row := range at.Len() {
			lines = append(lines, dayLine{epochDay(int64(at.Value(row))), id(users, row), id(devices, row), bot.Value(row)})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.SortFunc(lines, dayLine.compare)
	lines = slices.Compact(lines)
	batch := dayRows(lines)
	defer batch.Release()
	return apply(l.ctx, l.writer, fmt.Sprintf(`insert into id_days select n.* from batch n anti join (select * from id_days where day between make_date(%d) and make_date(%d)) d
		on d.day = n.day and d.user_id = n.user_id and d.anonymous_id = n.anonymous_id and d.is_bot = n.is_bot`, lines[0].day, lines[len(lines)-1].day), batch)
}

func dayRows(lines []dayLine) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "day", Type: arrow.FixedWidthTypes.Date32}, {Name: "user_id", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "anonymous_id", Type: arrow.PrimitiveTypes.Uint64}, {Name: "is_bot", Type: arrow.FixedWidthTypes.Boolean},
	}, nil))
	defer b.Release()
	b.Reserve(len(lines))
	for _, line := range lines {
		b.Field(0).(*array.Date32Builder).Append(arrow.Date32(line.day))
		b.Field(1).(*array.Uint64Builder).Append(line.user)
		b.Field(2).(*array.Uint64Builder).Append(line.device)
		b.Field(3).(*array.BooleanBuilder).Append(line.bot)
	}
	return b.NewRecordBatch()
}

// epochDay is the day of a moment in microseconds, counted from 1970 on.
func epochDay(micros int64) int32 {
	const day = int64(24 * time.Hour / time.Microsecond)
	if micros < 0 {
		micros -= day - 1
	}
	return int32(micros / day)
}

// Days reads the table once for the users, and once for the devices.
func (dialect) Days(users, devices []string) string {
	list := func(ids []string) string {
		hashes := make([]string, len(ids))
		for i, id := range ids {
			hashes[i] = strconv.FormatUint(hashed([]byte(id)), 10)
		}
		return strings.Join(hashes, ", ")
	}
	u, d := list(users), list(devices)
	return fmt.Sprintf(`select distinct day, which from (select day, list_position(cast([%[1]s] as ubigint[]), user_id) as which from id_days where user_id in (%[1]s)
		union all select day, %[3]d + list_position(cast([%[2]s] as ubigint[]), anonymous_id) from id_days where anonymous_id in (%[2]s) and user_id not in (%[1]s)) seen
		order by day desc`, u, d, len(users))
}

// Active reads it for everybody.
func (dialect) Active() string { return "id_days" }

// Stored is what an id stands there as.
func (dialect) Stored(id string) string { return "coalesce(md5_number_lower(" + id + "), 0)" }
