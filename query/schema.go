package query

import (
	"context"
	"fmt"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// SchemaTable is a table or a view that SQL can ask.
type SchemaTable struct {
	Name    string         `json:"name"`
	Doc     string         `json:"doc,omitempty"`
	View    bool           `json:"view"` // of one event name
	Columns []SchemaColumn `json:"columns" required:"true" nullable:"false"`
}

// SchemaColumn is a column; Kind is the logical type, the same on every warehouse.
type SchemaColumn struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Doc  string `json:"doc,omitempty"`
}

// ColumnDocs says what the columns of the tables hold, by their names; of several of one name the first table's counts.
func ColumnDocs() map[string]string {
	docs := map[string]string{}
	for _, t := range warehouse.Tables() {
		for _, c := range t.Columns {
			if docs[c.Name] == "" && c.Doc != "" {
				docs[c.Name] = c.Doc
			}
		}
	}
	return docs
}

// AskSchema gives what SQL can ask: the tables of every warehouse, and the views of the event names that this one has seen.
func AskSchema(ctx context.Context, w Asker) ([]SchemaTable, error) {
	var tables []SchemaTable
	for _, t := range warehouse.Tables() {
		table := SchemaTable{Name: t.Name, Doc: t.Doc}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, SchemaColumn{c.Name, kindName(c.Kind), c.Doc})
		}
		tables = append(tables, table)
	}
	rows, err := w.Query(ctx, `select view, event, type, property, kind from catalog order by view, property, kind`)
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	defer rows.Close()
	type seen struct {
		typ, event string
		kinds      map[string][]event.PropertyKind
	}
	views, names := map[string]*seen{}, []string{}
	for rows.Next() {
		var view, name, typ, property, kind string
		if err := rows.Scan(&view, &name, &typ, &property, &kind); err != nil {
			return nil, fmt.Errorf("reading the catalog: %w", err)
		}
		if views[view] == nil {
			views[view] = &seen{typ, name, map[string][]event.PropertyKind{}}
			names = append(names, view)
		}
		if k := event.ParsePropertyKind(kind); k != event.KindNone {
			views[view].kinds[property] = append(views[view].kinds[property], k)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	for _, name := range names {
		s := views[name]
		doc := fmt.Sprintf("%s calls", s.typ)
		if s.event != "" {
			doc = fmt.Sprintf("%s: %s", s.typ, s.event)
		}
		table := SchemaTable{Name: name, Doc: doc, View: true, Columns: []SchemaColumn{}}
		for _, c := range warehouse.NewView(name, s.typ, s.event, s.kinds).Columns {
			table.Columns = append(table.Columns, viewColumn(c))
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// kindName gives a column's logical type in words.
func kindName(k event.ColumnKind) string {
	return map[event.ColumnKind]string{
		event.Text: "text", event.JSON: "json", event.Timestamp: "timestamp", event.Bool: "boolean", event.Int32: "integer",
		event.Int64: "integer", event.Bytes: "bytes",
	}[k]
}

// viewColumn describes the column of one property.
func viewColumn(c warehouse.ViewColumn) SchemaColumn {
	kind := c.Kind.String()
	switch c.Kind {
	case event.KindNone, event.KindString:
		kind = "text"
	case event.KindObject, event.KindArray:
		kind = "json"
	}
	doc := ""
	if c.Property != c.Name {
		doc = c.Property
	}
	return SchemaColumn{c.Name, kind, doc}
}
