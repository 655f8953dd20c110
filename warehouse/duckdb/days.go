package duckdb

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"slices"
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
	dayOf      = `make_date(cast(epoch_us("timestamp") // 86400000000 as integer))`
	someDays   = "select distinct " + dayOf + " as day, coalesce(md5_number_lower(user_id), 0) as user_id, coalesce(md5_number_lower(anonymous_id), 0) as anonymous_id, is_bot from events"
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

// hashed gives an id as md5_number_lower does; the id is copied to text.
func hashed(ids *array.String, row int, text []byte) (uint64, []byte) {
	if ids.IsNull(row) {
		return 0, text
	}
	text = append(text[:0], ids.Value(row)...)
	sum := md5.Sum(text)
	return binary.LittleEndian.Uint64(sum[8:]), text
}

// putDays writes what the batch brings that is not there yet.
func (l *loading) putDays() error {
	var lines []dayLine
	var text []byte
	for _, part := range l.events {
		column := func(name string) arrow.Array { return part.Column(part.Schema().FieldIndices(name)[0]) }
		at, bot := column("timestamp").(*array.Timestamp), column("is_bot").(*array.Boolean)
		users, devices := column("user_id").(*array.String), column("anonymous_id").(*array.String)
		for row := range at.Len() {
			line := dayLine{day: epochDay(int64(at.Value(row))), bot: bot.Value(row)}
			line.user, text = hashed(users, row, text)
			line.device, text = hashed(devices, row, text)
			lines = append(lines, line)
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

// Days reads the table once for the users, and once for the devices. One bit tells a device from a user of the same name.
func (dialect) Days(users, devices []string) string {
	device := func(id string) string { return "xor(" + id + ", cast(1 as ubigint))" }
	var all, some []string
	list := func(ids []string, column, as string, tagged func(string) string) {
		var hashes []string
		for _, id := range ids {
			hashes = append(hashes, "md5_number_lower("+id+")")
			all = append(all, tagged(hashes[len(hashes)-1]))
		}
		if len(ids) > 0 {
			some = append(some, fmt.Sprintf("select day, %s as id from id_days where %s in (%s)", as, column, strings.Join(hashes, ", ")))
		}
	}
	list(users, "user_id", "user_id", func(id string) string { return id })
	list(devices, "anonymous_id", device("anonymous_id"), device)
	return fmt.Sprintf("select distinct day, list_position([%s], id) as which from (%s) seen order by day desc", strings.Join(all, ", "), strings.Join(some, " union all "))
}

// Active reads it for everybody.
func (dialect) Active() string { return "id_days" }

// Stored is what an id stands there as.
func (dialect) Stored(id string) string { return "coalesce(md5_number_lower(" + id + "), 0)" }
