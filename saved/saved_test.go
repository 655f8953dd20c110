package saved_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/saved"
)

func open(t *testing.T, dir string) *saved.Store {
	t.Helper()
	s, err := saved.Open(saved.Options{Dir: dir, Warn: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func draft(name, body string) saved.Draft {
	return saved.Draft{Name: name, Body: json.RawMessage(body)}
}

func create(t *testing.T, s *saved.Store, kind saved.Kind, d saved.Draft) saved.Document {
	t.Helper()
	document, err := s.Create(t.Context(), kind, d)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestADocumentsLife(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	s, err := saved.Open(saved.Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	made := create(t, s, saved.Reports, draft("  Signups ", `{ "a": 1 }`))
	if made.Name != "Signups" || made.Version != 1 || !made.Created.Equal(now) || string(made.Body) != `{"a":1}` || len(made.ID) != 16 {
		t.Errorf("want version 1 of a trimmed draft; have %+v", made)
	}
	now = now.Add(time.Hour)
	changed, err := s.Put(t.Context(), saved.Reports, made.ID, 1, draft("Sign-ups", `{"a":2}`))
	if err != nil || changed.Version != 2 || !changed.Created.Equal(made.Created) || !changed.Changed.Equal(now) {
		t.Errorf("want version 2 with the first one's beginning; have %+v, %v", changed, err)
	}
	var conflict *saved.ConflictError
	if _, err := s.Put(t.Context(), saved.Reports, made.ID, 1, draft("Mine", `{}`)); !errors.As(err, &conflict) || conflict.Have != 2 || conflict.Want != 1 {
		t.Errorf("want a conflict of 2 with 1; have %v", err)
	}
	if _, err := s.Put(t.Context(), saved.Reports, made.ID, 0, draft("Mine", `{}`)); !errors.As(err, &conflict) {
		t.Errorf("want a conflict where a new one would replace it; have %v", err)
	}
	// Another opening of the folder, as another process has it, sees the same.
	have, err := open(t, dir).Get(saved.Reports, made.ID)
	if err != nil || have.Name != "Sign-ups" || string(have.Body) != `{"a":2}` {
		t.Errorf("want what was kept last; have %+v, %v", have, err)
	}
	if err := s.Remove(t.Context(), saved.Reports, made.ID, 1); !errors.As(err, &conflict) {
		t.Errorf("want a conflict where another version was looked at; have %v", err)
	}
	if err := s.Remove(t.Context(), saved.Reports, made.ID, 2); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"a change of what is gone":   second(s.Put(t.Context(), saved.Reports, made.ID, 2, draft("x", `{}`))),
		"what is gone":               second(s.Get(saved.Reports, made.ID)),
		"removing it again":          s.Remove(t.Context(), saved.Reports, made.ID, 0),
		"an id that would be a path": second(s.Get(saved.Reports, "../reports/"+made.ID)),
	} {
		if !errors.Is(err, saved.ErrNotFound) {
			t.Errorf("%s: want ErrNotFound; have %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestListIsByName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var warned []error
	s, err := saved.Open(saved.Options{Dir: dir, Warn: func(err error) { warned = append(warned, err) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "C", "a"} {
		create(t, s, saved.Cohorts, draft(name, `{}`))
	}
	create(t, s, saved.Reports, draft("of another kind", `{}`))
	// What a crash left behind, a stranger's file, and one that somebody damaged.
	for name, text := range map[string]string{"abc.json.new": "{", "README": "hello", "damaged.json": "{", "other.json": `{"id":"another","version":1}`} {
		if err := os.WriteFile(filepath.Join(dir, "cohorts", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(saved.Cohorts)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	if have := strings.Join(names, " "); have != "a b C" {
		t.Errorf("want a b C; have %s", have)
	}
	if len(warned) != 2 || !strings.Contains(errors.Join(warned...).Error(), "damaged.json") {
		t.Errorf("want a warning of each file that cannot be read; have %v", warned)
	}
}

func TestBoundsAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for _, c := range []struct{ name, body, want string }{
		{" ", `{}`, "name cannot be empty"},
		{strings.Repeat("ä", saved.MaxName+1), `{}`, "got 201 characters"},
		{"two\nlines", `{}`, `name must be one line of text; got "two\nlines"`},
		{"x", ``, "body must be a JSON object"},
		{"x", `[1]`, `got "[1]"`},
		{"x", `{"a":`, "body must be a JSON object"},
		{"x", `{"a":"` + strings.Repeat("a", saved.MaxBytes) + `"}`, "cannot be over 262144 bytes"},
	} {
		var field *saved.FieldError
		if _, err := s.Create(t.Context(), saved.Reports, draft(c.name, c.body)); !errors.As(err, &field) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q; have %v", c.want, err)
		}
	}
	if _, err := s.Put(t.Context(), saved.Reports, "../x", 0, draft("x", `{}`)); err == nil || !strings.Contains(err.Error(), `id must be`) {
		t.Errorf("want an id that is a path refused; have %v", err)
	}
	for i := range saved.MaxDocuments {
		path := filepath.Join(dir, "reports", fmt.Sprintf("r%d.json", i))
		if err := os.WriteFile(path, []byte(`{}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(t.Context(), saved.Reports, draft("one more", `{}`)); !errors.Is(err, saved.ErrFull) {
		t.Errorf("want ErrFull; have %v", err)
	}
	if _, err := s.Create(t.Context(), saved.Cohorts, draft("of another kind", `{}`)); err != nil {
		t.Error(err)
	}
}

// Many who each add one to the same number: none is lost, whoever they are.
func TestCompareAndSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made := create(t, open(t, dir), saved.Dashboards, draft("counter", `{"n":0}`))
	const writers, each = 4, 10
	var group sync.WaitGroup
	for range writers {
		s := open(t, dir) // as a process of its own has it
		group.Go(func() {
			for range each {
				if err := addOne(t.Context(), s, made.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	have, err := open(t, dir).Get(saved.Dashboards, made.ID)
	if want := fmt.Sprintf(`{"n":%d}`, writers*each); err != nil || string(have.Body) != want || have.Version != 1+writers*each {
		t.Errorf("want %s; have %+v, %v", want, have, err)
	}
}

func addOne(ctx context.Context, s *saved.Store, id string) error {
	for {
		d, err := s.Get(saved.Dashboards, id)
		if err != nil {
			return err
		}
		var body struct{ N int }
		if err := json.Unmarshal(d.Body, &body); err != nil {
			return err
		}
		_, err = s.Put(ctx, saved.Dashboards, id, d.Version, draft("counter", fmt.Sprintf(`{"n":%d}`, body.N+1)))
		if _, conflict := errors.AsType[*saved.ConflictError](err); !conflict {
			return err
		}
	}
}

// The same between real processes: this test runs itself.
func TestCompareAndSetBetweenProcesses(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("SPOOR_SAVED_CHILD"); dir != "" {
		s := open(t, dir)
		for range 10 {
			if err := addOne(t.Context(), s, "counter"); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Put(t.Context(), saved.Dashboards, "counter", 0, draft("counter", `{"n":0}`)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCompareAndSetBetweenProcesses$")
			cmd.Env = append(os.Environ(), "SPOOR_SAVED_CHILD="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	group.Wait()
	if have, err := s.Get(saved.Dashboards, "counter"); err != nil || string(have.Body) != `{"n":30}` {
		t.Errorf(`want {"n":30}; have %+v, %v`, have, err)
	}
}

// Who reads while others write sees whole documents only.
func TestReadersSeeWholeDocuments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	made := create(t, s, saved.Reports, draft("x", `{"n":0}`))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for v := int64(1); v <= 50; v++ {
			if _, err := s.Put(t.Context(), saved.Reports, made.ID, v, draft("x", `{"n":"`+strings.Repeat("y", int(v)*500)+`"}`)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for last := int64(0); ; {
		list, err := s.List(saved.Reports) // a damaged one would be warned of
		if err != nil || len(list) != 1 || list[0].Version < last {
			t.Fatalf("want the document whole, and no older than before; have %v, %v", list, err)
		}
		last = list[0].Version
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestReportAndDashboard(t *testing.T) {
	t.Parallel()
	report := func(text string) error { return second(saved.ReadReport(json.RawMessage(text))) }
	dashboard := func(text string) error { return second(saved.ReadDashboard(json.RawMessage(text))) }
	for _, err := range []error{
		report(`{"question":"trend","params":{"event":"Order Completed"},"about":"x"}`),
		dashboard(`{"tiles":[]}`), dashboard(`{"tiles":[{"report":"abc","title":"T","width":4}],"refresh":10}`),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{report(`{"params":{}}`), "body.question must be the name of a question"},
		{report(`{"question":"trend"}`), "body.params must be a JSON object"},
		{report(`{"question":"trend","params":{},"view":"Big Bars"}`), `body.view must be the name of a way to show answers; got "Big Bars"`},
		{report(`{"question":"trend","params":[]}`), `got "[]"`},
		{report(`{"question":1,"params":{}}`), "body.question must be a string; got a number"},
		{report(`{"question":"trend","params":{},"colour":1}`), `body cannot have a field that is not known; got "colour"`},
		{report(`{"question":"trend","params":{}} {}`), "body must be one JSON object"},
		{report(`{`), "body must be JSON"},
		{report(`{"question":"trend","params":{},"about":"` + strings.Repeat("x", saved.MaxAbout+1) + `"}`), "body.about cannot be over"},
		{dashboard(`{"tiles":[{"report":"ok"},{"report":""}]}`), "body.tiles[1].report must be the id"},
		{dashboard(`{"tiles":[{"report":"ok","width":5}]}`), "body.tiles[0].width must be 1 to 4; got 5"},
		{dashboard(`{"tiles":[{"report":"ok","title":"` + strings.Repeat("x", 201) + `"}]}`), "body.tiles[0].title cannot be over"},
		{dashboard(`{"tiles":[],"refresh":3}`), "body.refresh must be 0 or at least 10 seconds; got 3"},
		{dashboard(`{"tiles":[` + strings.Repeat(`{"report":"a"},`, 50) + `{"report":"a"}]}`), "body.tiles cannot be over 50; got 51"},
	} {
		var field *saved.FieldError
		if !errors.As(c.err, &field) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("want %q; have %v", c.want, c.err)
		}
	}
}
