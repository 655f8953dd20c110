package load

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// TestOversizeValues: what the warehouse cannot hold is a dead letter with the value and whose it is; the rest of the event
// is a row, and that is its ending.
func TestOversizeValues(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.warehouse.limits = warehouse.Limits{Text: 400, JSON: 1200, Row: 1600, Stored: func(text string) string {
			return strings.ReplaceAll(text, "!", "12345")
		}}
		long, grows := strings.Repeat("é", 210), strings.Repeat("!", 81)
		many := make([]string, 100)
		for i := range many {
			many[i] = fmt.Sprintf(`"k%d":"0123456789"`, i)
		}
		p.send("web",
			`{"type":"track","messageId":"fits","event":"X","userId":"u","properties":{"a":"`+strings.Repeat("x", 300)+`"}}`,
			`{"type":"track","messageId":"name","event":"`+long+`","userId":"u"}`,
			`{"type":"track","messageId":"user","event":"X","userId":"`+long+`","anonymousId":"d"}`,
			`{"type":"track","messageId":"title","event":"X","userId":"u","context":{"page":{"title":"`+grows+`"}}}`,
			`{"type":"identify","messageId":"trait","userId":"u","traits":{"about":"`+long+`","plan":"pro"}}`,
			`{"type":"track","messageId":"many","event":"X","userId":"u","properties":{`+strings.Join(many, ",")+`}}`,
			`{"type":"track","messageId":"row","event":"X","userId":"u","properties":{`+strings.Join(many[:60], ",")+`},"context":{`+strings.Join(many[:50], ",")+`}}`,
			`{"type":"trick","messageId":"dead"}`,
		)
		p.load()
		want(t, "web", [4]int64{8, 7, 0, 1}, p.totals("web"))
		rows := map[string]row{}
		for _, r := range p.warehouse.rows {
			rows[r.text("message_id")] = r
		}
		for id, marks := range map[string]string{
			"fits": "", "name": "oversize:event", "user": "oversize:user_id", "title": "oversize:page_title", "trait": "oversize:traits",
			"many": "oversize:properties", "row": "oversize:properties",
		} {
			if have := rows[id].text("marks"); have != marks {
				t.Errorf("%s: want the marks %q; have %q", id, marks, have)
			}
		}
		want(t, "event", "", rows["name"].text("event"))
		want(t, "user", "", rows["user"].text("user_id"))
		want(t, "title", "", rows["title"].text("page_title"))
		want(t, "traits", `{"plan":"pro"}`, rows["trait"].text("traits"))
		want(t, "traits of the user", `{"plan":"pro"}`, string(p.warehouse.users["u"].Traits))
		if have := rows["many"].text("properties"); len(have) > 1200 || len(have) < 1150 || !json.Valid([]byte(have)) {
			t.Errorf("want as many properties as fit; have %s", have)
		}
		if rows["row"]["properties"] != nil || rows["row"]["context"] == nil {
			t.Errorf("want the largest JSON out of the row; have %v", rows["row"])
		}
		var have []string
		for _, d := range p.warehouse.dead {
			if d.text("reason") != string(event.OversizeValue) {
				continue
			}
			var letter struct {
				MessageID, UserID, AnonymousID, Column string
				Value                                  json.RawMessage
			}
			if err := json.Unmarshal(d["raw"].([]byte), &letter); err != nil {
				t.Fatalf("%s: %v", d["raw"], err)
			}
			have = append(have, letter.MessageID+" "+letter.Column)
			// An erasure finds the letters of a person; that of an id that is itself too long has the device's.
			person := warehouse.NewSearch(warehouse.Subject{UserIDs: []string{"u"}, AnonymousIDs: []string{"d"}})
			if !person.Hit(d["raw"].([]byte)) {
				t.Errorf("%s: want the letter found by whose it is", letter.MessageID)
			}
			want(t, "message id of the letter", letter.MessageID, d.text("message_id"))
			switch letter.MessageID {
			case "name", "user":
				want(t, letter.MessageID, `"`+long+`"`, string(letter.Value))
			case "title":
				want(t, "title kept", `"`+grows+`"`, string(letter.Value))
				want(t, "whose", "u", letter.UserID)
			case "trait":
				want(t, "traits kept", `{"about":"`+long+`","plan":"pro"}`, string(letter.Value))
			}
		}
		slices.Sort(have)
		wantSame(t, "letters", []string{"many properties", "name event", "row properties", "title page_title", "trait traits", "user user_id"}, have)
	})
}

func TestTrimObject(t *testing.T) {
	t.Parallel()
	limits := warehouse.Limits{Text: 10, JSON: 40}
	for object, want := range map[string]string{
		`{"a":1}`: `{"a":1}`, `{"a":"12345678901","b":1}`: `{"b":1}`, `{"12345678901":1,"b":1}`: `{"b":1}`, `{"a":{"b":"\"234567890"},"c":1}`: `{"c":1}`,
		`{"a":[1,2,3,4,5,6,7,8,9,10],"b":[1,2,3,4],"c":[1,2]}`: `{"b":[1,2,3,4],"c":[1,2]}`,
	} {
		have, err := limits.TrimObject([]byte(object))
		if err != nil || string(have) != want {
			t.Errorf("%s: want %s; have %s (%v)", object, want, have, err)
		}
		if !limits.Holds(have) {
			t.Errorf("%s: want it to fit; have %s", object, have)
		}
	}
}
