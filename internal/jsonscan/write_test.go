package jsonscan

import (
	"encoding/json"
	"testing"
)

func TestAppendClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` { "a" : [ 1 , -0.10e+5 , "x y" ] ,` + "\n\t" + `"a" : { } } `: `{"a":[1,-0.10e+5,"x y"],"a":{}}`,
		`NaN`:                            `null`,
		`-Infinity `:                     `null`,
		`[NaN,Infinity, -Infinity,-1]`:   `[null,null,null,-1]`,
		`{"NaN":"Infinity"}`:             `{"NaN":"Infinity"}`,
		`"\ud800"`:                       "\"\ufffd\"",
		`"a\ude00b\ud83d\ude00\uD83Dc"`:  "\"a\ufffdb" + `\ud83d\ude00` + "\ufffdc\"",
		`{"\ud800":"\ud800\ud800"}`:      "{\"\ufffd\":\"\ufffd\ufffd\"}",
		"\"\xffa\xe6\xbc\u00e9\"":        "\"\ufffda\ufffd\ufffd\u00e9\"",
		`"\u0000\u0041\/\\\"\n"`:         `"\u0000\u0041\/\\\"\n"`,
		"[\"a\tb\x00\x1f\n\r\b\f\", 1 ]": `["a\tb\u0000\u001f\n\r\b\f",1]`,
		"\"\ufffd \u2028\"":              "\"\ufffd \u2028\"",
	} {
		have := string(AppendClean([]byte("x"), []byte(text)))
		if have != "x"+want {
			t.Errorf("%q: want %q, have %q", text, "x"+want, have)
		}
		if !json.Valid([]byte(have[1:])) {
			t.Errorf("%q: want JSON, have %q", text, have)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           `""`,
		"a b":                        `"a b"`,
		"\"\\/<>&'":                  `"\"\\/<>&'"`,
		"\b\f\n\r\t\x00\x1f\x7f":     `"\b\f\n\r\t\u0000\u001f` + "\x7f\"",
		"é\u2028😀":                   "\"é\u2028😀\"",
		"a\xff\xe6\xbcb\xed\xa0\x80": "\"a\ufffd\ufffd\ufffdb\ufffd\ufffd\ufffd\"",
	} {
		if have := string(AppendQuoted([]byte("x"), text)); have != "x"+want {
			t.Errorf("%q: want %s, have %s", text, "x"+want, have)
		}
	}
}
