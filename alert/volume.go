package alert

import (
	"context"
	"fmt"
	"strings"

	"github.com/spoorhq/spoor/query"
)

// volumes counts an event's rows in each window. alive is whether any rows at all were received in it.
func volumes(ctx context.Context, w query.Asker, v *Volume, windows []window) ([]sample, error) {
	const one = `select cast(? as integer) as n, cast(coalesce(sum(case when (? = '' or event = ?) and (? = '' or type = ?) and (? = '' or source = ?) then loaded else 0 end), 0) as bigint) as matching,
		cast(coalesce(sum(loaded), 0) as bigint) as everything from volumes where minute >= ? and minute < ?`
	var args []any
	for i, in := range windows {
		args = append(args, i, v.Event, v.Event, v.Type, v.Type, v.Source, v.Source, in.from, in.to)
	}
	rows, err := w.Query(ctx, strings.TrimSuffix(strings.Repeat(one+" union all ", len(windows)), " union all "), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the volumes: %w", err)
	}
	defer rows.Close()
	samples := make([]sample, len(windows))
	for rows.Next() {
		var i, matching, everything int64
		if err := rows.Scan(&i, &matching, &everything); err != nil {
			return nil, fmt.Errorf("reading the volumes: %w", err)
		}
		if i < 0 || i >= int64(len(samples)) {
			return nil, fmt.Errorf("reading the volumes: the warehouse answers for window %d, which was not asked for", i)
		}
		samples[i] = sample{float64(matching), everything > 0}
	}
	return samples, rows.Err()
}

// allVolumes counts the rows of every name in each window.
func allVolumes(ctx context.Context, w query.Asker, windows []window) (map[Name][]sample, error) {
	const one = `select cast(? as integer) as n, source, type, event, cast(sum(loaded) as bigint) as loaded from volumes where minute >= ? and minute < ? group by source, type, event`
	var args []any
	for i, in := range windows {
		args = append(args, i, in.from, in.to)
	}
	rows, err := w.Query(ctx, strings.TrimSuffix(strings.Repeat(one+" union all ", len(windows)), " union all "), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the volumes: %w", err)
	}
	defer rows.Close()
	all := map[Name][]sample{}
	alive := make([]bool, len(windows))
	for rows.Next() {
		var name Name
		var i, n int64
		if err := rows.Scan(&i, &name.Source, &name.Type, &name.Event, &n); err != nil {
			return nil, fmt.Errorf("reading the volumes: %w", err)
		}
		if all[name] == nil {
			all[name] = make([]sample, len(windows))
		}
		all[name][i].value = float64(n)
		alive[i] = alive[i] || n > 0
	}
	for _, samples := range all {
		for i := range samples {
			samples[i].alive = alive[i]
		}
	}
	return all, rows.Err()
}
