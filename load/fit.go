package load

import (
	"fmt"
	"slices"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/warehouse"
)

// What of an event the warehouse cannot hold is left out of its row: the row is marked with the column's name, and the value
// is kept as a dead letter that names the event. The event's ending is that of its row.

// limit has the builder heed a warehouse's limits.
func (b *builder) limit(limits warehouse.Limits) {
	b.limits = limits
	if limits.Text > 0 {
		b.rows.Judge(limits.ShortText(), func(e *event.Event, column, text string) bool {
			if limits.HoldsText(text) {
				return true
			}
			b.keep(e, column, jsonscan.AppendQuoted(nil, text))
			return false
		})
	}
}

// fit leaves out what the rest of the line knows an event by, and what is in its JSON; the other texts are looked at
// when they become columns.
func (b *builder) fit(e *event.Event) error {
	if b.limits.Text == 0 && b.limits.JSON == 0 {
		return nil
	}
	for _, t := range []struct {
		column string
		text   *string
	}{{"event", &e.Name}, {"user_id", &e.UserID}, {"anonymous_id", &e.AnonymousID}, {"previous_id", &e.PreviousID}} {
		if !b.limits.HoldsText(*t.text) {
			whole := *t.text
			*t.text = "" // first, so that the letter does not name the event by it
			b.keep(e, t.column, jsonscan.AppendQuoted(nil, whole))
		}
	}
	values := []struct {
		column string
		text   *[]byte
	}{{"properties", &e.Properties}, {"traits", &e.Traits}, {"context", &e.Context}, {"extra", &e.Extra}}
	total := 0
	for _, v := range values {
		if !b.limits.Holds(*v.text) {
			whole := *v.text
			fitting, err := b.limits.TrimObject(whole)
			if err != nil {
				return fmt.Errorf("making %s of event %s smaller: %w", v.column, e.MessageID, err)
			}
			*v.text = fitting
			b.keep(e, v.column, whole)
		}
		total += len(*v.text)
	}
	slices.SortFunc(values, func(x, y struct {
		column string
		text   *[]byte
	},
	) int {
		return len(*y.text) - len(*x.text)
	})
	for _, v := range values {
		if b.limits.Row == 0 || total <= b.limits.Row {
			break
		}
		total -= len(*v.text)
		b.keep(e, v.column, *v.text)
		*v.text = nil
	}
	return nil
}

// keep writes a value, a JSON text, as a dead letter, and marks the event. The letter says whose the value is, so that an
// erasure finds it.
func (b *builder) keep(e *event.Event, column string, value []byte) {
	e.Mark("oversize:" + column)
	var raw []byte
	for i, member := range []struct {
		name string
		text string
	}{{"messageId", e.MessageID}, {"userId", e.UserID}, {"anonymousId", e.AnonymousID}, {"previousId", e.PreviousID}, {"column", column}} {
		raw = append(raw, "{,"[min(i, 1)])
		raw = append(jsonscan.AppendQuoted(raw, member.name), ':')
		raw = jsonscan.AppendQuoted(raw, member.text)
	}
	raw = append(append(append(raw, `,"value":`...), value...), '}')
	letter := *e
	letter.Raw = raw
	b.write(&letter, event.Verdict{
		Reason: event.OversizeValue, Detail: fmt.Sprintf("%s: %d bytes are over what the warehouse holds", column, len(value)),
	}, b.origin)
}
