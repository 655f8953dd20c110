package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// seed gives the fuzzers texts to start from; testdata/fuzz holds more.
func seed(f *testing.F) {
	f.Add([]byte(trackEvent))
	for _, text := range []string{
		` {"a":[1,-0.5e+3,true,false,null,{"\u00e9":"\ud83d\ude00"}]} `, `[NaN,Infinity,-Infinity]`, `"\ud800\udc00\ud800x\u0000"`,
		"[\"\xff\xe6\xbc\",\"\xed\xa0\x80\"]", `{"a":1,"a":{"b":[]}}`, `01`, `[1,]`, `{"a":}`, "\"a\tb\"", `1.e`, `"\u12"`, `truefalse`, `[[[[[[[[`,
	} {
		f.Add([]byte(text))
	}
}

// decode reads one text as encoding/json does, with numbers as they are written.
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil {
		if _, err := d.Token(); err != io.EOF {
			return nil, errors.New("more than one value")
		}
	}
	return v, err
}

// rebuild reads b by the iterators into what decode returns.
func rebuild(v Value, trusted bool) (any, error) {
	switch v.Kind {
	case Null:
		return nil, nil
	case False, True:
		return v.Kind == True, nil
	case Number:
		return json.Number(v.Raw), nil
	case String:
		return string(v.AppendString(nil)), nil
	case Object:
		m := NewMembers(v.Raw)
		if trusted {
			m = ValidMembers(v.Raw)
		}
		object := map[string]any{}
		var flags Flags
		for m.Next() {
			key, value := string(m.Key()), m.Value()
			flags |= value.Flags
			part, err := rebuild(value, trusted)
			if err != nil {
				return nil, err
			}
			object[key] = part
		}
		if flags&^v.Flags != 0 || m.Err() == nil && len(m.Rest()) != 0 {
			return nil, errors.New("flags or rest of an object are wrong")
		}
		return object, m.Err()
	case Array:
		e := NewElements(v.Raw)
		if trusted {
			e = ValidElements(v.Raw)
		}
		array := []any{}
		var flags Flags
		for e.Next() {
			flags |= e.Value().Flags
			part, err := rebuild(e.Value(), trusted)
			if err != nil {
				return nil, err
			}
			array = append(array, part)
		}
		if flags != v.Flags || e.Err() == nil && len(e.Rest()) != 0 {
			return nil, errors.New("flags or rest of an array are wrong")
		}
		return array, e.Err()
	}
	return nil, errors.New("no value")
}

// flagsOf finds the flags of a text that Scan accepted by another way: over the tokens in the text, one byte at a time.
func flagsOf(text string) (flags Flags) {
	inside := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inside = !inside
		case !inside && (c == 'N' || c == 'I'):
			flags |= NonFinite
		case inside && c == '\\':
			flags |= Escaped
			i++
			var s string
			if text[i] == 'u' {
				if err := json.Unmarshal([]byte(`"`+text[i-1:i+5]+`"`), &s); err != nil {
					panic(err)
				}
				i += 4
			}
			digits := strings.ToLower(text[max(i-4, 0) : i+1])
			switch {
			case s == "\x00":
				flags |= NUL
			case s == "\ufffd" && digits[1] == 'd' && digits >= "ud800" && digits < "udc00" &&
				len(text) > i+6 && text[i+1] == '\\' && text[i+2] == 'u' &&
				strings.ToLower(text[i+3:i+7]) >= "dc00" && strings.ToLower(text[i+3:i+7]) < "e000":
				i += 6
			case s == "\ufffd" && digits != "ufffd":
				flags |= LoneSurrogate
			}
		}
	}
	if !utf8.ValidString(text) {
		flags |= InvalidUTF8
	}
	return flags
}

func FuzzScan(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		v, err := full(text)
		if fault, ok := errors.AsType[*SyntaxError](err); ok && (fault.Offset < 0 || fault.Offset > len(text)) {
			t.Fatalf("%q: fault outside of the text: %v", text, err)
		}
		if v.Flags&NonFinite == 0 {
			if want := json.Valid(text); want != (err == nil) {
				t.Fatalf("%q: want valid %v, have %v", text, want, err)
			}
		}
		if err == nil {
			if want := bytes.Trim(text, " \t\r\n"); !bytes.Equal(v.Raw, want) {
				t.Fatalf("%q: want raw %q, have %q", text, want, v.Raw)
			}
			if want := flagsOf(string(text)); v.Flags != want {
				t.Fatalf("%q: want flags %b, have %b", text, want, v.Flags)
			}
		}
		if !bytes.Equal(before, text) {
			t.Fatalf("%q: the input was written to: %q", before, text)
		}
	})
}

