package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// full scans b as one whole text.
func full(b []byte) (Value, error) {
	v, rest, err := Scan(b, iteratorDepth)
	if n := skipSpace(rest, 0); err == nil && n != len(rest) {
		return Value{}, &SyntaxError{len(b) - len(rest) + n, "more than one value"}
	}
	return v, err
}

func TestScanAccepts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		kind  Kind
		flags Flags
	}{
		`null`:                              {Null, 0},
		`true`:                              {True, 0},
		`false`:                             {False, 0},
		`0`:                                 {Number, 0},
		`-0`:                                {Number, 0},
		`-0.0e-00`:                          {Number, 0},
		`10`:                                {Number, 0},
		`1E+2`:                              {Number, 0},
		`0.1`:                               {Number, 0},
		`123456789012345678901234567890e99`: {Number, 0},
		`1e999`:                             {Number, 0},
		`NaN`:                               {Number, NonFinite},
		`Infinity`:                          {Number, NonFinite},
		`-Infinity`:                         {Number, NonFinite},
		`""`:                                {String, 0},
		`"a"`:                               {String, 0},
		`"1234567"`:                         {String, 0},
		`"12345678"`:                        {String, 0},
		`"123456789"`:                       {String, 0},
		`"é漢😀"`:                             {String, 0},
		"\"\x7f\u2028\u0080\"":              {String, 0},
		`"\"\\\/\b\f\n\r\t"`:                {String, Escaped},
		`"\u0041\uFfFf"`:                    {String, Escaped},
		`"\u0000"`:                          {String, Escaped | NUL},
		`"\ud83d\ude00"`:                    {String, Escaped},
		`"\uD83D\uDE00"`:                    {String, Escaped},
		`"\ud83d"`:                          {String, Escaped | LoneSurrogate},
		`"\ude00"`:                          {String, Escaped | LoneSurrogate},
		`"\ude00\ud83d"`:                    {String, Escaped | LoneSurrogate},
		`"\ud83d\ud83d\ude00"`:              {String, Escaped | LoneSurrogate},
		`"\ud83d\u0041"`:                    {String, Escaped | LoneSurrogate},
		`"\ud83d\n"`:                        {String, Escaped | LoneSurrogate},
		`"\ud83dx"`:                         {String, Escaped | LoneSurrogate},
		"\"\xff\"":                          {String, InvalidUTF8},
		"\"\xc0\x80\"":                      {String, InvalidUTF8},
		"\"\xed\xa0\x80\"":                  {String, InvalidUTF8},
		"\"0123456789\xe6\xbc\"":            {String, InvalidUTF8},
		"\"\xe6\\u6f22\xbc\"":               {String, Escaped | InvalidUTF8},
		`[]`:                                {Array, 0},
		`{}`:                                {Object, 0},
		"[ \t\r\n]":                         {Array, 0},
		"{ \t\r\n}":                         {Object, 0},
		"\t{ \"a\" :\n[ 1 , 2 ] , \"b\": { } }\r\n ": {Object, 0},
		`{"":0}`:                                {Object, 0},
		`{"a":1,"a":2}`:                         {Object, 0},
		`[[[[]]],{"a":[{}]}]`:                   {Array, 0},
		`{"\u0000":{"a":["\ud800",-Infinity]}}`: {Object, Escaped | NUL | LoneSurrogate | NonFinite},
		"[{\"a\":\"\xff\"}]":                    {Array, InvalidUTF8},
		`["a\n",{"b":1}]`:                       {Array, Escaped},
	} {
		have, err := full([]byte(text))
		if err != nil {
			t.Errorf("%q: want no error, have %v", text, err)
			continue
		}
		if have.Kind != want.kind || have.Flags != want.flags {
			t.Errorf("%q: want kind %d flags %b, have kind %d flags %b", text, want.kind, want.flags, have.Kind, have.Flags)
		}
		if want := strings.Trim(text, " \t\r\n"); string(have.Raw) != want {
			t.Errorf("%q: want raw %q, have %q", text, want, have.Raw)
		}
		if want.flags&NonFinite == 0 && !json.Valid([]byte(text)) {
			t.Errorf("%q: encoding/json doesn't take it", text)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{ // the offset of the fault
		``:                      0,
		" \n":                   2,
		`,`:                     0,
		`]`:                     0,
		`}`:                     0,
		`:`:                     0,
		`nul`:                   3,
		`nulL`:                  3,
		`Null`:                  1,
		`TRUE`:                  0,
		`truex`:                 4,
		`true1`:                 4,
		`nan`:                   1,
		`-NaN`:                  1,
		`+Infinity`:             0,
		`-infinity`:             1,
		`Infinit`:               7,
		`+1`:                    0,
		`-`:                     1,
		`--1`:                   1,
		`01`:                    1,
		`-01`:                   2,
		`.5`:                    0,
		`1.`:                    2,
		`1.e1`:                  2,
		`1e`:                    2,
		`1e+`:                   3,
		`1ee1`:                  2,
		`1.2.3`:                 3,
		`0x10`:                  1,
		`1_000`:                 1,
		"1\u00e9":               1,
		`1 2`:                   2,
		`"`:                     1,
		`"a`:                    2,
		`"\`:                    2,
		`"\"`:                   3,
		`"\u`:                   3,
		`"\u12`:                 5,
		`"\u12"`:                5,
		`"\u12G4"`:              5,
		`"\U0041"`:              2,
		`"\x41"`:                2,
		`"\'"`:                  2,
		`"\ud800\u"`:            9,
		"\"\\\n\"":              2,
		"\"a\nb\"":              2,
		"\"0123456789\x00\"":    11,
		"\"0123456789abc\x1f\"": 14,
		`'a'`:                   0,
		`abc`:                   0,
		`[`:                     1,
		`[1`:                    2,
		`[1,`:                   3,
		`[1,]`:                  3,
		`[,1]`:                  1,
		`[1 2]`:                 3,
		`[1,,2]`:                3,
		`[1}`:                   2,
		`[01]`:                  2,
		`[1]]`:                  3,
		`["a":1]`:               4,
		`{`:                     1,
		`{"a`:                   3,
		`{"a"`:                  4,
		`{"a":`:                 5,
		`{"a":1`:                6,
		`{"a":1,`:               7,
		`{"a":1,}`:              7,
		`{,}`:                   1,
		`{a:1}`:                 1,
		`{'a':1}`:               1,
		`{1:1}`:                 1,
		`{"a" 1}`:               5,
		`{"a"::1}`:              5,
		`{"a":}`:                5,
		`{"a":1 "b":2}`:         7,
		`{"a":1;"b":2}`:         6,
		`{"a":1]`:               6,
		`{"a",1}`:               4,
		`{"a":[}`:               6,
		`[{]`:                   2,
		`/* */1`:                0,
		`[1 // x`:               3,
		"[1]\x00":               3,
		"\xef\xbb\xbf1":         0,
		"\v1":                   0,
		"\f1":                   0,
		"\u00a01":               0,
		"[\x001]":               1,
		`{"a":"` + "\t" + `"}`:  6,
	} {
		_, err := full([]byte(text))
		fault, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("%q: want a syntax error, have %v", text, err)
		} else if fault.Offset != want {
			t.Errorf("%q: want offset %d, have %v", text, want, fault)
		}
		if json.Valid([]byte(text)) {
			t.Errorf("%q: encoding/json takes it", text)
		}
	}
}

