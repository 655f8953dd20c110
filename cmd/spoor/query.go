package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/spoorhq/spoor/query"
)

// queryCommand has a subcommand for each question.
type queryCommand struct {
	Trend      queryTrendCommand      `cmd:"" help:"Numbers over time, as a chart."`
	Funnel     queryFunnelCommand     `cmd:"" help:"How many people go through steps, and where they drop out."`
	Retention  queryRetentionCommand  `cmd:"" help:"How many people come back, by when they started."`
	Paths      queryPathsCommand      `cmd:"" help:"What people do after an event, or before it."`
	People     queryPeopleCommand     `cmd:"" help:"The people who did something."`
	Person     queryPersonCommand     `cmd:"" help:"One person: who it is, and what they did."`
	Catalog    queryCatalogCommand    `cmd:"" help:"The events there are, and their volume."`
	Properties queryPropertiesCommand `cmd:"" help:"What events carry."`
	Ask        queryAskCommand        `cmd:"" help:"Any question of the server, by its JSON."`
}

// questionFlags are what every question takes.
type questionFlags struct {
	clientFlags
	JSON bool `help:"Print the answer as the API gives it."`
}

// answered asks a question. When it gives false the answer has been printed.
func (f *questionFlags) answered(ctx context.Context, p *process, name string, params, into any) (bool, error) {
	answer, err := f.question(ctx, p, name, params)
	if err != nil {
		return false, err
	}
	if f.JSON {
		_, err = fmt.Fprintf(p.stdout, "%s\n", answer)
		return false, err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return false, fmt.Errorf("reading the answer of %s: %w", name, err)
	}
	return true, nil
}

// rangeFlags are the range of a question.
type rangeFlags struct {
	Last string `help:"How far back: a number and minutes, hours, days, weeks or months, such as 90m, 24h, 30d, 12w, 6mo." default:"30d"`
	From string `help:"Instead of --last: from this date or time on." placeholder:"TIME"`
	To   string `help:"With --from: up to this date, its day included, or this time." placeholder:"TIME"`
	Zone string `help:"The time zone of days, such as Europe/Berlin." default:"UTC"`
}

// period gives the range as questions take it.
func (f *rangeFlags) period() (query.Range, error) {
	r := query.Range{Zone: f.Zone, From: f.From, To: f.To}
	if f.From != "" || f.To != "" {
		return r, nil
	}
	digits := strings.TrimRight(f.Last, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]query.Interval{"m": query.ByMinute, "h": query.ByHour, "d": query.ByDay, "w": query.ByWeek, "mo": query.ByMonth}[f.Last[len(digits):]]
	n, err := strconv.Atoi(digits)
	if err != nil || !known || n < 1 {
		return r, usagef("--last must be a number and m, h, d, w or mo, such as 30d; got %q", f.Last)
	}
	r.Last, r.Unit = n, unit
	return r, nil
}

type queryTrendCommand struct {
	questionFlags
	rangeFlags
	cohortFlags
	Event      []string `help:"A name to count; give it once for each line of the chart. Without: all events." placeholder:"NAME" sep:"none"`
	Of         string   `help:"What is counted: count, people, sessions, sum, avg, min, max or percentile." default:"count" enum:"count,people,sessions,sum,avg,min,max,percentile"`
	Field      string   `help:"Of which field the sum, average … is, such as properties.total." placeholder:"FIELD"`
	Percentile float64  `help:"Which percentile; 50 is the median." default:"0"`
	By         string   `help:"The interval: minute, hour, day, week or month." default:"day" enum:"minute,hour,day,week,month"`
	Breakdown  []string `help:"Split by the values of this field, such as country; at most two." placeholder:"FIELD" sep:"none"`
	Top        int      `help:"How many groups are shown." default:"10"`
	Compare    bool     `help:"Compare with the period before."`
	Bots       bool     `help:"Let crawlers and other programs count."`
}

func (queryTrendCommand) Help() string {
	return `Examples:
  spoor query trend --event "Order Completed" --last 30d
  spoor query trend --event "Search Used" --of people --last 12w --by week --compare
  spoor query trend --event "Search Used" --cohort "Good customers"
  spoor query trend --event "Order Completed" --of sum --field properties.total --breakdown country --json`
}

