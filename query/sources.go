package query

import (
	"context"
	"fmt"
	"time"
)

// SourceState is what came of a source.
type SourceState struct {
	Source string    `json:"source"`
	First  time.Time `json:"first" description:"the minute of its first event"`
	Latest time.Time `json:"latest" description:"the minute of its latest event"`
	// Accepted and the others are of the time that was asked for.
	Accepted  int64 `json:"accepted"`
	Loaded    int64 `json:"loaded"`
	Duplicate int64 `json:"duplicate"`
	Dead      int64 `json:"dead"`
}

// AskSources gives all sources that events have come of, by name, and counts what they brought since a time.
func AskSources(ctx context.Context, w Asker, since time.Time) ([]SourceState, error) {
	sources := []SourceState{}
	err := eachRow(ctx, w, func(scan func(...any) error) error {
		var s SourceState
		err := scan(&s.Source, &s.First, &s.Latest, &s.Accepted, &s.Loaded, &s.Duplicate, &s.Dead)
		s.First, s.Latest = s.First.UTC(), s.Latest.UTC()
		sources = append(sources, s)
		return err
	}, `select source, min(minute), max(minute), cast(sum(case when recent = 1 then accepted else 0 end) as bigint),
			cast(sum(case when recent = 1 then loaded else 0 end) as bigint), cast(sum(case when recent = 1 then duplicate else 0 end) as bigint),
			cast(sum(case when recent = 1 then dead else 0 end) as bigint)
		from (select source, minute, accepted, loaded, duplicate, dead, case when minute >= ? then 1 else 0 end as recent from ledger) as l
		group by source order by source`, since.UTC())
	if err != nil {
		return nil, fmt.Errorf("reading the sources: %w", err)
	}
	return sources, nil
}
