package dashboard

import (
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/replay"
)

// schemaAnswer is what SQL can ask.
type schemaAnswer struct {
	Dialect string              `json:"dialect" description:"of the warehouse's SQL"`
	Tables  []query.SchemaTable `json:"tables" required:"true" nullable:"false"`
}

// lineOperations are the routes of the pages that look into the line and into the tables.
func (d *Dashboard) lineOperations() []operation {
	return []operation{
		{
			route: "GET /api/schema", id: "schema", group: groupAsk, title: "The tables that SQL can ask", scope: scopeRead,
			about: "The tables of every warehouse, and the views of the event names that this one has seen.",
			gives: schemaAnswer{}, refuse: []int{504}, handle: d.schema,
		},
		{
			route: "POST /api/replay", id: "replay", group: groupRun, title: "Dead letters on the stream again", scope: scopeAdmin,
			about: "Judges dead letters anew and puts those that load now on the stream, with their original bytes. Reports, one JSON object a line; " +
				"the last has `done`, or is a fault. It is as good to ask again: what is in the warehouse is left out.",
			body: replay.Ask{}, gives: replay.Report{}, types: []string{"application/x-ndjson"}, refuse: []int{400, 409, 413, 501},
			sample: map[string]any{"what would happen": replay.Ask{Reason: "unknown_type", DryRun: true}}, handle: d.replay,
		},
	}
}