func (c *queryTrendCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	r.Interval = query.Interval(c.By)
	where, err := c.where(ctx, &c.clientFlags)
	if err != nil {
		return err
	}
	t := query.Trend{Range: r, Where: where, Compare: c.Compare, Bots: c.Bots}
	measure := query.Measure{Of: query.Aggregate(c.Of), Field: query.Field(c.Field), Percentile: c.Percentile}
	events := c.Event
	if len(events) == 0 {
		events = []string{""}
	}
	for _, name := range events {
		t.Series = append(t.Series, query.Series{Event: query.Selection{Event: name}, Measure: measure})
	}
	if len(c.Breakdown) > 0 {
		t.Breakdown = &query.Breakdown{Top: c.Top}
		for _, f := range c.Breakdown {
			t.Breakdown.By = append(t.Breakdown.By, query.Field(f))
		}
	}
	var a query.TrendAnswer
	if open, err := c.answered(ctx, p, "trend", t, &a); !open || err != nil {
		return err
	}
	names := make([]string, len(a.Lines))
	for i, l := range a.Lines {
		names[i] = lineName(events, l)
	}
	return chart{width: terminalWidth(p.stdout)}.trend(p.stdout, &a, names)
}

// lineName calls a line by its event and group.
func lineName(events []string, l query.Line) string {
	name := "all events"
	if l.Series >= 0 && events[l.Series] != "" {
		name = events[l.Series]
	}
	if l.Other {
		return name + " · other"
	}
	for _, g := range l.Group {
		if g == nil {
			name += " · (none)"
		} else {
			name += " · " + *g
		}
	}
	return name
}

type queryFunnelCommand struct {
	questionFlags
	rangeFlags
	cohortFlags
	Step   []string `help:"The name of an event; give it once for each step, in their order." required:"" placeholder:"NAME" sep:"none"`
	Order  string   `help:"ordered: one after the other; strict: one directly after the other; any: as they come." default:"ordered" enum:"ordered,strict,any"`
	Window int      `help:"How many days after the first step the others count." default:"14"`
	Bots   bool     `help:"Let crawlers and other programs count."`
}

func (queryFunnelCommand) Help() string {
	return `Examples:
  spoor query funnel --step "Product Viewed" --step "Product Added" --step "Order Completed" --last 30d`
}

func (c *queryFunnelCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	where, err := c.where(ctx, &c.clientFlags)
	if err != nil {
		return err
	}
	f := query.Funnel{Range: r, Where: where, Order: query.Order(c.Order), Window: query.Span{Length: c.Window, Unit: query.ByDay}, Bots: c.Bots}
	for _, name := range c.Step {
		f.Steps = append(f.Steps, query.Step{Event: query.Selection{Event: name}})
	}
	var a query.FunnelAnswer
	if open, err := c.answered(ctx, p, "funnel", f, &a); !open || err != nil {
		return err
	}
	return chart{width: terminalWidth(p.stdout)}.funnel(p.stdout, &a, c.Step)
}

type queryRetentionCommand struct {
	questionFlags
	rangeFlags
	cohortFlags
	Start   string `help:"The event that people start with; without, any." placeholder:"NAME"`
	Return  string `help:"The event that they come back with; without, any." placeholder:"NAME"`
	By      string `help:"The interval: day, week or month." default:"week" enum:"day,week,month"`
	OrAfter bool   `help:"Count who comes back in a period or later."`
	Ever    bool   `help:"Take those only whose start is their first one ever."`
}

func (queryRetentionCommand) Help() string {
	return `Examples:
  spoor query retention --start "Signed Up" --last 12w
  spoor query retention --start "Order Completed" --return "Order Completed" --by month --last 6mo`
}

