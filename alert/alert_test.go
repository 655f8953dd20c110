package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/saved"
)

func TestRules(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"event":{"event":"Order Completed","type":"track","source":"web","minutes":15},"below":1}`,
		`{"event":{},"above":1000,"below":0,"for":3}`,
		`{"report":"abc","number":{"step":2,"of":"of_previous"},"below":0.2}`,
		`{"report":"abc","usual":{"k":3,"side":"below"},"notify":[{"webhook":"https://x.example/hook"},{"email":"ops@example.com"}]}`,
		`{"tracking":true,"ignore":["Old Event"]}`,
	} {
		if _, err := ReadRule(json.RawMessage(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{
		`{"event":{},"number":{"step":2},"above":1}`: `body.number goes with report; got {"step":2}`,
		`{}`: "body must have one of event, report and tracking; got 0 of them",
		`{"report":"a","tracking":true,"above":1}`: "got 2 of them",
		`{"report":"a"}`:                                                    "must have a threshold, above or below, or usual; got no threshold and usual false",
		`{"report":"a","above":1,"usual":{}}`:                               "got a threshold and usual true",
		`{"tracking":true,"above":1}`:                                       "body.tracking goes with no threshold",
		`{"report":"a","above":1,"ignore":["x"]}`:                           "body.ignore goes with tracking",
		`{"report":"a","above":1,"below":2}`:                                "body.below cannot be over above; got 2",
		`{"report":"a","above":1,"for":61}`:                                 "body.for must be 1 to 60; got 61",
		`{"event":{"minutes":4},"above":1}`:                                 "body.event.minutes must be 5 to 10080; got 4",
		`{"report":"a","usual":{"k":0.5}}`:                                  "body.usual.k must be 1 to 20; got 0.5",
		`{"report":"a","usual":{"side":"left"}}`:                            `body.usual.side must be above, below or both; got "left"`,
		`{"report":"a","above":1,"notify":[{}]}`:                            "body.notify[0] must have one of webhook and email",
		`{"report":"a","above":1,"notify":[{"email":"ops"}]}`:               `body.notify[0].email must be an address`,
		`{"report":"a","above":1,"notify":[{"email":"Ops <o@x.example>"}]}`: `body.notify[0].email must be an address`,
		`{"report":"a","above":1,"notify":[{"webhook":"ftp://x"}]}`:         `body.notify[0].webhook must be a URL`,
		`{"report":"a","above":1,"notify":[` + strings.Repeat(`{"email":"a@b.example"},`, 20) + `{"email":"a@b.example"}]}`: "body.notify cannot be over 20; got 21",
		`{"report":"a","above":"1"}`: "body.above must be a float64; got a string",
	} {
		_, err := ReadRule(json.RawMessage(body))
		if _, ok := errors.AsType[*saved.FieldError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q; have %v", body, want, err)
		}
	}
}

// The windows of the same hour: of days of the same kind, of four weeks.
func TestSameHour(t *testing.T) {
	t.Parallel()
	wednesday := time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
	windows := sameHour(wednesday, time.Hour)
	if len(windows) != 21 || !windows[0].from.Equal(wednesday.Add(-time.Hour)) {
		t.Fatalf("want the hour and those of 20 working days; have %d from %v", len(windows), windows[0])
	}
	for _, w := range windows[1:] {
		if d := w.to.Weekday(); d == time.Saturday || d == time.Sunday || w.to.Format("15:04") != "12:30" || wednesday.Sub(w.to) > 28*24*time.Hour {
			t.Errorf("want a working day's 12:30 within 28 days; have %v", w)
		}
	}
	if have := len(sameHour(wednesday.AddDate(0, 0, 3), time.Hour)); have != 9 {
		t.Errorf("want the hour and those of 8 days of weekends; have %d", have)
	}
	// The last hour of Friday ends when Saturday begins.
	if have := len(sameHour(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), time.Hour)); have != 21 {
		t.Errorf("want Friday's last hour beside working days; have %d", have)
	}
}

func TestUsualRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values    []float64
		k         float64
		low, high float64
		ok        bool
	}{
		{[]float64{10, 10, 10, 10}, 4, 0, 0, false},
		// Chance: the square root of 100.
		{[]float64{100, 100, 100, 100, 100}, 4, 60, 140, true},
		// The deviations from 100 are 0, 0, 20, 20, 40: their median, 20, times 1.4826.
		{[]float64{100, 100, 80, 120, 140}, 2, 100 - 2*1.4826*20, 100 + 2*1.4826*20, true},
		// One day that was mad does not make the next one usual.
		{[]float64{100, 100, 100, 100, 1e6}, 4, 60, 140, true},
		// A twentieth of a large number.
		{[]float64{1e6, 1e6, 1e6, 1e6, 1e6}, 4, 8e5, 12e5, true},
		{[]float64{0, 0, 0, 0, 0}, 4, 0, 4, true},
		{[]float64{-5, -5, -5, -5, -5}, 1, -5 - math.Sqrt(5), -5 + math.Sqrt(5), true},
	} {
		have := usualRange(c.values, c.k, countChance)
		if have.ok != c.ok || math.Abs(have.low-c.low) > 1e-9 || math.Abs(have.high-c.high) > 1e-9 {
			t.Errorf("%v, k %v: want %v to %v, %v; have %+v", c.values, c.k, c.low, c.high, c.ok, have)
		}
	}
	// A share of 100 people that is always 20% varies by 4% of them; of none of 98, by 1%; and a formula's, by a twentieth.
	fifth, zero := []float64{0.2, 0.2, 0.2, 0.2, 0.2}, []float64{0, 0, 0, 0, 0}
	if have := usualRange(fifth, 2, shareChance(100)); math.Abs(have.low-0.119) > 0.002 || math.Abs(have.high-0.281) > 0.002 {
		t.Errorf("want 12%% to 28%%; have %+v", have)
	}
	if have := usualRange(zero, 1, shareChance(98)); have.low != 0 || math.Abs(have.high-0.01) > 0.001 {
		t.Errorf("want 0 to 1%%; have %+v", have)
	}
	if have := usualRange(fifth, 2, noChance); math.Abs(have.low-0.18) > 1e-9 || math.Abs(have.high-0.22) > 1e-9 {
		t.Errorf("want 0.18 to 0.22; have %+v", have)
	}
	// Spoor was away, and before that there was no such event.
	have := learned([]sample{{3, true}, {0, false}, {0, true}, {2, true}, {0, true}, {0, true}})
	if !slices.Equal(have, []float64{3, 0, 2}) {
		t.Errorf("want 3 0 2; have %v", have)
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Date(2026, 11, 25, 12, n, 0, 0, time.UTC) }
	var p Phase
	have := ""
	for i, v := range "?ffbfbfbb?bfbffbfbb" {
		var changed bool
		p, changed = p.next(map[rune]verdict{'?': unknown, 'f': fine, 'b': breach}[v], 2, at(i))
		have += map[Status]string{Learning: "l", OK: "o", Firing: "F"}[p.Status]
		if changed {
			have += "!"
		}
	}
	// Trembling changes nothing; two in a row do.
	if want := "looooooo" + "F!FFFFFo!oooF!"; have != want {
		t.Errorf("want %s; have %s", want, have)
	}
	if !p.Since.Equal(at(18)) || p.Streak != 0 {
		t.Errorf("want the phase to begin with the evaluation that made it; have %+v", p)
	}
}

// simulated is weeks of an application that people use by day, less so on weekends: rows by five minutes, added up.
type simulated struct {
	begin time.Time
	sums  map[Name][]int // sums[i] is the rows before the i-th five minutes
}

const grain = 5 * time.Minute

func simulate(seed uint64, begin time.Time, days int, stops map[string]time.Time, away window) simulated {
	dice := rand.New(rand.NewPCG(seed, 17))
	s := simulated{begin, map[Name][]int{}}
	for name, perHour := range map[string]float64{"Page Viewed": 400, "Search Used": 60, "Order Completed": 25, "Invoice Sent": 1.5, "Yearly Report": 0.01} {
		sums := []int{0}
		for i := range days * 24 * 12 {
			at := begin.Add(time.Duration(i) * grain)
			rate := perHour / 12 * (0.15 + math.Pow(math.Sin(math.Pi*float64(at.Hour())/24), 2)) * math.Exp(dice.NormFloat64()*0.3)
			if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
				rate /= 3
			}
			n := poisson(dice, rate)
			if stop, ok := stops[name]; (ok && !at.Before(stop)) || (!at.Before(away.from) && at.Before(away.to)) {
				n = 0
			}
			sums = append(sums, sums[i]+n)
		}
		s.sums[Name{"web", "track", name}] = sums
	}
	return s
}

func poisson(dice *rand.Rand, mean float64) int {
	n, p := 0, dice.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= dice.Float64()
	}
	return n
}

func (s simulated) count(windows []window) (map[Name][]sample, error) {
	all := map[Name][]sample{}
	alive := make([]float64, len(windows))
	for name, sums := range s.sums {
		list := make([]sample, len(windows))
		for i, w := range windows {
			at := func(t time.Time) int { return sums[min(max(int(t.Sub(s.begin)/grain), 0), len(sums)-1)] }
			list[i].value = float64(at(w.to) - at(w.from))
			alive[i] += list[i].value
		}
		all[name] = list
	}
	for _, list := range all {
		for i := range list {
			list[i].alive = alive[i] > 0
		}
	}
	return all, nil
}

// Over weeks of ordinary traffic nothing is said to have stopped; what really stops is told soon, once, and so is its return.
// An hour in which Spoor was away changes nothing later.
func TestTrackingBrokeOverWeeks(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 5; seed++ {
		begin := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC) // a Monday
		stopped := time.Date(2026, 10, 21, 10, 0, 0, 0, time.UTC)
		s := simulate(seed, begin, 49, map[string]time.Time{"Search Used": stopped}, window{begin.AddDate(0, 0, 30), begin.AddDate(0, 0, 30).Add(9 * time.Hour)})
		var silent []Silent
		var told []string
		for end := begin.AddDate(0, 0, 1); end.Before(begin.AddDate(0, 0, 49)); end = end.Add(trackingEvery) {
			if back := begin.AddDate(0, 0, 30); end.After(back) && end.Before(back.Add(34*time.Hour)) {
				continue // Spoor is away, and for a day nothing can be complete
			}
			verdicts, err := judge(s.count, end)
			if err != nil {
				t.Fatal(err)
			}
			var gone, back []Silent
			silent, gone, back = track(silent, verdicts, 2, end)
			for _, g := range gone {
				told = append(told, fmt.Sprintf("%s gone after %s", g.Event, end.Sub(stopped)))
			}
			for _, b := range back {
				told = append(told, b.Event+" back")
			}
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], "Search Used gone after 1h") {
			t.Errorf("seed %d: want one event told as gone, within two hours; have %q", seed, told)
		}
	}
}

// What comes once a day, or seldom, or is new, is not missed by the hour.
func TestWhatNormallyComes(t *testing.T) {
	t.Parallel()
	list := func(now float64, past ...float64) []sample {
		samples := []sample{{now, true}}
		for _, v := range past {
			samples = append(samples, sample{v, true})
		}
		return samples
	}
	for _, c := range []struct {
		what    string
		samples []sample
		want    verdict
	}{
		{"it comes", list(1, 50, 50, 50, 50, 50), fine},
		{"it stopped", list(0, 50, 50, 50, 50, 50), breach},
		{"it is new", list(0, 50, 50, 50, 50), unknown},
		{"it began four days ago", list(0, 50, 50, 50, 50, 0, 0, 0, 0), unknown},
		{"it is rare", list(0, 9, 9, 9, 9, 9, 9), unknown},
		{"it was silent once before", list(0, 50, 50, 0, 50, 50, 50), unknown},
	} {
		if have := judgeOne(c.samples, shortHours); have.verdict != c.want {
			t.Errorf("%s: want %v; have %v", c.what, c.want, have.verdict)
		}
	}
}

// What is silent stays told until it comes back, is ignored, or was silent for so long that it is not usual any more.
func TestWhatIsSilentIsKept(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	name := Name{"web", "track", "Order Completed"}
	gone := map[Name]judged{name: {breach, 40, 1}}
	silent, stopped, _ := track(nil, gone, 2, begin)
	if len(stopped) != 0 || len(silent) != 1 || silent[0].Status != OK {
		t.Fatalf("want it watched after one evaluation; have %+v", silent)
	}
	silent, stopped, _ = track(silent, gone, 2, begin.Add(trackingEvery))
	if len(stopped) != 1 || silent[0].Status != Firing || silent[0].Usual != 40 {
		t.Fatalf("want it told after two; have %+v", silent)
	}
	silent, stopped, _ = track(silent, map[Name]judged{}, 2, begin.AddDate(0, 0, 9))
	if len(stopped) != 0 || len(silent) != 1 {
		t.Errorf("want it kept, and told once; have %+v", silent)
	}
	state := State{Silent: silent}
	if have := state.keepable([]string{"Order Completed"}, begin.AddDate(0, 0, 9)); len(have) != 0 {
		t.Errorf("want what is ignored gone; have %+v", have)
	}
	if have := state.keepable(nil, begin.AddDate(0, 0, 40)); len(have) != 0 {
		t.Errorf("want what was silent for so long forgotten; have %+v", have)
	}
	back := map[Name]judged{name: {fine, 0, 1}}
	silent, _, came := track(silent, back, 2, begin.AddDate(0, 0, 10))
	if len(came) != 0 || len(silent) != 1 {
		t.Errorf("want one that came not to end it yet; have %+v", silent)
	}
	if silent, _, came = track(silent, back, 2, begin.AddDate(0, 0, 10).Add(trackingEvery)); len(came) != 1 || len(silent) != 0 {
		t.Errorf("want it back; have %+v, %+v", silent, came)
	}
}
