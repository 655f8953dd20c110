package warehousetest

import (
	"context"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

func liveCases() []kase {
	return []kase{{"the live page's questions are answered", live}}
}

// live asks what the live page asks of a warehouse that is empty, and of one that has something in every table.
func live(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	empty, err := query.AskLive(ctx, w, noon, 10)
	if err != nil {
		return err
	}
	if len(empty.Minutes)+len(empty.Names)+len(empty.Positions) > 0 || empty.Newest != nil {
		return fmt.Errorf("an empty warehouse: want nothing; have %+v", empty)
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x"), s.full(warehouse.Move{Shard: "0", From: "1", To: "2"}, "y")); err != nil {
		return err
	}
	have, err := query.AskLive(ctx, w, noon.Add(-time.Hour), 10)
	if err != nil {
		return err
	}
	if len(have.Minutes) != 1 || have.Minutes[0] != (query.LiveMinute{Minute: noon, Source: "web", Accepted: 12, Loaded: 10, Dead: 2}) || have.Newest == nil || !have.Newest.Equal(noon) {
		return fmt.Errorf("want one minute with 12 accepted, 10 loaded, 2 dead; have %+v, newest %v", have.Minutes, have.Newest)
	}
	if have.NameCount != 1 || len(have.Names) != 1 || have.Names[0].Event != "Song Played" || have.Names[0].Total != 10 || len(have.Names[0].Minutes) != 1 ||
		have.Names[0].Minutes[0] != (query.NameCount{Minute: noon, Loaded: 10}) {
		return fmt.Errorf("want 10 of Song Played; have %+v", have.Names)
	}
	if have.Positions["main"]["0"] != "2" {
		return fmt.Errorf("want shard 0 of main at 2; have %v", have.Positions)
	}
	for _, c := range []struct {
		source, event string
		most, want    int
	}{{"", "", 100, 10}, {"web", "Song Played", 100, 10}, {"app", "", 100, 0}, {"", "Other", 100, 0}, {"", "", 3, 3}} {
		newest, err := query.AskNewest(ctx, w, noon.Add(-time.Hour), c.source, c.event, c.most)
		if err != nil {
			return err
		}
		if len(newest) != c.want {
			return fmt.Errorf("the newest of source %q and name %q, %d at most: want %d; have %d", c.source, c.event, c.most, c.want, len(newest))
		}
		for i, e := range newest {
			if want := fmt.Sprintf("y%d", 4-i); i < 5 && e.MessageID != want || !e.ReceivedAt.Equal(noon) || !sameJSON(`{"song":"`+e.MessageID[:1]+`","seconds":7}`, string(e.Properties)) ||
				e.Traits != nil || e.OriginalTimestamp != nil || e.UserID != "u-"+e.MessageID[:1] {
				return fmt.Errorf("the newest, number %d: want %s; have %+v", i, want, e)
			}
		}
	}
	return nil
}
