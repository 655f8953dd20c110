package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ExportPeople gives all the people behind a number, however many; work hears how far that is.
func (e *Engine) ExportPeople(ctx context.Context, p PeopleList, work *Work) (*Result, error) {
	p, err := Resolve(p, e.options.Cohorts)
	if err != nil {
		return nil, err
	}
	return ExportPeople(ctx, work.Watched(e.source), p, e.options.Now())
}

// ExportPeople gives all the people behind a number, as AskPeople has them: those seen last first.
func ExportPeople(ctx context.Context, w Source, p PeopleList, now time.Time) (*Result, error) {
	if p.Limit != 0 || p.Skip != 0 {
		return nil, invalid("limit", p.Limit, "and skip cannot be given, for all people are")
	}
	if err := askable(p); err != nil {
		return nil, err
	}
	who, err := p.who(ctx, w, now)
	if err != nil {
		return nil, err
	}
	d := w.Dialect()
	found, err := p.found(d)
	if err != nil {
		return nil, err
	}
	q := say("with who as ($), found as ($) select * from found order by last desc, $", who, found, d.Bytewise("person"))
	r, err := SQL(ctx, w, q.text, 0, q.args...)
	if err != nil {
		return nil, fmt.Errorf("reading people: %w", err)
	}
	for i := range r.Columns {
		switch r.Columns[i].Name {
		case "first", "last":
			r.convert(i, "TIMESTAMPTZ", func(v any) any {
				if micros, ok := v.(int64); ok {
					return time.UnixMicro(micros).UTC()
				}
				return v
			})
		case "traits":
			r.convert(i, "JSON", func(v any) any {
				if text, ok := v.(string); ok {
					return json.RawMessage(text)
				}
				return v
			})
		}
	}
	return r, nil
}
