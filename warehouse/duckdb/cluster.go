package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Rows come in the order of arrival, in which the events of one name are scattered over the whole table. Behind the loads they
// are clustered: written anew a piece at a time, those of a piece with a common name by name, and all by device within that. A
// question about some names then reads the row groups that have them, and passes over the others; see docs/adr/0020-clustering.md.
//
// The table clustered has one row: the last load whose rows are clustered. The pieces are of whole loads, in the order of their
// ids. Rows that come out of that order stay where they are, which costs time and nothing else.
const createClustered = "create table if not exists clustered (load_id varchar not null)"

const (
	// clusterRows is how many rows a piece has at most: what the common names need to fill row groups of their own. To sort them
	// takes about a kilobyte a row.
	clusterRows = 16 * rowGroup
	sortedBytes = 1 << 10
	// commonShare of a piece makes a name a common one: two thirds of a row group, where the piece is of sixteen. What is rarer lies
	// together, by device: one person's events are in few row groups then.
	commonShare = 24
	// tailShare of a piece stays as it came, so that the newest rows are found by their time of arrival.
	tailShare = 8
	// After each piece the clusterer rests for so many times as long as that took.
	restTimes = 3
)

// clusterer works behind the loads.
type clusterer struct {
	rows  int           // of a piece
	alone sync.Mutex    // held by whoever deletes rows of events: two would conflict
	fresh int           // rows that came since the last look; guarded by Warehouse.writing
	due   chan struct{} // somebody should look
	calm  atomic.Bool   // the last load was no backlog's
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// startClustering begins to wait for loads.
func (w *Warehouse) startClustering() {
	c := &w.clusterer
	c.rows = w.options.ClusterRows
	if c.rows == 0 {
		c.rows = min(clusterRows, max(1, int(w.options.MemoryLimit/sortedBytes/rowGroup))*rowGroup)
	}
	c.fresh = c.rows // so that the first load looks
	c.due = make(chan struct{}, 1)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.due:
				w.catchUp(ctx)
			}
		}
	})
}

func (c *clusterer) end() {
	c.stop()
	c.done.Wait()
}

// loaded hears of each load. One as large as a row group is a backlog's: the loader has no time to share.
func (c *clusterer) loaded(rows int) {
	c.fresh += rows
	c.calm.Store(rows < rowGroup)
	if rows < rowGroup && c.fresh >= c.rows/tailShare {
		c.fresh = 0
		select {
		case c.due <- struct{}{}:
		default:
		}
	}
}

// catchUp clusters what there is, with rests, as long as the loader is in no hurry.
func (w *Warehouse) catchUp(ctx context.Context) {
	for w.clusterer.calm.Load() {
		began := time.Now()
		n, err := w.clusterPiece(ctx)
		if err != nil && ctx.Err() == nil && w.options.Warn != nil {
			w.options.Warn("the events stay in the order of arrival, and questions about them are slower, until this succeeds: " + err.Error())
		}
		if err != nil || n == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(restTimes * time.Since(began)):
		}
	}
}

// Cluster clusters all that is due, without rests, and tells after each piece how many rows it was of.
func (w *Warehouse) Cluster(ctx context.Context, tell func(rows int64)) error {
	for {
		n, err := w.clusterPiece(ctx)
		if err != nil || n == 0 {
			return err
		}
		tell(n)
	}
}

// clusterPiece clusters the next piece, if one is due, and tells of how many rows it is.
func (w *Warehouse) clusterPiece(ctx context.Context) (n int64, err error) {
	w.clusterer.alone.Lock()
	defer w.clusterer.alone.Unlock()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() {
		if rollback := tx.Rollback(); !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, rollback)
		}
	}()
	var after, upTo, last sql.NullString
	if err := tx.QueryRowContext(ctx, "select max(load_id) from clustered").Scan(&after); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `with waiting as (select load_id, sum(loaded) over (order by load_id rows unbounded preceding) as n from loads where load_id > ?)
		select min(load_id) filter (where n >= ?), min(load_id) filter (where n >= ?) from waiting`,
		after.String, w.clusterer.rows, w.clusterer.rows+w.clusterer.rows/tailShare).Scan(&upTo, &last)
	if err != nil || !last.Valid {
		return 0, err
	}
	if err := w.fault("clustering"); err != nil {
		return 0, err
	}
	// What this transaction inserts has row numbers beyond all that are there.
	var end sql.NullInt64
	if err := tx.QueryRowContext(ctx, "select max(rowid) from events").Scan(&end); err != nil {
		return 0, err
	}
	for i, statement := range []string{
		fmt.Sprintf(`insert into events select e.* from events e
				left join (select event from events where load_id > $1 and load_id <= $2 and event is not null group by 1 having count(*) >= %d) common on common.event = e.event
			where load_id > $1 and load_id <= $2 order by common.event, coalesce(anonymous_id, user_id), "timestamp"`, w.clusterer.rows/commonShare),
		fmt.Sprintf("delete from events where load_id > $1 and load_id <= $2 and rowid <= %d", end.Int64),
	} {
		result, err := tx.ExecContext(ctx, statement, after.String, upTo.String)
		if err != nil {
			return 0, err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		if i == 1 && rows != n {
			return 0, fmt.Errorf("%d rows were written and %d deleted", n, rows)
		}
		n = rows
	}
	if _, err := tx.ExecContext(ctx, "delete from clustered"); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "insert into clustered values (?)", upTo.String); err != nil {
		return 0, err
	}
	if err := w.fault("clustered"); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	// Only a checkpoint lets the file use anew where the rows were. While others write there can be none; one of theirs does it then.
	_, _ = w.db.ExecContext(ctx, "checkpoint spoor")
	return max(n, 1), nil
}