func TestScanLeavesTheRest(t *testing.T) {
	t.Parallel()
	rest := []byte(" {\"a\":1}\n[2]true,\"x\"\"y\"3 ")
	for _, want := range []string{`{"a":1}`, `[2]`, `true`} {
		var v Value
		var err error
		if v, rest, err = Scan(rest, 1); err != nil || string(v.Raw) != want {
			t.Fatalf("want %s, have %s, %v", want, v.Raw, err)
		}
	}
	if want := ",\"x\"\"y\"3 "; string(rest) != want {
		t.Fatalf("want rest %q, have %q", want, rest)
	}
	rest = rest[1:]
	for _, want := range []string{`"x"`, `"y"`, `3`} {
		var v Value
		var err error
		if v, rest, err = Scan(rest, 0); err != nil || string(v.Raw) != want {
			t.Fatalf("want %s, have %s, %v", want, v.Raw, err)
		}
	}
	for _, text := range []string{`01`, `1.2.3`, `truth`, `nullnull`, `1é`, `NaN1`, `1-1`, `1_0`} {
		if v, _, err := Scan([]byte(text), 0); err == nil {
			t.Errorf("%s: want it refused, have %s", text, v.Raw)
		}
	}
	v, _, err := Scan([]byte("12 "), 0)
	if err != nil || cap(v.Raw) != 2 {
		t.Errorf("want a value that an append can't write past, have capacity %d, %v", cap(v.Raw), err)
	}
}

