package jsonscan

import (
	"errors"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	const text = " \n{ \"a\" : 1 ,\"a\":\"\\n\",\"caf\\u00e9\":[1,{\"x\":NaN}],\"\":{},\"\xff\\ud800\":null,\"t\":true,\"\xff\":{\"\\u0000\":[-Infinity]} } tail"
	type member struct {
		key   string
		kind  Kind
		flags Flags
		raw   string
	}
	want := []member{
		{"a", Number, 0, "1"},
		{"a", String, Escaped, `"\n"`},
		{"café", Array, NonFinite, `[1,{"x":NaN}]`},
		{"", Object, 0, "{}"},
		{"\ufffd\ufffd", Null, 0, "null"},
		{"t", True, 0, "true"},
		{"\ufffd", Object, Escaped | NUL | NonFinite, `{"\u0000":[-Infinity]}`},
	}
	for name, m := range map[string]Members{"new": NewMembers([]byte(text)), "valid": ValidMembers([]byte(text))} {
		var n int
		for ; m.Next(); n++ {
			v := m.Value()
			if have := (member{string(m.Key()), v.Kind, v.Flags, string(v.Raw)}); n < len(want) && have != want[n] {
				t.Errorf("%s: member %d: want %+v, have %+v", name, n, want[n], have)
			}
			if cap(v.Raw) != len(v.Raw) {
				t.Errorf("%s: want a value that an append can't write past, have %q", name, v.Raw[:cap(v.Raw)])
			}
			if m.Rest() != nil {
				t.Errorf("%s: want no rest before the end, have %q", name, m.Rest())
			}
		}
		if n != len(want) || m.Err() != nil || string(m.Rest()) != " tail" {
			t.Errorf("%s: want %d members and the tail, have %d, %q, %v", name, len(want), n, m.Rest(), m.Err())
		}
		if m.Next() || m.Value().Kind != Invalid || string(m.Rest()) != " tail" {
			t.Errorf("%s: want the end to last, have %v, rest %q", name, m.Value(), m.Rest())
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	const text = "\t[ 1 ,\"]\", [[]] ,{\"a\":[\"\\u0000\"]},-Infinity,false ]\n]"
	want := []Value{
		{Number, 0, []byte("1")}, {String, 0, []byte(`"]"`)}, {Array, 0, []byte("[[]]")},
		{Object, Escaped | NUL, []byte(`{"a":["\u0000"]}`)}, {Number, NonFinite, []byte("-Infinity")}, {False, 0, []byte("false")},
	}
	for name, e := range map[string]Elements{"new": NewElements([]byte(text)), "valid": ValidElements([]byte(text))} {
		var n int
		for ; e.Next(); n++ {
			have := e.Value()
			if n < len(want) && (have.Kind != want[n].Kind || have.Flags != want[n].Flags || string(have.Raw) != string(want[n].Raw)) {
				t.Errorf("%s: element %d: want %v, have %v", name, n, want[n], have)
			}
		}
		if n != len(want) || e.Err() != nil || string(e.Rest()) != "\n]" {
			t.Errorf("%s: want %d elements and the rest, have %d, %q, %v", name, len(want), n, e.Rest(), e.Err())
		}
	}
}

func TestIteratorsOfNothing(t *testing.T) {
	t.Parallel()
	m, e := NewMembers([]byte(" { } 1")), NewElements([]byte("[\n]2"))
	if m.Next() || m.Err() != nil || string(m.Rest()) != " 1" {
		t.Errorf("want an empty object, have %v, rest %q", m.Err(), m.Rest())
	}
	if e.Next() || e.Err() != nil || string(e.Rest()) != "2" {
		t.Errorf("want an empty array, have %v, rest %q", e.Err(), e.Rest())
	}
}

func TestIteratorsRefuse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ passed, offset int }{
		``:                         {0, 0},
		` 1`:                       {0, 1},
		`[`:                        {0, 1},
		`{`:                        {0, 1},
		`[1`:                       {1, 2},
		`[1,`:                      {1, 3},
		`[1,]`:                     {1, 3},
		`[,`:                       {0, 1},
		`[1 2]`:                    {1, 3},
		`[1}`:                      {1, 2},
		`[[1}]`:                    {0, 3},
		`["a",{"b" 1}]`:            {1, 10},
		`{"a"}`:                    {0, 4},
		`{"a":}`:                   {0, 5},
		`{"a":1,}`:                 {1, 7},
		`{"a":1,b}`:                {1, 7},
		`{"a":1]`:                  {1, 6},
		`{"a":[1,2}}`:              {0, 9},
		`{"a":1,"b":"` + "\x01\"}": {1, 12},
	} {
		var passed int
		var err error
		var rest []byte
		if strings.HasPrefix(text, "{") {
			m := NewMembers([]byte(text))
			for ; m.Next(); passed++ {
			}
			err, rest = m.Err(), m.Rest()
		} else {
			e := NewElements([]byte(text))
			for ; e.Next(); passed++ {
			}
			err, rest = e.Err(), e.Rest()
		}
		fault, ok := errors.AsType[*SyntaxError](err)
		if !ok || fault.Offset != want.offset || passed != want.passed || rest != nil {
			t.Errorf("%q: want %d passed and a fault at %d, have %d and %v, rest %q", text, want.passed, want.offset, passed, err, rest)
		}
	}
	e := NewElements([]byte(strings.Repeat("[", iteratorDepth+2)))
	if e.Next() || e.Err() != ErrDepth {
		t.Errorf("want ErrDepth, have %v", e.Err())
	}
}
