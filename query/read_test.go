package query_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
)

// FuzzRead: whatever stands in a URL, a question is read or refused, and one that is read is its own JSON and becomes SQL.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"range":{"last":7,"unit":"day"},"series":[{"event":{}}]}`, `{"range":{"from":"2026-03-28","to":"2026-03-30","zone":"Europe/Berlin","interval":"hour"},"series":[{"event":{"event":"Buy"},"measure":{"of":"sum","field":"properties.a\\.b"}}],"compare":true}`,
		`{"range":{"last":1,"unit":"month"},"series":[{"event":{},"where":{"any":[{"field":"country","op":"regex","values":["^[a-c]+(x|y)*$"]},{"did":{"event":{},"at_most":2},"not":true}]}}],"formulas":["A/2"]}`,
		`{"range":{"last":1,"unit":"day"},"series":[{"event":{}}],"breakdown":{"by":["person","properties.\\"],"top":3},"where":{"cohort":{"filter":{"field":"person.x","op":"in","values":[1,true,"x"]}}}}`, `[]`, `{"range":null}`,
	} {
		f.Add([]byte(text))
	}
	now := time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := query.Read[query.Trend](text)
		if err != nil {
			if _, is := errors.AsType[*query.Invalid](err); !is {
				t.Fatalf("%s: want the fault named; have %v", text, err)
			}
			return
		}
		once := query.JSON(q)
		again, err := query.Read[query.Trend]([]byte(once))
		if err != nil || query.JSON(again) != once {
			t.Fatalf("%s: want it read again as %s; have %s (%v)", text, once, query.JSON(again), err)
		}
		r := recorder{dialect: duckDialect()}
		if _, err := query.AskTrend(t.Context(), &r, q, now); !errors.Is(err, errRecorded) {
			if _, is := errors.AsType[*query.Invalid](err); !is {
				t.Fatalf("%s: %v", once, err)
			}
		}
	})
}
