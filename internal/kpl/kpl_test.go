package kpl_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/spoorhq/spoor/internal/kpl"
)

func aggregate(key string, data ...string) []byte {
	var w kpl.Writer
	w.Reset(key)
	for _, d := range data {
		w.Add([]byte(d))
	}
	return w.Seal(nil)
}

// framed puts a message made by hand between the first bytes and the checksum.
func framed(message string) []byte {
	body, err := hex.DecodeString(message)
	if err != nil {
		panic(err)
	}
	sum := md5.Sum(body)
	return slices.Concat([]byte("\xf3\x89\x9a\xc2"), body, sum[:])
}

func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("x"), 70_000))
	want := []string{"one", "", long, "\xf3\x89\x9a\xc2", `{"a":1}`}
	have, ok := kpl.Read(aggregate("a key", want...), nil)
	if !ok || len(have) != len(want) {
		t.Fatalf("want %d records; have %d, %t", len(want), len(have), ok)
	}
	for i, r := range have {
		if string(r.Data) != want[i] || string(r.Key) != "a key" || r.HashKey != nil {
			t.Errorf("record %d: want %d bytes under \"a key\"; have %d under %q, %q", i, len(want[i]), len(r.Data), r.Key, r.HashKey)
		}
	}
}

func TestSizeIsKnownBefore(t *testing.T) {
	t.Parallel()
	var w kpl.Writer
	w.Reset("some key")
	for _, size := range []int{0, 1, 119, 120, 127, 128, 16_380, 16_384, 100_000} {
		want := w.SizeWith(size)
		w.Add(make([]byte, size))
		if have := len(w.Seal(nil)) + len("some key"); have != want {
			t.Errorf("with %d bytes more: want %d, as it said; have %d", size, want, have)
		}
	}
}

// What another writer may do and this one does not: explicit hash keys, tags, several keys, fields of tomorrow.
func TestForeignMessage(t *testing.T) {
	t.Parallel()
	message := "0a0161" + "0a0162" + // keys a and b
		"120137" + // explicit hash key 7
		"1a07" + "0801" + "1000" + "1a0178" + // key 1, hash key 0, data "x"
		"1a0d" + "0800" + "1a0179" + "2206" + "0a0174" + "120176" + // key 0, data "y", a tag
		"2803" + "31" + "0102030405060708" + "3d" + "01020304" // fields 5, 6 and 7, of three wire types
	have, ok := kpl.Read(framed(message), nil)
	if !ok || len(have) != 2 {
		t.Fatalf("want two records; have %d, %t", len(have), ok)
	}
	text := ""
	for _, r := range have {
		text += fmt.Sprintf("%s %s %s;", r.Key, r.HashKey, r.Data)
	}
	if want := "b 7 x;a  y;"; text != want {
		t.Errorf("want %q; have %q", want, text)
	}
}

func TestDamagedIsPlain(t *testing.T) {
	t.Parallel()
	whole := aggregate("k", "one", "two")
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 0x10
		if _, ok := kpl.Read(broken, nil); ok {
			t.Errorf("byte %d is wrong, and the record was read", i)
		}
		if _, ok := kpl.Read(whole[:i], nil); ok {
			t.Errorf("the record was read though it ends after %d bytes", i)
		}
	}
	for name, message := range map[string]string{
		"no message":             "",
		"a key that is not":      "0a0161" + "1a05" + "0801" + "1a0178",
		"a hash key that is not": "0a0161" + "1a07" + "0800" + "1000" + "1a0178",
		"no key":                 "0a0161" + "1a03" + "1a0178",
		"no data":                "0a0161" + "1a02" + "0800",
		"data that is a number":  "0a0161" + "1a04" + "0800" + "1801",
		"a key table of numbers": "0801",
		"a length beyond":        "0a0161" + "1aff01" + "0800",
		"a length without end":   "0a0161" + "1affffffffffffffffffff01",
		"a group":                "0a0161" + "2b",
		"field 0":                "0a0161" + "0001",
		"a fixed number cut":     "39010203",
	} {
		if have, ok := kpl.Read(framed(message), nil); ok {
			t.Errorf("%s: want it refused; have %d records", name, len(have))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("0a016" + "1"))
	f.Add(aggregate("k", "one", "two")[4:20])
	f.Fuzz(func(t *testing.T, message []byte) {
		have, ok := kpl.Read(framed(hex.EncodeToString(message)), nil)
		if !ok {
			return
		}
		size := 0
		for _, r := range have {
			size += len(r.Data)
		}
		if size > len(message) {
			t.Errorf("%d bytes of data came out of a message of %d", size, len(message))
		}
	})
}
