package query_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/spoorhq/spoor/query"
)

// shelf is cohorts that are saved, by id.
type shelf struct {
	mu    sync.Mutex
	saved map[string]query.Cohort
}

func (s *shelf) get(id string) (query.Cohort, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.saved[id]
	if id == "broken" {
		return c, errors.New("the disk is on fire")
	}
	if !ok {
		return c, query.ErrNoCohort
	}
	return c, nil
}

func (s *shelf) keep(id string, c query.Cohort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved[id] = c
}

func savedAs(id string) query.Filter { return query.Filter{Cohort: &query.Cohort{ID: id}} }

// shelved are cohorts that name each other, rightly and not.
func shelved() *shelf {
	pro := query.Filter{Field: "person.plan", Op: query.Is, Values: []any{"pro"}}
	return &shelf{saved: map[string]query.Cohort{
		"pro":    {Name: "Pro", Filter: pro},
		"both":   {Name: "Both", Filter: query.Filter{All: []query.Filter{savedAs("pro"), {Did: &query.Did{Event: query.Selection{Event: "Buy"}}}}}},
		"stale":  {Name: "Stale", Filter: query.Filter{Any: []query.Filter{pro, {Cohort: &query.Cohort{ID: "gone", Name: "Left"}}}}},
		"ring":   {Name: "Ring", Filter: savedAs("chain")},
		"chain":  {Name: "Chain", Filter: query.Filter{All: []query.Filter{savedAs("pro"), savedAs("ring")}}},
		"events": {Name: "Events", Filter: query.Filter{Field: "country", Op: query.Is, Values: []any{"DE"}}},
		"many":   {Name: "Many", Filter: query.Filter{Any: named("pro", 60)}},
	}}
}

func named(id string, n int) []query.Filter {
	var list []query.Filter
	for range n {
		list = append(list, savedAs(id))
	}
	return list
}

// TestResolve: what a question names is replaced by what it is; what cannot be is said with where it stands.
func TestResolve(t *testing.T) {
	t.Parallel()
	const front, pro = `{"range":{"last":7,"unit":"day"},"series":[{"event":{}}],"where":`, `{"field":"person.plan","op":"=","values":["pro"]}`
	for _, c := range []struct{ name, where, want string }{
		{"nothing is named", pro, pro},
		{"a saved cohort", `{"cohort":{"id":"pro","name":"as it was called"},"not":true}`, `{"cohort":{"name":"Pro","filter":` + pro + `},"not":true}`},
		{
			"one that names another", `{"any":[{"field":"country","op":"set"},{"cohort":{"id":"both"}}]}`,
			`{"any":[{"field":"country","op":"set"},{"cohort":{"name":"Both","filter":{"all":[{"cohort":{"name":"Pro","filter":` + pro + `}},{"did":{"event":{"event":"Buy"}}}]}}}]}`,
		},
		{"within a cohort of the question", `{"cohort":{"filter":{"cohort":{"id":"pro"}}}}`, `{"cohort":{"filter":{"cohort":{"name":"Pro","filter":` + pro + `}}}}`},
		{"one twice", `{"all":[{"cohort":{"id":"pro"}},{"cohort":{"id":"pro"}}]}`, `{"all":[{"cohort":{"name":"Pro","filter":` + pro + `}},{"cohort":{"name":"Pro","filter":` + pro + `}}]}`},
		{"one that is not there", `{"cohort":{"id":"gone"}}`, `where.cohort.id must be the id of a saved cohort, and there is none of this id, or not any more; got "gone"`},
		{"one that was there", `{"all":[{"cohort":{"id":"gone","name":"Left"}}]}`, `where.all[0].cohort.id must be the id of a saved cohort, and "Left" is not saved, or not any more; got "gone"`},
		{"one that names one that was there", `{"cohort":{"id":"stale"}}`, `where.cohort.id must be the id of a saved cohort, and "Left" is not saved, or not any more; "Stale" names it; got "gone"`},
		{"a ring", `{"cohort":{"id":"ring"}}`, `where.cohort.id makes a cohort name itself: "Ring" → "Chain" → "Ring"; got "ring"`},
		{"one of events", `{"cohort":{"id":"events"}}`, `where.cohort.filter.field must be a person's`},
		{"too many", `{"all":[{"cohort":{"id":"many"}},{"cohort":{"id":"many"}}]}`, `where.all[1].cohort.id is one too many: a question names at most 100 cohorts`},
		{"one that cannot be read", `{"cohort":{"id":"broken"}}`, `reading the cohort broken: the disk is on fire`},
	} {
		q, err := query.Read[query.Trend]([]byte(front + c.where + `}`))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		sent := query.JSON(q)
		store := shelved()
		have, err := query.Resolve(q, store.get)
		if err == nil {
			want := front + c.where + `}`
			if strings.HasPrefix(c.want, "{") {
				want = front + c.want + `}`
			}
			if query.JSON(have) != want {
				t.Errorf("%s: want %s; have %s", c.name, want, query.JSON(have))
			}
		} else if !strings.HasPrefix(err.Error(), c.want) || strings.HasPrefix(c.want, "{") {
			t.Errorf("%s: want %s; have %v", c.name, c.want, err)
		}
		if query.JSON(q) != sent || query.JSON(trendWhere(store.saved["both"].Filter)) != query.JSON(trendWhere(shelved().saved["both"].Filter)) {
			t.Errorf("%s: want the question and what is saved left as they are; have %s", c.name, query.JSON(q))
		}
	}
	people := query.PeopleList{Funnel: &query.FunnelPoint{Funnel: query.Funnel{
		Range: query.Range{Last: 7, Unit: query.ByDay}, Steps: []query.Step{{}, {Where: new(savedAs("gone"))}},
	}}}
	wantInvalid(t, func() error { _, err := query.Resolve(people, shelved().get); return err }(), "funnel.funnel.steps[1].where.cohort.id")
}

