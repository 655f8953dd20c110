package jsonscan

import (
	"math"
	"strings"
	"testing"
)

func TestAppendStringOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`null`, `1`, `true`, `["a"]`, `{"a":"b"}`} {
		v, err := full([]byte(text))
		if have := v.AppendString([]byte("x")); err != nil || string(have) != "x" {
			t.Errorf("%s: want nothing appended, have %q, %v", text, have, err)
		}
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	type answer struct {
		n  int64
		ok bool
	}
	for text, want := range map[string]answer{
		`0`:                                     {0, true},
		`-0`:                                    {0, true},
		`0.000e99`:                              {0, true},
		`7`:                                     {7, true},
		`-12`:                                   {-12, true},
		`1795394441324`:                         {1795394441324, true},
		`9007199254740993`:                      {9007199254740993, true},
		`9223372036854775807`:                   {math.MaxInt64, true},
		`9223372036854775808`:                   {},
		`-9223372036854775808`:                  {math.MinInt64, true},
		`-9223372036854775809`:                  {},
		`9223372036854775800`:                   {9223372036854775800, true},
		`9223372036854775810`:                   {},
		`18446744073709551617`:                  {},
		`100000000000000000000`:                 {},
		`1e18`:                                  {1e18, true},
		`1e19`:                                  {},
		`12.0`:                                  {12, true},
		`1.2e1`:                                 {12, true},
		`1.2E+1`:                                {12, true},
		`100.50e1`:                              {1005, true},
		`1200e-2`:                               {12, true},
		`1200e-3`:                               {},
		`39.95`:                                 {},
		`0.5`:                                   {},
		`0.0001e4`:                              {1, true},
		`922337203685477580.7e1`:                {math.MaxInt64, true},
		`1e-1`:                                  {},
		`1e999999999999999999999999999999`:      {},
		`1e-999999999999999999999999999999`:     {},
		`0e999999999999999999999999999999`:      {0, true},
		`1` + strings.Repeat("0", 30) + `e-30`:  {1, true},
		`0.` + strings.Repeat("0", 30) + `1e31`: {1, true},
		`1` + strings.Repeat("0", 30) + `.5`:    {},
		`1.` + strings.Repeat("0", 30):          {1, true},
		`NaN`:                                   {},
		`"1"`:                                   {},
		`true`:                                  {},
		`null`:                                  {},
	} {
		v, err := full([]byte(text))
		if err != nil {
			t.Errorf("%s: want no error, have %v", text, err)
		}
		if n, ok := v.Int(); (answer{n, ok}) != want {
			t.Errorf("%s: want %v, have %d %v", text, want, n, ok)
		}
	}
}

func TestFloat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		`0`: 0, `-12`: -12, `39.95`: 39.95, `1e308`: 1e308, `4.9e-324`: 4.9e-324, `1e-999`: 0, `9007199254740993`: 9007199254740992,
		`0.1000000000000000055511151231257827021181583404541015625`: 0.1,
	} {
		v, err := full([]byte(text))
		if have, ok := v.Float(); err != nil || !ok || have != want {
			t.Errorf("%s: want %v, have %v %v, %v", text, want, have, ok, err)
		}
	}
	if have, ok := (Value{Kind: Number, Raw: []byte("-0")}).Float(); !ok || !math.Signbit(have) {
		t.Errorf("-0: want the sign kept, have %v %v", have, ok)
	}
	for _, text := range []string{`1e309`, `-1e309`, `NaN`, `Infinity`, `-Infinity`, `"1"`, `null`, `[1]`} {
		v, err := full([]byte(text))
		if have, ok := v.Float(); err != nil || ok {
			t.Errorf("%s: want no number, have %v, %v", text, have, err)
		}
	}
}
