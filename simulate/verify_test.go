package simulate

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// kept returns a table with every one of the first events of a stream, but those of some numbers, and a ledger in which
// all of them are acknowledged.
func kept(t *testing.T, events int, without ...uint64) (*table, *Ledger) {
	t.Helper()
	g := mustGenerate(t, history)
	f, l := new(table), NewLedger(g.Config())
	var e Event
	for n := range uint64(events) {
		if !g.skip(&e) {
			t.Fatalf("the stream ended after %d events", n)
		}
		l.Acknowledge(n)
		row := map[string]any{"source": "dev", "message_id": MessageID("send", n), "type": e.Type, "event": nil, "user_id": nil, "anonymous_id": nil}
		if e.Name != "" {
			row["event"] = e.Name
		}
		if e.user {
			row["user_id"] = string(appendUserID(nil, e.person))
		}
		if e.anonymous != 0 {
			row["anonymous_id"] = string(appendUUID(nil, e.anonymous))
		}
		if !slices.Contains(without, n) {
			f.add(row)
		}
	}
	return f, l
}

func mustVerify(t *testing.T, r Reader, l *Ledger) *Verdict {
	t.Helper()
	v, err := Verify(t.Context(), r, l, VerifyOptions{Page: 300, Wait: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifyFindsEveryFault(t *testing.T) {
	t.Parallel()
	find := func(f *table, kind string) int {
		return slices.IndexFunc(f.rows, func(row map[string]any) bool {
			return row["type"] == kind && row["user_id"] != nil && row["anonymous_id"] != nil
		})
	}
	for name, c := range map[string]struct {
		spoil func(f *table)
		want  Verdict
	}{
		"nothing": {func(*table) {}, Verdict{}},
		"another run": {func(f *table) {
			f.add(map[string]any{"source": "dev", "message_id": MessageID("other", 5)})
			f.add(map[string]any{"source": "dev", "message_id": "node-next-1"})
		}, Verdict{}},
		"one missing":                   {func(f *table) { f.rows = slices.Delete(f.rows, 700, 701) }, Verdict{Missing: 1}},
		"the first and the last missed": {func(f *table) { f.rows = f.rows[1 : len(f.rows)-1] }, Verdict{Missing: 2}},
		"all missing":                   {func(f *table) { f.rows = nil }, Verdict{Missing: 1000}},
		"one doubled":                   {func(f *table) { f.add(f.rows[700]) }, Verdict{Doubled: 1}},
		"one thrice":                    {func(f *table) { f.add(f.rows[999]); f.add(f.rows[999]) }, Verdict{Doubled: 2}},
		"one instead of another": {func(f *table) {
			f.rows[10] = maps.Clone(f.rows[11])
		}, Verdict{Missing: 1, Doubled: 1}},
		"an alien number":       {func(f *table) { f.add(map[string]any{"message_id": MessageID("send", 1_000)}) }, Verdict{Alien: 1}},
		"an alien far away":     {func(f *table) { f.add(map[string]any{"message_id": MessageID("send", 1<<40)}) }, Verdict{Alien: 1}},
		"an alien name":         {func(f *table) { f.add(map[string]any{"message_id": "sim-send-nobody"}) }, Verdict{Alien: 1}},
		"an alien within":       {func(f *table) { f.add(map[string]any{"message_id": MessageID("send", 7) + "x"}) }, Verdict{Alien: 1}},
		"another type":          {func(f *table) { f.rows[find(f, "track")]["type"] = "screen" }, Verdict{Altered: 1}},
		"another name":          {func(f *table) { f.rows[find(f, "track")]["event"] = "Page viewed" }, Verdict{Altered: 1}},
		"no name":               {func(f *table) { f.rows[find(f, "track")]["event"] = nil }, Verdict{Altered: 1}},
		"another user":          {func(f *table) { f.rows[find(f, "track")]["user_id"] = "u-x" }, Verdict{Altered: 1}},
		"no user":               {func(f *table) { f.rows[find(f, "identify")]["user_id"] = nil }, Verdict{Altered: 1}},
		"another anonymous id":  {func(f *table) { f.rows[find(f, "page")]["anonymous_id"] = "x" }, Verdict{Altered: 1}},
		"a name for a page":     {func(f *table) { f.rows[find(f, "page")]["event"] = "Home" }, Verdict{}},
		"empty instead of null": {func(f *table) { f.rows[find(f, "identify")]["event"] = "" }, Verdict{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := kept(t, 1_000)
			c.spoil(f)
			v := mustVerify(t, f, l)
			if v.Missing != c.want.Missing || v.Doubled != c.want.Doubled || v.Alien != c.want.Alien || v.Altered != c.want.Altered {
				t.Errorf("want %+v, have %v", c.want, v)
			}
			wrong := c.want.Missing + c.want.Doubled + c.want.Alien + c.want.Altered
			if v.OK() != (wrong == 0) || uint64(len(v.Examples)) != min(wrong, maxExamples) || strings.HasPrefix(v.String(), "exact") != v.OK() {
				t.Errorf("want a verdict and examples for %d faults, have %v", wrong, v)
			}
		})
	}
}

// What was refused must not be there; what has no answer may be.
func TestVerifyKnowsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	f, l := kept(t, 500, 3)
	l = NewLedger(l.Config())
	for n := range uint64(500) {
		switch n {
		case 3, 4: // unclear: 3 was lost, 4 was kept
			l.Doubt(n)
		case 5: // refused
		case 6:
			l.Doubt(n)
			l.Acknowledge(n)
		default:
			l.Acknowledge(n)
		}
	}
	v := mustVerify(t, f, l)
	if v.Acknowledged != 497 || v.Unclear != 2 || v.UnclearFound != 1 || v.Missing+v.Doubled+v.Altered != 0 || v.Alien != 1 {
		t.Errorf("want 497 acknowledged, one of two unclear found and the refused one alien, have %v", v)
	}
	if len(v.Examples) != 1 || v.Examples[0] != "alien: "+MessageID("send", 5) {
		t.Errorf("want event 5 named, have %q", v.Examples)
	}
}

func TestVerifySeesOneSource(t *testing.T) {
	t.Parallel()
	f, l := kept(t, 100)
	f.rows[50]["source"] = "it's"
	v, err := Verify(t.Context(), f, l, VerifyOptions{Source: "dev", Wait: -1})
	if err != nil || v.Missing != 1 || v.Rows != 99 {
		t.Errorf("want one missing of source dev, have %v, %v", v, err)
	}
	v, err = Verify(t.Context(), f, l, VerifyOptions{Source: "it's", Wait: -1})
	if err != nil || v.Missing != 99 || v.Rows != 1 {
		t.Errorf("want one of source it's, have %v, %v", v, err)
	}
}

// cutting gives at most some rows, as servers with a limit do.
type cutting struct {
	*table
	rows int
}

func (c cutting) Query(ctx context.Context, sql string) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		n := 0
		for row, err := range c.table.Query(ctx, sql) {
			if n++; n > c.rows || !yield(row, err) {
				return
			}
		}
	}
}