func trendWhere(f query.Filter) query.Trend {
	q := trendOf(query.Count, "2026-11-23", "2026-11-23")
	q.Where = &f
	return q
}

func wantInvalid(t *testing.T, err error, field string) {
	t.Helper()
	if wrong, ok := errors.AsType[*query.Invalid](err); !ok || wrong.Field != field {
		t.Errorf("want %s refused; have %v", field, err)
	}
}

// TestSavable: a cohort that would come to name itself is not to be saved.
func TestSavable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		cohort query.Cohort
		field  string
	}{
		{"a new one", query.Cohort{Filter: savedAs("both")}, ""},
		{"a new version", query.Cohort{ID: "both", Name: "Both", Filter: savedAs("pro")}, ""},
		{"nobody said", query.Cohort{ID: "both"}, "body.filter"},
		{"of events", query.Cohort{Filter: query.Filter{Field: "country", Op: query.Set}}, "body.filter.field"},
		{"itself", query.Cohort{ID: "pro", Name: "Pro", Filter: savedAs("pro")}, "body.filter.cohort.id"},
		{"itself, by another", query.Cohort{ID: "pro", Name: "Pro", Filter: query.Filter{All: []query.Filter{savedAs("both")}}}, "body.filter.all[0].cohort.id"},
		{"one that is gone", query.Cohort{Filter: savedAs("gone")}, "body.filter.cohort.id"},
		{"one of events", query.Cohort{Filter: savedAs("events")}, "body.filter.cohort.filter.field"},
	} {
		err := c.cohort.Savable("body", shelved().get)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: want it savable; have %v", c.name, err)
			}
			continue
		}
		if wrong, ok := errors.AsType[*query.Invalid](err); !ok || wrong.Field != c.field {
			t.Errorf("%s: want %s refused; have %v", c.name, c.field, err)
		}
	}
	err := query.Cohort{ID: "pro", Name: "Pro", Filter: savedAs("both")}.Savable("body", shelved().get)
	if want := `makes a cohort name itself: "Pro" → "Both" → "Pro"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %s; have %v", want, err)
	}
}

// TestSavedCohorts: an answer follows what is saved, at once, and is kept while that stays as it is.
func TestSavedCohorts(t *testing.T) {
	t.Parallel()
	store := &shelf{saved: map[string]query.Cohort{}}
	_, w, e := engine(t, query.EngineOptions{Cohorts: store.get})
	did := func(name string) query.Filter {
		return query.Filter{Did: &query.Did{Event: query.Selection{Event: name}}}
	}
	buyers, sellers := query.Cohort{Name: "Chosen", Filter: did("Buy")}, query.Cohort{Name: "Chosen", Filter: did("Sell")}
	q := trendWhere(savedAs("chosen"))
	list := query.PeopleList{Events: &query.Doers{Where: new(savedAs("chosen"))}}
	store.keep("outer", query.Cohort{Name: "Outer", Filter: savedAs("chosen")})
	for _, step := range []struct {
		name   string
		cohort query.Cohort
		want   float64
		runs   int64
	}{
		{"at first", buyers, 1, 3},
		{"again", buyers, 1, 0},
		{"changed", sellers, 0, 3},
		{"changed back", buyers, 1, 0},
	} {
		store.keep("chosen", step.cohort)
		asked := w.asked.Load()
		for _, where := range []string{"chosen", "outer"} {
			*q.Where = savedAs(where)
			a, err := e.Trend(t.Context(), q)
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if have := *a.Lines[0].Total; have != step.want {
				t.Errorf("%s, %s: want %v; have %v", step.name, where, step.want, have)
			}
		}
		a, err := e.People(t.Context(), list)
		if err != nil || float64(a.People) != step.want || float64(len(a.List)) != step.want {
			t.Errorf("%s: want %v people; have %+v, %v", step.name, step.want, a, err)
		}
		if runs := w.asked.Load() - asked; runs != step.runs {
			t.Errorf("%s: want %d statements; have %d", step.name, step.runs, runs)
		}
	}
	delete(store.saved, "chosen")
	_, err := e.Trend(t.Context(), trendWhere(savedAs("chosen")))
	wantInvalid(t, err, "where.cohort.id")

	// Without anybody who knows what is saved, nothing is asked: the answer would be about everybody.
	for name, ask := range map[string]func() error{
		"trend":     func() error { _, err := query.AskTrend(t.Context(), w, q, noon); return err },
		"people":    func() error { _, err := query.AskPeople(t.Context(), w, list, noon); return err },
		"an engine": func() error { _, err := query.NewEngine(w, query.EngineOptions{}).Trend(t.Context(), q); return err },
		"funnel": func() error {
			_, err := query.AskFunnel(t.Context(), w, query.Funnel{Range: query.Range{Last: 1, Unit: query.ByDay}, Steps: []query.Step{{}, {}}, Where: q.Where}, noon)
			return err
		},
		"retention": func() error {
			_, err := query.AskRetention(t.Context(), w, query.Retention{Range: query.Range{Last: 1, Unit: query.ByDay}, Where: q.Where}, noon)
			return err
		},
		"paths": func() error {
			_, err := query.AskPaths(t.Context(), w, query.Paths{Range: query.Range{Last: 1, Unit: query.ByDay}, Where: q.Where}, noon)
			return err
		},
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "cohort.id cannot stand here") {
			t.Errorf("%s: want it refused; have %v", name, err)
		}
	}
}
