package query

// Trend asks for numbers over time.
type Trend struct {
	Range  Range    `json:"range"`
	Series []Series `json:"series"`
	// Where is a condition on the events of all series.
	Where     *Filter    `json:"where,omitempty"`
	Formulas  []Formula  `json:"formulas,omitempty"`
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	// Compare asks for the previous period too.
	Compare bool `json:"compare,omitempty"`
	// Bots lets events of crawlers and other programs count; without it they do not.
	Bots bool `json:"bots,omitempty"`
}

// Bounds of a trend.
const (
	MaxSeries   = 10
	MaxFormulas = 10
)

// Validate refuses a trend that means nothing, with an *Invalid.
func (t Trend) Validate() error {
	if err := t.Range.Validate("range"); err != nil {
		return err
	}
	if len(t.Series) == 0 || len(t.Series) > MaxSeries {
		return invalid("series", len(t.Series), "must be 1 to %d", MaxSeries)
	}
	for i, s := range t.Series {
		if err := s.Validate(nth("series", i)); err != nil {
			return err
		}
	}
	if t.Where != nil {
		if err := t.Where.Validate("where"); err != nil {
			return err
		}
	}
	if len(t.Formulas) > MaxFormulas {
		return invalid("formulas", len(t.Formulas), "cannot be over %d", MaxFormulas)
	}
	for i, f := range t.Formulas {
		if _, err := f.parse(nth("formulas", i), len(t.Series)); err != nil {
			return err
		}
	}
	if t.Breakdown == nil {
		return nil
	}
	return t.Breakdown.Validate("breakdown")
}

// TrendAnswer is a trend's numbers.
type TrendAnswer struct {
	Period   Period       `json:"period"`
	Previous *Period      `json:"previous,omitempty"` // see Period.Previous
	Lines    []Line       `json:"lines"`
	Complete Completeness `json:"complete"`
}

// Line is the numbers of one series or formula, in one group.
type Line struct {
	Series  int   `json:"series"`            // its index
	Formula *int  `json:"formula,omitempty"` // its index, where the line is a formula's; Series is -1 then
	Group   Group `json:"group,omitempty"`   // nil: there is no breakdown
	Other   bool  `json:"other,omitempty"`   // all groups that are not shown, together
	// Values has a number for each bucket; nil where there is none, as for the average of nothing.
	Values []*float64 `json:"values"`
	// Total is the same number over the whole range: of people, for one, it is not the sum of the buckets'.
	Total *float64 `json:"total"`
	// Previous has a number for each of the previous period's buckets.
	Previous []*float64 `json:"previous,omitempty"`
	// PreviousTotal is the previous period's Total.
	PreviousTotal *float64 `json:"previous_total,omitempty"`
}

// Group is the values of a breakdown's fields; nil stands for a missing one.
type Group []*string