func TestVerifyIsNotFooledByCutAnswers(t *testing.T) {
	t.Parallel()
	f, l := kept(t, 500)
	if v, err := Verify(t.Context(), cutting{f, 100}, l, VerifyOptions{Wait: -1}); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("want an error about answers that are cut short, have %v, %v", v, err)
	}
	if v, err := Verify(t.Context(), cutting{f, 100}, l, VerifyOptions{Wait: -1, Page: 100}); err != nil || !v.OK() {
		t.Errorf("want small pages to pass, have %v, %v", v, err)
	}
}

type failing struct{}

func (failing) Query(context.Context, string) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) { yield(nil, errors.New("no table")) }
}

func TestVerifyTellsErrors(t *testing.T) {
	t.Parallel()
	_, l := kept(t, 10)
	if _, err := Verify(t.Context(), failing{}, l, VerifyOptions{}); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("want the reader's error, have %v", err)
	}
	if _, err := Verify(t.Context(), failing{}, l, VerifyOptions{Page: -1}); err == nil {
		t.Error("want an error for pages of -1")
	}
}

// The rows come in while Verify waits.
func TestVerifyWaitsForTheLoader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, l := kept(t, 400)
		all := f.rows
		f.rows = nil
		go func() {
			for i := range 4 {
				time.Sleep(3 * time.Second)
				for _, row := range all[i*100 : i*100+100] {
					f.add(row)
				}
			}
		}()
		began := time.Now()
		pages := 0
		v, err := Verify(t.Context(), f, l, VerifyOptions{Page: 100, OnProgress: func(done, of uint64) { pages++ }})
		if err != nil || !v.OK() || v.Rows != 400 || pages != 4 {
			t.Errorf("want 400 rows in four pages, have %v, %v, %d", v, err, pages)
		}
		if took := time.Since(began); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("want to wait for 12 s, have %v", took)
		}
		f.rows = f.rows[1:]
		began = time.Now()
		if v, err := Verify(t.Context(), f, l, VerifyOptions{Wait: 5 * time.Second}); err != nil || v.Missing != 1 || time.Since(began) != 5*time.Second {
			t.Errorf("want one missing after 5 s, have %v, %v after %v", v, err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Verify(ctx, f, l, VerifyOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want the context's error, have %v", err)
		}
	})
}

