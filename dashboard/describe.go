package dashboard

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"

	"github.com/spoorhq/spoor/query"
)

// wordsJSON is made of the Go code's comments and of docs/queries.md: SPOOR_TEST_UPDATE=1 go test ./dashboard -run Words.
//
//go:embed words.json
var wordsJSON []byte

// words are what the document says beside what reflection knows.
type words struct {
	// Types has the comments of types, query.Trend, and of their fields, query.Trend.Series.
	Types map[string]string `json:"types"`
	// Examples are the questions that docs/queries.md asks, by the question's name.
	Examples map[string][]example `json:"examples"`
}

type example struct {
	Name     string          `json:"name"`
	Question json.RawMessage `json:"question"`
}

func readWords() (words, error) {
	var w words
	if err := json.Unmarshal(wordsJSON, &w); err != nil {
		return w, fmt.Errorf("reading words.json: %w", err)
	}
	return w, nil
}

// describer adds to schemas what reflection does not: which members are always there, and what they mean.
type describer struct {
	words
	members map[string]string
	asked   map[string]bool // what had no description by a tag
}

func newDescriber(w words) *describer {
	return &describer{words: w, members: members(), asked: map[string]bool{}}
}

// property implements jsonschema.InterceptPropFunc. A member that is not left out when it is empty is always there; a tag
// says otherwise where a request may leave it out all the same.
func (d *describer) property(p jsonschema.InterceptPropParams) error {
	tag, isJSON := p.Field.Tag.Lookup("json")
	if !p.Processed || !isJSON {
		return nil
	}
	_, said := p.Field.Tag.Lookup("required")
	if !said && !strings.Contains(tag, ",omit") && !slices.Contains(p.ParentSchema.Required, p.Name) {
		p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
	}
	if p.PropertySchema.Description != nil || p.ParentSchema.ReflectType == nil {
		return nil
	}
	text := d.text(nameOf(declaring(p.ParentSchema.ReflectType, p.Field.Name)) + "." + p.Field.Name)
	if text == "" {
		text = d.members[p.Name]
	}
	if text != "" {
		p.PropertySchema.WithDescription(text)
	}
	return nil
}

// members gives what members mean that are the same wherever they stand: those of the warehouse's columns, and these.
func members() map[string]string {
	all := query.ColumnDocs()
	maps.Copy(all, map[string]string{
		"accepted": "events that the door has taken", "loaded": "those of them that are rows of the warehouse",
		"duplicate": "those of them that were there already, by their id", "dead": "those of them that could not be loaded, and are dead letters",
		"in_flight": "those of them that are still on the stream", "missing": "those of them that nothing is known of",
		"doubled": "rows whose id stands in the warehouse more than once", "erased": "rows that were erased since",
		"id": "what it is called in paths of the API", "name": "what people call it", "created": "when it was made", "changed": "when it was changed last",
		"people": "how many different people", "events": "how many events", "paths": "how many ways",
		"from": "where it begins", "to": "where it ends, itself no more part of it", "first": "the earliest", "last": "the latest", "latest": "the latest",
		"first_seen": "when it was seen first", "last_seen": "when it was seen last", "minute": "the minute, by when the door took the events",
		"bots": "let events of crawlers and other programs count", "other": "all groups that are not shown, together", "person": "who it is: a user id, or an anonymous id that belongs to none",
		"dry_run": "nothing was done, it was only looked at what would be", "done": "it is the last report", "at": "when that was", "now": "when that was",
		"scope": "what the token allows", "paused": "it is not looked at", "since": "since when", "value": "the number, where there is one",
		"low": "the least that is usual or allowed", "high": "the most that is usual or allowed", "zone": "the time zone of days", "ok": "whether it holds, or worked",
		"error": "what is wrong, in words", "code": "the same for the same fault, for programs", "notify": "who is told", "records": "how many records of the stream",
		"bytes": "how many bytes", "minutes": "one a minute", "letters": "how many dead letters", "total": "all together", "step": "the step, counted from 0", "steps": "one a step",
		"series": "the series, in a trend's point by its index from 0", "length": "how many of the unit", "oldest": "when the oldest was received", "limit": "how much there may be",
		"used": "how much there is", "doc": "what it holds", "text": "to be copied", "title": "what it is for", "hint": "what to know about it", "formulas": "numbers that are computed from the series",
		"collector": "the door that wrote them", "boot": "the start of the door that wrote them", "lost_records": "how many records of a door never came through", "doubled_ids": "ids that are there more than once",
		"by": "the fields whose values make the groups", "ready": "whether an event would be stored now", "format": "how the file is written", "state": "asked is not fetched yet",
		"page_url": "of the page it happened on", "browser": "by the user agent", "os": "by the user agent", "device": "by the user agent",
	})
	return all
}

// schema implements jsonschema.InterceptSchemaFunc.
func (d *describer) schema(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	t := p.Value.Type()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		// JSON that is kept as text may be of any kind.
		*p.Schema = jsonschema.Schema{}
		return true, nil
	}
	if !p.Processed || p.Schema.Description != nil || p.Schema.Ref != nil || t.PkgPath() == "" {
		return false, nil
	}
	if t == reflect.TypeFor[faultCode]() {
		p.Schema.WithDescription("The same for the same fault, for programs:" + listOfCodes())
		return false, nil
	}
	if text := d.text(nameOf(t)); text != "" {
		p.Schema.WithDescription(text)
	}
	return false, nil
}

func (d *describer) text(key string) string {
	d.asked[key] = true
	return d.Types[key]
}

// declaring finds the type that a field is declared in, which may be one that t embeds.
func declaring(t reflect.Type, field string) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return t
	}
	f, ok := t.FieldByName(field)
	for i := 0; ok && i < len(f.Index)-1; i++ {
		t = t.Field(f.Index[i]).Type
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return t
}

// nameOf calls a type by its package and name, without what it is made of: dashboard.documentOf.
func nameOf(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return strings.TrimPrefix(t.PkgPath(), "github.com/spoorhq/spoor/") + "." + name
}

// listOfCodes lists the codes with their meanings.
func listOfCodes() string {
	var text strings.Builder
	codes := faultCodes()
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&text, "\n- `%s`: %s", code, codes[code])
	}
	return text.String()
}
