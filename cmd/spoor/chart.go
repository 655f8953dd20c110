package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spoorhq/spoor/query"
)

// chart draws with block characters, without colours, so that what is piped is what is seen.
type chart struct{ width int }

// mostBars is how many buckets are drawn as bars, one a line; more become a sparkline.
const mostBars = 62

// trend draws one line as bars, several as sparklines.
func (c chart) trend(w io.Writer, a *query.TrendAnswer, names []string) error {
	var err error
	switch {
	case len(a.Lines) == 0:
		_, err = fmt.Fprintln(w, "nothing in this range")
	case len(a.Lines) == 1 && len(a.Period.Buckets) <= mostBars:
		err = c.bars(w, a, names[0])
	default:
		err = c.lines(w, a, names)
	}
	if err != nil {
		return err
	}
	complete := "it is not known how complete this is"
	if a.Complete.UpTo != nil {
		complete = "complete up to " + clock(*a.Complete.UpTo)
	}
	_, err = fmt.Fprintln(w, complete)
	return err
}

func (c chart) bars(w io.Writer, a *query.TrendAnswer, name string) error {
	line := a.Lines[0]
	dates, numbers := make([]string, len(line.Values)), make([]string, len(line.Values))
	widest, most := 0, 0.0
	for i, b := range a.Period.Buckets {
		dates[i], numbers[i] = bucketName(a.Period, b), figure(line.Values[i])
		if b.Incomplete {
			numbers[i] += "*"
		} else {
			numbers[i] += " "
		}
		widest = max(widest, utf8.RuneCountInString(numbers[i]))
		if line.Values[i] != nil {
			most = max(most, *line.Values[i])
		}
	}
	fmt.Fprintf(w, "%s: %s%s\n", name, figure(line.Total), compared(line))
	incomplete := false
	for i := range dates {
		room := max(c.width-len(dates[i])-widest-4, 10)
		value := 0.0
		if line.Values[i] != nil {
			value = *line.Values[i]
		}
		incomplete = incomplete || a.Period.Buckets[i].Incomplete
		text := fmt.Sprintf("%s  %*s %s", dates[i], widest, numbers[i], blocks(value, most, room))
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	if incomplete {
		fmt.Fprintln(w, "* not complete yet")
	}
	return nil
}

func (c chart) lines(w io.Writer, a *query.TrendAnswer, names []string) error {
	longest, widest := 0, 0
	for i, l := range a.Lines {
		longest, widest = max(longest, utf8.RuneCountInString(names[i])), max(widest, utf8.RuneCountInString(figure(l.Total)+compared(l)))
	}
	longest = min(longest, c.width/2)
	room := max(c.width-longest-widest-4, 10)
	for i, l := range a.Lines {
		name := names[i]
		if utf8.RuneCountInString(name) > longest {
			name = string([]rune(name)[:longest-1]) + "…"
		}
		values := make([]float64, len(l.Values))
		for b, v := range l.Values {
			if v != nil {
				values[b] = *v
			}
		}
		_, err := fmt.Fprintf(w, "%s%s  %*s  %s\n", name, strings.Repeat(" ", longest-utf8.RuneCountInString(name)), widest, figure(l.Total)+compared(l), sparkline(squeeze(values, room)))
		if err != nil {
			return err
		}
	}
	if n := len(a.Period.Buckets); n > 0 {
		fmt.Fprintf(w, "%s to %s, by %s\n", bucketName(a.Period, a.Period.Buckets[0]), bucketName(a.Period, a.Period.Buckets[n-1]), a.Period.Interval)
	}
	return nil
}

// funnel draws a bar for each step.
func (c chart) funnel(w io.Writer, a *query.FunnelAnswer, names []string) error {
	const columns = 46 // what stands before the bar
	longest := 0
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	most := 0.0
	if len(a.Steps) > 0 {
		most = float64(a.Steps[0].People)
	}
	fmt.Fprintf(w, "%*s  %9s  %8s  %8s  %9s\n", -longest-3, "step", "people", "of first", "of before", "median")
	for i, s := range a.Steps {
		took := "–"
		if s.Median != nil {
			took = time.Duration(*s.Median * float64(time.Second)).Round(time.Second).String()
		}
		text := fmt.Sprintf("%d. %-*s  %9s  %8s  %9s  %9s  %s", i+1, longest, names[i], grouped(strconv.FormatInt(s.People, 10)), percent(s.OfFirst), percent(s.OfPrevious), took,
			blocks(float64(s.People), most, max(c.width-longest-columns-5, 10)))
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	if a.Open {
		fmt.Fprintln(w, "some who began may still go on: their time is not over")
	}
	return nil
}

func percent(part *float64) string {
	if part == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", *part*100)
}

// compared says how a line stands to the previous period.
func compared(l query.Line) string {
	if l.PreviousTotal == nil || l.Total == nil {
		return ""
	}
	if *l.PreviousTotal == 0 {
		return " (before: 0)"
	}
	return fmt.Sprintf(" (%+.1f %%)", (*l.Total / *l.PreviousTotal - 1)*100)
}

func bucketName(p query.Period, b query.Bucket) string {
	layout := "2006-01-02 Mon"
	switch p.Interval {
	case query.ByMinute, query.ByHour:
		layout = "2006-01-02 15:04"
	case query.ByMonth:
		layout = "2006-01"
	}
	return b.From.Format(layout)
}

// figure writes a number for people.
func figure(v *float64) string {
	if v == nil {
		return "–"
	}
	if *v == math.Trunc(*v) && math.Abs(*v) < 1e15 {
		return grouped(strconv.FormatFloat(*v, 'f', 0, 64))
	}
	return strconv.FormatFloat(*v, 'f', 2, 64)
}

func grouped(digits string) string {
	sign, digits := digits[:len(digits)-len(strings.TrimPrefix(digits, "-"))], strings.TrimPrefix(digits, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// blocks is a value as a bar of eighths of characters.
func blocks(value, most float64, width int) string {
	if most <= 0 || value <= 0 {
		return ""
	}
	eighths := int(math.Round(value / most * float64(width) * 8))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	if text == "" {
		return "▏"
	}
	return text
}

// sparkline is numbers as a row of blocks; nothing is a dot.
func sparkline[N int64 | float64](values []N) string {
	if len(values) == 0 {
		return ""
	}
	steps := []rune("▁▂▃▄▅▆▇█")
	most := slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		if v <= 0 || most <= 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(steps[min(int(float64(v)/float64(most)*float64(len(steps))), len(steps)-1)])
	}
	return b.String()
}

// squeeze adds neighbours up until there are no more than so many.
func squeeze[N int64 | float64](values []N, most int) []N {
	if len(values) <= most {
		return values
	}
	by := (len(values) + most - 1) / most
	var out []N
	for part := range slices.Chunk(values, by) {
		var sum N
		for _, v := range part {
			sum += v
		}
		out = append(out, sum)
	}
	return out
}

// printAnswer prints an answer whose shape is not known: its lists of objects as tables, the rest as lines.
func printAnswer(w io.Writer, answer map[string]json.RawMessage) error {
	names := slices.Sorted(maps.Keys(answer))
	for _, name := range names {
		if !bytes.HasPrefix(answer[name], []byte("[{")) {
			fmt.Fprintf(w, "%s: %s\n", name, cell(answer[name]))
		}
	}
	for _, name := range names {
		if !bytes.HasPrefix(answer[name], []byte("[{")) {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", name)
		if err := printTable(w, bytes.NewReader(answer[name]), 0); err != nil {
			return err
		}
	}
	return nil
}