// Rows without an answer must not be taken for those that are still to come.
func TestVerifyWaitsLongerWhereFateIsUnclear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, l := kept(t, 100)
		for n := uint64(100); n < 110; n++ {
			l.Doubt(n)
		}
		last := f.rows[99]
		f.rows[99] = map[string]any{"message_id": MessageID("send", 100), "source": "dev"}
		go func() {
			time.Sleep(time.Second)
			f.add(last)
		}()
		v, err := Verify(t.Context(), f, l, VerifyOptions{})
		if err != nil || v.Missing != 0 || v.UnclearFound != 1 {
			t.Errorf("want none missing and one unclear found, have %v, %v", v, err)
		}
	})
}

func TestHTTPReader(t *testing.T) {
	t.Parallel()
	var body, fault string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" || r.Method != http.MethodPost || r.URL.Path != "/api/sql" {
			http.Error(w, "closed", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Trailer", "Spoor-Error")
		w.WriteHeader(status)
		w.Write([]byte(body))
		w.Header().Set("Spoor-Error", fault)
	}))
	defer server.Close()
	read := func(password string) (rows []string, err error) {
		reader := &HTTPReader{Server: server.URL + "/", Password: password}
		for row, err := range reader.Query(t.Context(), "select 1") {
			if err != nil {
				return rows, err
			}
			rows = append(rows, text(row["a"])+"|"+text(row["b"]))
		}
		return rows, nil
	}
	body = `[{"a":"x","b":9007199254740993},{"b":null},{"a":true}]`
	if have, err := read("secret"); err != nil || !slices.Equal(have, []string{"x|9007199254740993", "|", "true|"}) {
		t.Errorf("want three rows, have %q, %v", have, err)
	}
	if _, err := read(""); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("want the server's refusal, have %v", err)
	}
	for _, bad := range []string{`{"error":"x"}`, `[{"a":1}`, `[1]`, ``} {
		body = bad
		if _, err := read("secret"); err == nil {
			t.Errorf("want an error for %q", bad)
		}
	}
	body, fault = `[]`, "out of memory"
	if _, err := read("secret"); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("want the fault of the trailer, have %v", err)
	}
	body, status = `{"message":"no such column"}`, http.StatusBadRequest
	if _, err := read("secret"); err == nil || !strings.Contains(err.Error(), "no such column") {
		t.Errorf("want the server's error, have %v", err)
	}
}

func TestLedgerCountsEachEventOnce(t *testing.T) {
	t.Parallel()
	l := NewLedger(history)
	l.Doubt(1, 2, 3, 700)
	l.Acknowledge(2, 2, 64, 129)
	l.Acknowledge(64)
	if acknowledged, unclear := l.Counts(); acknowledged != 3 || unclear != 3 {
		t.Errorf("want 3 and 3, have %d and %d", acknowledged, unclear)
	}
	for n, want := range map[uint64][2]bool{2: {true, true}, 3: {false, true}, 4: {}, 700: {false, true}, 1 << 40: {}} {
		if must, may := l.fate(n); [2]bool{must, may} != want {
			t.Errorf("event %d: want %v, have %v, %v", n, want, must, may)
		}
	}
	if l.end() != 701 {
		t.Errorf("want an end of 701, have %d", l.end())
	}
}
