package saved

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Report is the body of a saved report: a question and its parameters, as the API and the page's address have them.
type Report struct {
	Question string          `json:"question" example:"trend" description:"which question it is: the last part of its path below /api/query"`
	Params   json.RawMessage `json:"params" description:"the question's parameters, as POST /api/query takes them"`
	About    string          `json:"about,omitempty" description:"a line or two for those who read it"`
	View     string          `json:"view,omitempty" description:"how the page shows the answer, such as line, bar or table; by default the question's first way"`
}

// Dashboard is the body of a dashboard: reports in the order in which they are shown.
type Dashboard struct {
	About   string `json:"about,omitempty" description:"a line or two for those who read it"`
	Tiles   []Tile `json:"tiles"`
	Refresh int    `json:"refresh,omitempty" description:"seconds after which the tiles are asked anew, 10 or more; 0: only when somebody asks"`
}

// Tile is a report's place on a dashboard.
type Tile struct {
	Report string `json:"report" description:"the id of a saved report"`
	Title  string `json:"title,omitempty" description:"instead of the report's name"`
	Width  int    `json:"width,omitempty" description:"how many of the four columns of a wide screen it takes, 1 to 4; by default 2"`
}

// The bounds of a dashboard and of the texts in it.
const (
	MaxTiles   = 50
	MaxAbout   = 2000 // bytes
	minRefresh = 10
)

// ReadReport reads a report's body. Its error is a *FieldError.
func ReadReport(body json.RawMessage) (Report, error) {
	var r Report
	if err := Decode(body, &r); err != nil {
		return r, err
	}
	switch {
	case !validID(r.Question):
		return r, &FieldError{"body.question", quote(r.Question), "must be the name of a question"}
	case !bytes.HasPrefix(r.Params, []byte("{")):
		return r, &FieldError{"body.params", quote(string(r.Params)), "must be a JSON object"}
	case r.View != "" && !validID(r.View):
		return r, &FieldError{"body.view", quote(r.View), "must be the name of a way to show answers"}
	}
	return r, checkAbout(r.About)
}

// ReadDashboard reads a dashboard's body. Its error is a *FieldError.
func ReadDashboard(body json.RawMessage) (Dashboard, error) {
	var d Dashboard
	if err := Decode(body, &d); err != nil {
		return d, err
	}
	if len(d.Tiles) > MaxTiles {
		return d, &FieldError{"body.tiles", fmt.Sprintf("%d", len(d.Tiles)), fmt.Sprintf("cannot be over %d", MaxTiles)}
	}
	if d.Refresh != 0 && d.Refresh < minRefresh {
		return d, &FieldError{"body.refresh", fmt.Sprint(d.Refresh), fmt.Sprintf("must be 0 or at least %d seconds", minRefresh)}
	}
	for i, t := range d.Tiles {
		at := fmt.Sprintf("body.tiles[%d].", i)
		switch {
		case !validID(t.Report):
			return d, &FieldError{at + "report", quote(t.Report), "must be the id of a saved report"}
		case t.Width < 0 || t.Width > 4:
			return d, &FieldError{at + "width", fmt.Sprint(t.Width), "must be 1 to 4"}
		case len([]rune(t.Title)) > MaxName:
			return d, &FieldError{at + "title", quote(t.Title), fmt.Sprintf("cannot be over %d characters", MaxName)}
		}
	}
	return d, checkAbout(d.About)
}

func checkAbout(about string) error {
	if len(about) > MaxAbout {
		return &FieldError{"body.about", fmt.Sprintf("%d bytes", len(about)), fmt.Sprintf("cannot be over %d bytes", MaxAbout)}
	}
	return nil
}

// Decode reads a body into a struct and refuses what the struct does not have. Its error is a *FieldError.
func Decode(body json.RawMessage, into any) error {
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	err := in.Decode(into)
	if err == nil && in.More() {
		return &FieldError{"body", quote(string(body)), "must be one JSON object"}
	}
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &FieldError{strings.Join(slices.DeleteFunc([]string{"body", wrong.Field}, func(s string) bool { return s == "" }), "."), "a " + wrong.Value, "must be a " + wrong.Type.String()}
	}
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return &FieldError{"body", field, "cannot have a field that is not known"}
	}
	return &FieldError{"body", quote(string(body)), "must be JSON: " + err.Error()}
}