func TestScanDepth(t *testing.T) {
	t.Parallel()
	// Levels alternate between the two containers with a period that is no divisor of 64, so that a bit of the stack that
	// is lost or doubled shows.
	nested := func(depth int) []byte {
		var b bytes.Buffer
		var closing []byte
		for level := range depth {
			if level%3 == 0 {
				b.WriteString(`{"a":`)
				closing = append(closing, '}')
			} else {
				b.WriteString(`[`)
				closing = append(closing, ']')
			}
		}
		b.WriteByte('0')
		for level := depth - 1; level >= 0; level-- {
			b.WriteByte(closing[level])
			if level > 0 {
				if (level-1)%3 == 0 {
					b.WriteString(`,"b":1`)
				} else {
					b.WriteString(`,1`)
				}
			}
		}
		return b.Bytes()
	}
	for _, depth := range []int{1, 2, 63, 64, 65, 127, 128, 129, 575, 576, 577, 640, 641, 9_999, 10_000} {
		text := nested(depth)
		if !json.Valid(text) {
			t.Fatalf("depth %d: the text of the test is wrong", depth)
		}
		if v, rest, err := Scan(text, depth); err != nil || len(rest) != 0 || len(v.Raw) != len(text) {
			t.Errorf("depth %d: want it whole, have %d of %d bytes, %v", depth, len(v.Raw), len(text), err)
		}
		if _, _, err := Scan(text, depth-1); err != ErrDepth {
			t.Errorf("depth %d: want ErrDepth for a limit of %d, have %v", depth, depth-1, err)
		}
		for i, c := range text { // a bracket of the other kind is a fault at every level
			if c != ']' && c != '}' || depth > 700 {
				continue
			}
			text[i] ^= '}' ^ ']'
			if fault, ok := errors.AsType[*SyntaxError](second(full(text))); !ok || fault.Offset != i {
				t.Errorf("depth %d: want a fault at %d, have %v", depth, i, fault)
			}
			text[i] = c
		}
	}
	for _, open := range []string{`[`, `{"a":`} {
		if _, _, err := Scan([]byte(strings.Repeat(open, 1_000_000)), 10_000); err != ErrDepth {
			t.Errorf("%s: want ErrDepth, have %v", open, err)
		}
		if _, _, err := Scan([]byte(open), 0); err != ErrDepth {
			t.Errorf("%s: want ErrDepth, have %v", open, err)
		}
	}
	if _, _, err := Scan([]byte(`"a"`), 0); err != nil {
		t.Errorf("want a scalar at depth 0, have %v", err)
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestScanStringsAtEveryOffset moves each byte that matters through every lane of the words that strings are read in.
func TestScanStringsAtEveryOffset(t *testing.T) {
	t.Parallel()
	for size := range 40 {
		for at := range size {
			for _, plug := range []string{`\n`, `\u0000`, `\ud800`, "\xff", "é", "\x00", "\x1f", " ", "!", "#", `"`, `\`, "]", "\x7f", "\xa2", "\xdc"} {
				text := []byte(`"` + strings.Repeat("a", at) + plug + strings.Repeat("b", size-at) + `"`)
				for _, follow := range []string{"", ` "c\n` + "\xff\x00", "12345678"} {
					_, rest, err := Scan(append(bytes.Clone(text), follow...), 1)
					have := err == nil && string(rest) == follow
					if want := json.Valid(text); have != want {
						t.Fatalf("%q, then %q: want valid %v, have rest %q, %v", text, follow, want, rest, err)
					}
				}
				if v, err := full(text); err == nil {
					var want string
					if err := json.Unmarshal(text, &want); err != nil {
						t.Fatal(err)
					}
					if have := string(v.AppendString(nil)); have != want {
						t.Fatalf("%q: want %q, have %q", text, want, have)
					}
				}
			}
		}
	}
}

// TestTruncated cuts texts off at every byte: each part is either a fault or, of a number, a shorter number.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		for n := range s.text {
			if n > 5_000 {
				break
			}
			cut := s.text[:n:n]
			_, err := full(cut)
			if have, want := err == nil, json.Valid(cut); have != want {
				t.Fatalf("%s: cut at %d: want valid %v, have %v", s.name, n, want, err)
			}
			walk(NewMembers(cut), 0)
			walk(ValidMembers(cut), 0)
			for e := NewElements(cut); e.Next(); {
				walk(NewMembers(e.Value().Raw), 0)
			}
			for e := ValidElements(cut); e.Next(); {
				walk(ValidMembers(e.Value().Raw), 0)
			}
			AppendClean(nil, cut)
			Value{Kind: String, Flags: Escaped, Raw: cut}.AppendString(nil)
		}
	}
}

// walk visits the members and the objects in them.
func walk(m Members, depth int) {
	for m.Next() {
		m.Key()
		if v := m.Value(); v.Kind == Object && depth < 20 {
			walk(ValidMembers(v.Raw), depth+1)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	var buf []byte
	for _, s := range samples() {
		buf = AppendClean(buf[:0], s.text)
		for name, f := range map[string]func(){
			"Scan": func() { _, _ = full(s.text) },
			"NewMembers": func() {
				for m := NewMembers(s.text); m.Next(); {
					m.Key()
				}
			},
			"ValidMembers": func() { walk(ValidMembers(s.text), 0) },
			"Elements": func() {
				for e := NewElements(s.text); e.Next(); {
					e.Value()
				}
			},
			"AppendClean": func() { buf = AppendClean(buf[:0], s.text) },
		} {
			if s.text[0] == '[' == strings.Contains(name, "Members") {
				continue // the error allocates
			}
			if have := testing.AllocsPerRun(20, f); have != 0 {
				t.Errorf("%s of %s: want no allocation, have %v", name, s.name, have)
			}
		}
	}
	number, text := Value{Kind: Number, Raw: []byte("1795394441.328e3")}, Value{Kind: String, Flags: Escaped, Raw: []byte(`"a\u00e9"`)}
	if have := testing.AllocsPerRun(20, func() {
		number.Int()
		number.Float()
		buf = text.AppendString(buf[:0])
		buf = AppendQuoted(buf[:0], "a\n")
	}); have != 0 {
		t.Errorf("reading scalars: want no allocation, have %v", have)
	}
}
