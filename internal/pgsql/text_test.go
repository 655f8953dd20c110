package pgsql

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "a", "a\x00b", "\x00\x00", escape, escape + "0", escape + "u", escape + escape, "x" + escape + "\x00" + escape + "e", `\u0000`, "é\U0010FFFC\U0010FFFE",
	} {
		stored := Encode(text)
		if strings.IndexByte(stored, 0) >= 0 {
			t.Errorf("%q: want no NUL; have %q", text, stored)
		}
		if have := Decode(stored); have != text {
			t.Errorf("want %q; have %q", text, have)
		}
	}
}

// TestJSONText: no NUL is spelled in what is stored, and what comes back means the same.
func TestJSONText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"a":1}`, `{"x":"\u0000"}`, `{"x":"\\u0000"}`, `{"x":"\\\u0000\\"}`, `{"\u0000":"a\u0000\u0000b"}`, `{"x":"\udbff\udffd"}`, `{"x":"\uDBFF\uDFFD0\u0000"}`,
		`{"x":"` + escape + `0` + escape + `"}`, `{"x":"\"\u00e9\ud83d\ude00\n"}`, `{"x":"😀\\\\\u0000"}`,
	} {
		stored := EncodeJSON(text)
		var value, again any
		if err := json.Unmarshal([]byte(stored), &value); err != nil {
			t.Errorf("%s: want JSON; have %s", text, stored)
			continue
		}
		if spelled, err := json.Marshal(value); err != nil || strings.Contains(strings.ReplaceAll(string(spelled), `\\`, ""), spelledNUL) {
			t.Errorf("%s: want no NUL; have %s", text, stored)
		}
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(Decode(stored)), &again); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("want %s; have %s", text, Decode(stored))
		}
	}
}

// FuzzText holds both ways of storing to what went in.
func FuzzText(f *testing.F) {
	f.Add("a\x00" + escape + "0u")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\ufffd")
		if have := Decode(Encode(text)); have != text {
			t.Errorf("want %q; have %q", text, have)
		}
		quoted := string(jsonscan.AppendQuoted(nil, text))
		var have string
		if err := json.Unmarshal([]byte(Decode(EncodeJSON(quoted))), &have); err != nil || have != text {
			t.Errorf("want %q; have %q (%v)", text, have, err)
		}
		// What a member is called, and what a query takes out of an object.
		var member string
		if err := json.Unmarshal([]byte(EncodeJSON(quoted)), &member); err != nil || member != EncodeName(text) {
			t.Errorf("want the name %q; have %q", EncodeName(text), member)
		}
		if have := Decode(strings.ReplaceAll(member, jsonNUL, textNUL)); have != text {
			t.Errorf("want %q; have %q", text, have)
		}
	})
}
