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

// The table id_days tells on which days (UTC) something was done under an id: user_id or anonymous_id. It is an index of
// events, which lie in the order of time: one person's are found by it in the few days that have some. An id is there as the
// lower 64 bits of the MD5 of its column's name and itself: what two ids have in common costs a look in vain. It has a row for
// each id and day, of about 8 bytes; see docs/adr/0019-keys-and-days.md.
const (
	createDays = "create table if not exists id_days (day date not null, id ubigint not null)"
	dayOf      = `make_date(cast(epoch_us("timestamp") // 86400000000 as integer))`
	fillDays   = "insert into id_days select day, md5_number_lower(id) from (select distinct " + dayOf + ` as day, unnest(['user_id' || user_id, 'anonymous_id' || anonymous_id]) as id
		from events) where id is not null order by day`
)

// hashID is how an id stands in the table; both are SQL.
func hashID(column, id string) string { return "md5_number_lower(" + column + " || " + id + ")" }

// makeDays makes the index, of the events that are there.
func (w *Warehouse) makeDays(ctx context.Context) error {
	var there bool
	if err := w.writer.QueryRowContext(ctx, "select count(*) > 0 from duckdb_tables() where database_name = 'spoor' and table_name = 'id_days'").Scan(&there); err != nil || there {
		return err
	}
	if err := w.exec(ctx, createDays); err != nil {
		return err
	}
	return w.exec(ctx, fillDays)
}

// dayID is a line of id_days.
type dayID struct {
	day int32 // since 1970
	id  uint64
}

// putDays writes what the batch brings that is not there yet.
func (l *loading) putDays() error {
	var lines []dayID
	var text []byte
	for _, part := range l.events {
		column := func(name string) arrow.Array { return part.Column(part.Schema().FieldIndices(name)[0]) }
		at := column("timestamp").(*array.Timestamp)
		for _, name := range []string{"user_id", "anonymous_id"} {
			of := column(name).(*array.String)
			for row := range of.Len() {
				if of.IsValid(row) {
					text = append(append(text[:0], name...), of.Value(row)...)
					// What md5_number_lower gives.
					sum := md5.Sum(text)
					lines = append(lines, dayID{epochDay(int64(at.Value(row))), binary.LittleEndian.Uint64(sum[8:])})
				}
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.SortFunc(lines, func(a, b dayID) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.id, b.id)) })
	lines = slices.Compact(lines)
	days, ids := array.NewDate32Builder(memory.DefaultAllocator), array.NewUint64Builder(memory.DefaultAllocator)
	defer days.Release()
	defer ids.Release()
	for _, line := range lines {
		days.Append(arrow.Date32(line.day))
		ids.Append(line.id)
	}
	columns := []arrow.Array{days.NewArray(), ids.NewArray()}
	defer columns[0].Release()
	defer columns[1].Release()
	batch := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "day", Type: arrow.FixedWidthTypes.Date32}, {Name: "id", Type: arrow.PrimitiveTypes.Uint64}}, nil),
		columns, int64(len(lines)))
	defer batch.Release()
	return apply(l.ctx, l.writer, fmt.Sprintf(`insert into id_days select n.day, n.id from batch n
		anti join (select * from id_days where day between make_date(%d) and make_date(%d)) d on d.day = n.day and d.id = n.id`, lines[0].day, lines[len(lines)-1].day), batch)
}

// epochDay is the day of a moment in microseconds, counted from 1970 on.
func epochDay(micros int64) int32 {
	const day = int64(24 * time.Hour / time.Microsecond)
	if micros < 0 {
		micros -= day - 1
	}
	return int32(micros / day)
}

// Days reads the index.
func (dialect) Days(users, devices []string) string {
	var hashed []string
	for _, id := range users {
		hashed = append(hashed, hashID("'user_id'", id))
	}
	for _, id := range devices {
		hashed = append(hashed, hashID("'anonymous_id'", id))
	}
	list := strings.Join(hashed, ", ")
	return fmt.Sprintf("select distinct day, list_position([%s], id) as which from id_days where id in (%s) order by day desc", list, list)
}