func (c *queryRetentionCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	r.Interval = query.Interval(c.By)
	where, err := c.where(ctx, &c.clientFlags)
	if err != nil {
		return err
	}
	ask := query.Retention{
		Range: r, Where: where, Start: query.Step{Event: query.Selection{Event: c.Start}}, Return: query.Step{Event: query.Selection{Event: c.Return}},
		OrAfter: c.OrAfter, Ever: c.Ever,
	}
	var a query.RetentionAnswer
	if open, err := c.answered(ctx, p, "retention", ask, &a); !open || err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{"started", "people"}
	for i := range a.All.Rows {
		heads = append(heads, strconv.Itoa(i))
	}
	fmt.Fprintln(t, strings.Join(heads, "\t")+"\t")
	for _, row := range a.All.Rows {
		cells := []string{bucketName(a.Period, row.Bucket), grouped(strconv.FormatInt(row.Size, 10))}
		for _, cell := range row.Cells {
			mark := ""
			if cell.Incomplete {
				mark = "*"
			}
			cells = append(cells, percent(cell.Share)+mark)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "of those who started, who came back so many %ss later; * not over yet\n", c.By)
	return nil
}

type queryPeopleCommand struct {
	questionFlags
	rangeFlags
	cohortFlags
	Event  string `help:"Who did this; without, anything." placeholder:"NAME"`
	Search string `help:"Only whose id, traits or devices hold this text."`
	Limit  int    `help:"The most people." default:"20" short:"n"`
}

func (queryPeopleCommand) Help() string {
	return `Examples:
  spoor query people --event "Order Completed" --last 7d
  spoor query people --search ada@example.com`
}

func (c *queryPeopleCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	where, err := c.where(ctx, &c.clientFlags)
	if err != nil {
		return err
	}
	ask := query.PeopleList{Events: &query.Doers{Range: &r, Event: query.Selection{Event: c.Event}, Where: where}, Search: c.Search, Limit: c.Limit}
	var a query.PeopleAnswer
	if open, err := c.answered(ctx, p, "people", ask, &a); !open || err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "person\tevents\tfirst\tlast\ttraits")
	for _, person := range a.List {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", person.Person, person.Events, clock(person.First), clock(person.Last), cell(person.Traits))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%d people, %d shown\n", a.People, len(a.List))
	return nil
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

type queryPersonCommand struct {
	questionFlags
	Person string `arg:"" help:"A user id or anonymous id."`
	Limit  int    `help:"The most events." default:"50" short:"n"`
}

func (c *queryPersonCommand) Run(ctx context.Context, p *process) error {
	var a query.PersonAnswer
	if open, err := c.answered(ctx, p, "person", query.PersonQuestion{Person: c.Person, Limit: c.Limit}, &a); !open || err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s  %s\n", a.Person, cell(a.Traits))
	for _, d := range a.Devices {
		fmt.Fprintf(p.stdout, "device %s, last seen %s\n", d.AnonymousID, clock(d.SeenAt))
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "when\tsource\ttype\tevent\tproperties")
	for i := range a.Events {
		e := &a.Events[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", clock(e.Timestamp), e.Source, e.Type, e.Event, cell(e.Properties))
	}
	return t.Flush()
}

type queryCatalogCommand struct {
	questionFlags
	rangeFlags
	By query.Clock `help:"By which moment events are counted: received or happened. By happened the events of the range are read." enum:"received,happened" default:"received"`
}

func (c *queryCatalogCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	var a query.CatalogAnswer
	if open, err := c.answered(ctx, p, "catalog", query.CatalogQuestion{Range: r, By: c.By}, &a); !open || err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "type\tevent\trows\tvolume\tproperties\tlast seen")
	for _, e := range a.Events {
		seen := ""
		if e.LastSeen != nil {
			seen = clock(*e.LastSeen)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%s\n", e.Type, e.Event, e.Volume, sparkline(squeeze(e.Volumes, 30)), e.Properties, seen)
	}
	return t.Flush()
}

type queryPropertiesCommand struct {
	questionFlags
	Event  string `arg:"" help:"The event's name."`
	Sample int    `help:"How many of the newest events are looked into." default:"1000"`
}

func (c *queryPropertiesCommand) Run(ctx context.Context, p *process) error {
	var a query.PropertiesAnswer
	ask := query.PropertiesQuestion{Event: query.Selection{Event: c.Event}, Sample: c.Sample}
	if open, err := c.answered(ctx, p, "properties", ask, &a); !open || err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "field\tkinds\tmissing\tmost frequent")
	for _, property := range a.Properties {
		var samples []string
		for _, s := range property.Samples {
			samples = append(samples, fmt.Sprintf("%s ×%d", cell(s.Value), s.Events))
		}
		fmt.Fprintf(t, "%s\t%s\t%.0f %%\t%s\n", property.Field, strings.Join(property.Kinds, ", "), property.NullRate*100, strings.Join(samples, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "of the newest %d events\n", a.Sampled)
	return nil
}

type queryAskCommand struct {
	questionFlags
	Question string `arg:"" help:"The question: trend, funnel, retention, paths … as GET /api/openapi.json lists them."`
	Params   string `arg:"" optional:"" help:"Its parameters as JSON; - or nothing reads them from standard input."`
}

func (queryAskCommand) Help() string {
	return `Prints the lists of the answer as tables, one after the other; with --json the answer as it is.

Examples:
  spoor query ask trend '{"range": {"last": 7, "unit": "day"}, "series": [{"event": {"event": "Order Completed"}}]}'
  spoor query ask funnel - < funnel.json`
}

func (c *queryAskCommand) Run(ctx context.Context, p *process) error {
	text := []byte(c.Params)
	if c.Params == "" || c.Params == "-" {
		var err error
		if text, err = io.ReadAll(p.stdin); err != nil {
			return fmt.Errorf("reading the parameters: %w", err)
		}
	}
	if !json.Valid(text) {
		return usagef("the parameters must be JSON; got %q", text)
	}
	var a map[string]json.RawMessage
	if open, err := c.answered(ctx, p, c.Question, json.RawMessage(text), &a); !open || err != nil {
		return err
	}
	return printAnswer(p.stdout, a)
}

// terminalWidth is how wide the terminal is; 100 where there is none.
func terminalWidth(w io.Writer) int {
	const otherwise = 100
	file, ok := w.(*os.File)
	if !ok {
		return otherwise
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 20 {
		return otherwise
	}
	return width
}
