package query

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Export gives the rows of the table events that were received from a time on and before another, in the order in which
// they were received; with names only those.
func Export(ctx context.Context, w Asker, from, to time.Time, names []string) (*Result, error) {
	text, args := "select * from events where received_at >= ? and received_at < ?", []any{from.UTC(), to.UTC()}
	if len(names) > 0 {
		text += " and event in (" + strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ") + ")"
		for _, name := range names {
			args = append(args, name)
		}
	}
	r, err := SQL(ctx, w, text+" order by received_at, source, message_id", 0, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the events: %w", err)
	}
	return r, nil
}
