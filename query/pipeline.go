package query

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Pipeline is what became of the events that were received in a range.
type Pipeline struct {
	From     time.Time        `json:"from"`
	To       time.Time        `json:"to"`
	Interval Interval         `json:"interval" enum:"minute,hour,day"`
	Ledger   []LiveMinute     `json:"ledger" required:"true" nullable:"false" description:"by interval and source; minute is the interval's begin"`
	Dead     []DeadReason     `json:"dead" required:"true" nullable:"false" description:"the most frequent first"`
	Loads    []PipelineCommit `json:"loads" required:"true" nullable:"false" description:"the latest, whatever the range"`
}

// DeadReason counts the dead letters of a reason and a source.
type DeadReason struct {
	Reason  string    `json:"reason"`
	Source  string    `json:"source"`
	Letters int64     `json:"letters"`
	First   time.Time `json:"first"`
	Latest  time.Time `json:"latest"`
}

// PipelineCommit is a line of the table loads: one batch that was committed.
type PipelineCommit struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Loaded    int64     `json:"loaded"`
	Duplicate int64     `json:"duplicate"`
	Dead      int64     `json:"dead"`
}

// pipelineLoads is how many loads are listed.
const pipelineLoads = 50

// pipelineInterval is how finely a range is divided: at most 1500 intervals in 4 years.
func pipelineInterval(span time.Duration) Interval {
	switch {
	case span <= 12*time.Hour:
		return ByMinute
	case span <= 45*24*time.Hour:
		return ByHour
	}
	return ByDay
}

// AskPipeline reads the ledger, the dead letters and the latest loads. Hours and days are those of UTC.
func AskPipeline(ctx context.Context, w Asker, from, to time.Time) (Pipeline, error) {
	p := Pipeline{From: from.UTC(), To: to.UTC(), Interval: pipelineInterval(to.Sub(from)), Ledger: []LiveMinute{}, Dead: []DeadReason{}, Loads: []PipelineCommit{}}
	err := eachRow(ctx, w, func(scan func(...any) error) error {
		var m LiveMinute
		err := scan(&m.Minute, &m.Source, &m.Accepted, &m.Loaded, &m.Duplicate, &m.Dead)
		m.Minute = m.Minute.UTC()
		p.Ledger = append(p.Ledger, m)
		return err
	}, `select date_trunc('`+string(p.Interval)+`', minute) as begun, source, cast(sum(accepted) as bigint), cast(sum(loaded) as bigint),
			cast(sum(duplicate) as bigint), cast(sum(dead) as bigint)
		from ledger where minute >= ? and minute < ? group by 1, 2 order by 1, 2`, p.From, p.To)
	if err != nil {
		return p, fmt.Errorf("reading the ledger: %w", err)
	}
	err = eachRow(ctx, w, func(scan func(...any) error) error {
		var d DeadReason
		err := scan(&d.Reason, &d.Source, &d.Letters, &d.First, &d.Latest)
		d.First, d.Latest = d.First.UTC(), d.Latest.UTC()
		p.Dead = append(p.Dead, d)
		return err
	}, `select reason, source, count(*) as letters, min(received_at), max(received_at) from dead_letters
		where received_at >= ? and received_at < ? group by 1, 2 order by letters desc, 1, 2`, p.From, p.To)
	if err != nil {
		return p, fmt.Errorf("reading the dead letters: %w", err)
	}
	err = eachRow(ctx, w, func(scan func(...any) error) error {
		var c PipelineCommit
		err := scan(&c.ID, &c.At, &c.Loaded, &c.Duplicate, &c.Dead)
		c.At = c.At.UTC()
		p.Loads = append(p.Loads, c)
		return err
	}, `select load_id, loaded_at, loaded, duplicate, dead from loads order by loaded_at desc limit ?`, pipelineLoads)
	if err != nil {
		return p, fmt.Errorf("reading the loads: %w", err)
	}
	return p, nil
}

