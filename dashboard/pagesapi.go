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
			route: "GET /api/sources", id: "sources", group: groupLine, title: "Where events come from", scope: scopeRead,
			about: "The sources that are configured here, with their write keys and what sends from them, and those that the warehouse has events of; counts are of the last 24 hours.",
			gives: sourcesAnswer{}, refuse: []int{504}, handle: d.sources,
		},
		{
			route: "GET /api/pipeline", id: "pipeline", group: groupLine, title: "What became of what was received", scope: scopeRead,
			about:  "The ledger by source and interval, dead letters by reason, and the latest loads.",
			params: rangeParams{}, gives: query.Pipeline{}, refuse: []int{400, 504}, handle: d.pipeline,
		},
		{
			route: "GET /api/dead-letters", id: "deadLetters", group: groupLine, title: "Dead letters", scope: scopeRead,
			about:  "The ones that were received last, with what was sent and why it could not be loaded.",
			params: lettersParams{}, gives: []query.DeadLetter{}, refuse: []int{400, 504}, handle: d.deadLetters,
		},
		{
			route: "GET /api/trace", id: "trace", group: groupLine, title: "Where is my event?", scope: scopeRead,
			about: "One JSON object a line: first `warehouse`, what it knows of the id; then `found`, each event of the id that the stream still holds, " +
				"and `searched`, how much of the stream was looked through.",
			params: traceParams{}, gives: traceLine{}, types: []string{"application/x-ndjson"}, refuse: []int{400, 504}, handle: d.trace,
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
