package query

import "time"

// knownBy gives the filter as it stood at a moment: what people did after it is not counted.
func (f *Filter) knownBy(moment time.Time) *Filter {
	if f == nil {
		return nil
	}
	g := *f
	g.All, g.Any = nil, nil
	for _, child := range f.All {
		g.All = append(g.All, *child.knownBy(moment))
	}
	for _, child := range f.Any {
		g.Any = append(g.Any, *child.knownBy(moment))
	}
	if f.Did != nil {
		d := *f.Did
		d.known = moment
		g.Did = &d
	}
	if f.Cohort != nil {
		c := *f.Cohort
		c.Filter = *c.Filter.knownBy(moment)
		g.Cohort = &c
	}
	return &g
}

func (t Trend) knownBy(moment time.Time) Trend {
	t.Where = t.Where.knownBy(moment)
	series := make([]Series, len(t.Series))
	for i, s := range t.Series {
		s.Where = s.Where.knownBy(moment)
		series[i] = s
	}
	t.Series = series
	return t
}

// knownBy also leaves out the later steps that came after the moment, which may be after the range.
func (f Funnel) knownBy(moment time.Time) Funnel {
	f.Where, f.known = f.Where.knownBy(moment), moment
	steps := make([]Step, len(f.Steps))
	for i, s := range f.Steps {
		steps[i] = s.knownBy(moment)
	}
	exclude := make([]Exclusion, len(f.Exclude))
	for i, x := range f.Exclude {
		x.Where = x.Where.knownBy(moment)
		exclude[i] = x
	}
	f.Steps, f.Exclude = steps, exclude
	return f
}

func (r Retention) knownBy(moment time.Time) Retention {
	r.Where, r.Start, r.Return = r.Where.knownBy(moment), r.Start.knownBy(moment), r.Return.knownBy(moment)
	return r
}

func (s Step) knownBy(moment time.Time) Step {
	s.Where = s.Where.knownBy(moment)
	return s
}