func FuzzClean(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		have := AppendClean(nil, text)
		v, err := full(text)
		if err != nil {
			return
		}
		if !json.Valid(have) || !utf8.Valid(have) {
			t.Fatalf("%q: want strict JSON, have %q", text, have)
		}
		if again := AppendClean(nil, have); !bytes.Equal(again, have) {
			t.Fatalf("%q: want %q to stay as it is, have %q", text, have, again)
		}
		if clean, err := full(have); err != nil || clean.Flags != v.Flags&(Escaped|NUL) && v.Flags&LoneSurrogate == 0 || clean.Flags&^(Escaped|NUL) != 0 {
			t.Fatalf("%q: want no flag but Escaped and NUL, have %b, %v", text, clean.Flags, err)
		}
		if v.Flags&NonFinite != 0 {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil {
			t.Fatal(err)
		}
		if v.Flags&^(Escaped|NUL) == 0 && !bytes.Equal(have, want.Bytes()) {
			t.Fatalf("%q: want %q, have %q", text, want.Bytes(), have)
		}
		wantValue, err := decode(text)
		if err != nil {
			return // a number that a Decoder refuses
		}
		if haveValue, err := decode(have); err != nil || !reflect.DeepEqual(haveValue, wantValue) {
			t.Fatalf("%q: want it to decode to %v, have %v, %v", text, wantValue, haveValue, err)
		}
	})
}

func FuzzIterators(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for m := ValidMembers(text); m.Next(); { // of anything: no panic, no endless loop
			m.Key()
		}
		for e := ValidElements(text); e.Next(); {
		}
		v, err := full(text)
		m, e := NewMembers(text), NewElements(text)
		for m.Next() {
		}
		for e.Next() {
		}
		if have := m.Err() == nil && skipSpace(m.Rest(), 0) == len(m.Rest()); have != (v.Kind == Object) {
			t.Fatalf("%q: want Members to agree with Scan, which says %d, %v; have %v, rest %q", text, v.Kind, err, m.Err(), m.Rest())
		}
		if have := e.Err() == nil && skipSpace(e.Rest(), 0) == len(e.Rest()); have != (v.Kind == Array) {
			t.Fatalf("%q: want Elements to agree with Scan, which says %d, %v; have %v, rest %q", text, v.Kind, err, e.Err(), e.Rest())
		}
		if err != nil || v.Flags&NonFinite != 0 {
			return
		}
		want, err := decode(text)
		if err != nil {
			return
		}
		for _, trusted := range []bool{false, true} {
			if have, err := rebuild(v, trusted); err != nil || !reflect.DeepEqual(have, want) {
				t.Fatalf("%q (trusted %v): want %v, have %v, %v", text, trusted, want, have, err)
			}
		}
	})
}

func FuzzStrings(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := full(text)
		var want string
		if err == nil && v.Kind == String {
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if have := string(v.AppendString(nil)); have != want {
				t.Fatalf("%q: want %q, have %q", text, want, have)
			}
		}
		quoted := AppendQuoted(nil, string(text))
		if !utf8.Valid(quoted) {
			t.Fatalf("%q: want UTF-8, have %q", text, quoted)
		}
		if err := json.Unmarshal(quoted, &want); err != nil || want != strings.ToValidUTF8(string(text), "\ufffd") && utf8.Valid(text) {
			t.Fatalf("%q: want it back, have %q, %v", text, want, err)
		}
		if v, err := full(quoted); err != nil || string(v.AppendString(nil)) != want {
			t.Fatalf("%q: want %q, have %q, %v", text, want, v.AppendString(nil), err)
		}
		Value{Kind: String, Flags: Escaped, Raw: text}.AppendString(nil) // of anything: no panic
	})
}

func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"0", "-0", "12", "1.50e1", "9223372036854775807", "-9223372036854775808", "1e400", "1200e-2", "0.1e-5"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := full(text)
		if err != nil || v.Kind != Number || v.Flags != 0 || len(text) > 100 {
			return
		}
		var wantInt int64
		var wantFloat float64
		isInt, isFloat := json.Unmarshal(text, &wantInt) == nil, json.Unmarshal(text, &wantFloat) == nil
		if have, ok := v.Float(); ok != isFloat || have != wantFloat && ok {
			t.Fatalf("%q: want %v %v, have %v %v", text, wantFloat, isFloat, have, ok)
		}
		have, ok := v.Int()
		if isInt && (!ok || have != wantInt) {
			t.Fatalf("%q: want %v, have %v %v", text, wantInt, have, ok)
		}
		if ok && isFloat && float64(have) != wantFloat {
			t.Fatalf("%q: want %v, have %v", text, wantFloat, have)
		}
	})
}

// FuzzTruncated cuts a text off at every byte, where each part must be judged as encoding/json judges it.
func FuzzTruncated(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for n := range min(len(text), 150) {
			cut := text[:n:n]
			v, err := full(cut)
			if want := json.Valid(cut); v.Flags&NonFinite == 0 && want != (err == nil) {
				t.Fatalf("%q: want valid %v, have %v", cut, want, err)
			}
			walk(NewMembers(cut), 0)
			walk(ValidMembers(cut), 0)
			AppendClean(nil, cut)
		}
	})
}