// eachRow asks, and calls do with what scans each row.
func eachRow(ctx context.Context, w Asker, do func(scan func(...any) error) error, question string, args ...any) error {
	rows, err := w.Query(ctx, question, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// DeadLetter is a row of the table dead_letters.
type DeadLetter struct {
	ReceivedAt time.Time `json:"received_at"`
	Source     string    `json:"source"`
	Protocol   string    `json:"protocol"`
	Reason     string    `json:"reason"`
	Detail     string    `json:"detail"`
	MessageID  string    `json:"message_id,omitempty"`
	Type       string    `json:"type,omitempty"`
	Event      string    `json:"event,omitempty"`
	Request    string    `json:"request,omitempty" description:"the record's request line"`
	Raw        string    `json:"raw" description:"what the client sent, at most 64 KiB of it; bytes that are no text are replaced"`
	Bytes      int       `json:"bytes" description:"of what the client sent"`
	Shard      string    `json:"shard"`
	Position   string    `json:"position"`
	Index      int32     `json:"index"`
	LoadID     string    `json:"load_id"`
	// LoadedAt is when an event of its id was loaded, as by a replay; nil: none was.
	LoadedAt *time.Time `json:"loaded_at"`
}

// maxRawShown bounds how much of a letter's bytes is given.
const maxRawShown = 64 << 10

// DeadLetters chooses dead letters. What is zero chooses all.
type DeadLetters struct {
	Reason, Source, MessageID string
	From, To                  time.Time
	Limit                     int
}

// AskDeadLetters gives the letters that were received last, the newest first.
func AskDeadLetters(ctx context.Context, w Asker, ask DeadLetters) ([]DeadLetter, error) {
	conditions, args := []string{"1 = 1"}, []any{}
	add := func(is bool, condition string, arg any) {
		if is {
			conditions, args = append(conditions, condition), append(args, arg)
		}
	}
	add(ask.Reason != "", "d.reason = ?", ask.Reason)
	add(ask.Source != "", "d.source = ?", ask.Source)
	add(ask.MessageID != "", "d.message_id = ?", ask.MessageID)
	add(!ask.From.IsZero(), "d.received_at >= ?", ask.From.UTC())
	add(!ask.To.IsZero(), "d.received_at < ?", ask.To.UTC())
	args = append(args, ask.Limit)
	letters := []DeadLetter{}
	err := eachRow(ctx, w, func(scan func(...any) error) error {
		var d DeadLetter
		var raw []byte
		if err := scan(&d.ReceivedAt, &d.Source, &d.Protocol, &d.Reason, &d.Detail, &d.MessageID, &d.Type, &d.Event, &d.Request, &raw,
			&d.Shard, &d.Position, &d.Index, &d.LoadID); err != nil {
			return err
		}
		if ask.MessageID != "" && d.MessageID != ask.MessageID { // but for trailing blanks, of which Redshift makes nothing
			return nil
		}
		d.ReceivedAt, d.Bytes = d.ReceivedAt.UTC(), len(raw)
		d.Raw = shown(raw)
		letters = append(letters, d)
		return nil
	}, `select d.received_at, d.source, d.protocol, d.reason, d.detail, coalesce(d.message_id, ''), coalesce(d.type, ''), coalesce(d.event, ''),
			coalesce(d.request, ''), d.raw, d.shard, d.position, d."index", d.load_id
		from dead_letters d where `+strings.Join(conditions, " and ")+` order by d.received_at desc, d.position desc, d."index" limit ?`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the dead letters: %w", err)
	}
	if err := loadedSince(ctx, w, letters); err != nil {
		return nil, fmt.Errorf("looking for what was loaded since: %w", err)
	}
	return letters, nil
}

// shown gives bytes as text, for a page.
func shown(raw []byte) string {
	if len(raw) > maxRawShown {
		raw = raw[:maxRawShown]
		for len(raw) > 0 && !utf8.RuneStart(raw[len(raw)-1]) {
			raw = raw[:len(raw)-1]
		}
		if len(raw) > 0 && raw[len(raw)-1] >= utf8.RuneSelf {
			raw = raw[:len(raw)-1] // the begin of what was cut
		}
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}
