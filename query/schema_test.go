package query_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	kinds := map[string][]event.PropertyKind{"resultCount": {event.KindInteger}, "what": {event.KindString, event.KindNumber}}
	batch := &warehouse.Batch{ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}}
	batch.Views = []warehouse.View{warehouse.NewView("event_search_used", "track", "Search Used", kinds)}
	add := func(name, kind string) {
		batch.Properties = append(batch.Properties, warehouse.Property{Type: "track", Event: "Search Used", Name: name, Kind: kind, View: "event_search_used"})
	}
	add("", "")
	add("resultCount", "integer")
	add("what", "string")
	add("what", "number")
	w := openWarehouse(t, batch)
	have, err := query.AskSchema(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	view := have[len(have)-1]
	want := query.SchemaTable{Name: "event_search_used", Doc: "track: Search Used", View: true, Columns: []query.SchemaColumn{
		{Name: "result_count", Kind: "integer", Doc: "resultCount"}, {Name: "what", Kind: "text"},
	}}
	if len(have) != len(warehouse.Tables())+1 || view.Name != want.Name || view.Doc != want.Doc || !slices.Equal(view.Columns, want.Columns) {
		t.Errorf("want the tables and %+v; have %d and %+v", want, len(have), view)
	}
}

func TestWriteLines(t *testing.T) {
	t.Parallel()
	w := openWarehouse(t)
	result, err := query.SQL(t.Context(), w, `select 9007199254740993::bigint as large, -5 as b, 'x' as "2", null as "1",
		170141183460469231731687303715884105727::hugeint as huge, 1.50::decimal(5,2) as money from range(3)`, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out bytes.Buffer
	if err := result.WriteLines(&out, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	row := `["9007199254740993",-5,"x",null,"170141183460469231731687303715884105727",1.5]`
	if len(lines) != 4 || !strings.Contains(lines[0], `{"name":"2","type":"VARCHAR"}`) || lines[1] != row || !strings.HasPrefix(lines[3], `{"rows":2,"cut":true,"ms":`) {
		t.Errorf("want the columns, two rows %s and an end; have %q", row, lines)
	}
}
