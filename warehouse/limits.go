package warehouse

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// over tells whether a size is over a limit.
func over(size, limit int) bool { return limit > 0 && size > limit }

// HoldsText tells whether a text is short enough.
func (l Limits) HoldsText(text string) bool {
	if l.Stored != nil && over(len(text)*maxGrowth, l.Text) {
		text = l.Stored(text)
	}
	return !over(len(text), l.Text)
}

// maxGrowth is how much longer a text becomes at most by the way it is stored.
const maxGrowth = 5

// Holds tells whether a JSON text, clean as jsonscan makes it, is within the limits, and no string or name in it too long.
func (l Limits) Holds(text []byte) bool {
	if over(len(text), l.JSON) {
		return false
	}
	if !over(len(text), l.Text) {
		return true
	}
	longest, from := 0, -1
	for i := 0; i < len(text); i++ {
		switch {
		case from >= 0 && text[i] == '\\':
			i++
		case text[i] != '"':
		case from < 0:
			from = i + 1
		default:
			longest, from = max(longest, i-from), -1
		}
	}
	return !over(longest+longest/4, l.Text) // by which a string in JSON may grow
}

// TrimObject gives a JSON object that is within the limits: without the members that are not, and then without as many of
// the largest as it takes.
func (l Limits) TrimObject(text []byte) ([]byte, error) {
	if l.Holds(text) {
		return text, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	size := 2
	var names []string
	for name, value := range members {
		if over(len(name), l.Text) || !l.Holds(value) {
			delete(members, name)
			continue
		}
		size += len(jsonscan.AppendQuoted(nil, name)) + len(value) + 2
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(members[b]), len(members[a])), cmp.Compare(a, b)) })
	for _, name := range names {
		if !over(size, l.JSON) {
			break
		}
		size -= len(jsonscan.AppendQuoted(nil, name)) + len(members[name]) + 2
		delete(members, name)
	}
	return json.Marshal(members)
}

// ShortText is how long a text may be that is short enough however it is stored.
func (l Limits) ShortText() int {
	if l.Stored != nil {
		return l.Text / maxGrowth
	}
	return l.Text
}
