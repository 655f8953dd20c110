package event

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// rowOf parses an event and writes its row.
func rowOf(t *testing.T, text string, longest int) (row map[string]any, left int) {
	t.Helper()
	v, _, err := jsonscan.Scan([]byte(text), MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	e := Event{Timestamp: NoTime}
	req := &Request{Source: "web", Protocol: "segment", ReceivedAt: 1_700_000_000_123_456}
	if verdict := p.Parse(v, req, &e); !verdict.OK() {
		t.Fatal(verdict)
	}
	line, left := NewJSONRows(longest).Append(nil, &e)
	if err := json.Unmarshal(line, &row); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return row, left
}

func TestJSONRow(t *testing.T) {
	t.Parallel()
	row, left := rowOf(t, `{"type":"track","event":"Größe \"XL\"\n","messageId":"m","userId":"u","properties":{"a":1.50,"b":"x\u0000y\\u0000"}}`, 100)
	for name, want := range map[string]any{
		"source": "web", "message_id": "m", "type": "track", "event": "Größe \"XL\"\n", "is_bot": false, "protocol": "segment",
		"received_at": "2023-11-14 22:13:20.123456+00", "timestamp": "2023-11-14 22:13:20.123456+00",
	} {
		if have := row[name]; have != want {
			t.Errorf("%s: want %v; have %v", name, want, have)
		}
	}
	if have := row["properties"].(map[string]any)["b"]; have != "x\ufffdy\\u0000" {
		t.Errorf("want the NUL replaced, and the backslash before u0000 left; have %q", have)
	}
	for _, absent := range []string{"anonymous_id", "traits", "sent_at", "screen_width", "marks"} {
		if have, there := row[absent]; there {
			t.Errorf("%s: want no member; have %v", absent, have)
		}
	}
	if left != 0 {
		t.Errorf("want nothing left out; have %d", left)
	}
	names := map[string]bool{}
	for _, c := range Columns() {
		names[c.Name] = true
	}
	for name := range maps.Keys(row) {
		if !names[name] {
			t.Errorf("%s is no column", name)
		}
	}
}

func TestJSONRowNumbers(t *testing.T) {
	t.Parallel()
	for number, asText := range map[string]bool{
		"0": false, "-1.50": false, "9223372036854775807": false, "1e10": false, "0.1": false, "-0": false, "0e999": false, "1.2345678901234567": false,
		"9223372036854775808123": true, "1e400": true, "-1e400": true, "1e-400": true, "1.23456789012345678901": true,
	} {
		have := string(appendLoadable(nil, []byte(`{"a":[`+number+`,"`+number+`"],"b\\\"1":`+number+`}`)))
		want := number
		if asText {
			want = `"` + number + `"`
		}
		if want = `{"a":[` + want + `,"` + number + `"],"b\\\"1":` + want + `}`; have != want {
			t.Errorf("want %s; have %s", want, have)
		}
	}
}

func TestJSONRowLeavesOutWhatAWarehouseRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 51) // 102 bytes
	row, left := rowOf(t, `{"type":"page","name":"`+long+`","messageId":"m","userId":"u","timestamp":"0000-06-01T00:00:00Z",
		"properties":{"a":"`+long+`"},"context":{"a":"`+strings.Repeat("x", 60)+`","b":"`+strings.Repeat("y\\\"", 33)+`"}}`, 100)
	want := []string{"event:left_out", "original_timestamp:left_out", "properties:left_out"}
	have := strings.Split(row["marks"].(string), ",")
	if slices.Sort(have); !slices.Equal(want, have) || left != len(want) {
		t.Errorf("want the marks %v; have %v, %d left out", want, have, left)
	}
	for _, name := range []string{"event", "original_timestamp", "properties"} {
		if have, there := row[name]; there {
			t.Errorf("%s: want it left out; have %v", name, have)
		}
	}
	if row["context"] == nil {
		t.Error("want the context kept: it is longer than 100 bytes, and none of its texts is")
	}
}
