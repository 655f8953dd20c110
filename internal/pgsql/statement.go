package pgsql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Syntax is how a server's SQL differs where a statement is cut into words.
type Syntax struct {
	// Backslash: it escapes in every string, as on Redshift; otherwise in E'' only.
	Backslash bool
	// Text is the type that texts are cast to.
	Text string
}

// Read tells whether a text is one statement that can only be a question: SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN.
// What functions and modifying WITHs do is left to a read-only transaction.
func (s Syntax) Read(text string) bool {
	verb, ended := "", false
	for kind, word := range s.Words(text) {
		switch {
		case kind == Space:
		case kind == Mark && word == ";":
			ended = verb != ""
			if verb == "" {
				return false
			}
		case ended:
			return false
		case verb == "" && !(kind == Mark && word == "("):
			verb = strings.ToLower(word)
		}
	}
	switch verb {
	case "select", "with", "values", "table", "show", "explain":
		return true
	}
	return false
}

// Bind puts the server's placeholders for ?, and gives the arguments as it takes them. Without arguments ? stays what it is.
func (s Syntax) Bind(text string, args []any) (string, []any, error) {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return "", nil, fmt.Errorf("a statement must be UTF-8 without NUL")
	}
	if len(args) == 0 {
		return text, nil, nil
	}
	var b strings.Builder
	n := 0
	for kind, word := range s.Words(text) {
		if kind != Mark || word != "?" {
			b.WriteString(word)
			continue
		}
		if n < len(args) {
			fmt.Fprintf(&b, "cast($%d as %s)", n+1, s.typeOf(args[n]))
		}
		n++
	}
	if n != len(args) {
		return "", nil, fmt.Errorf("a statement has %d placeholders for %d arguments", n, len(args))
	}
	bound := make([]any, n)
	for i, a := range args {
		switch a := a.(type) {
		case string:
			bound[i] = Encode(a)
		case time.Time:
			bound[i] = Time(a)
		case []string:
			encoded := make([]string, len(a))
			for k, text := range a {
				encoded[k] = Encode(text)
			}
			bound[i] = encoded
		default:
			bound[i] = a
		}
	}
	return b.String(), bound, nil
}

func (s Syntax) typeOf(arg any) string {
	switch arg.(type) {
	case int, int8, int16, int32, int64:
		return "bigint"
	case float32, float64:
		return "double precision"
	case bool:
		return "boolean"
	case time.Time:
		return "timestamp with time zone"
	case []int32:
		return "integer[]"
	case []string:
		return s.Text + "[]"
	case []time.Time:
		return "timestamp with time zone[]"
	default:
		return s.Text
	}
}

// Time writes a time as these servers read it, to the microsecond, in UTC; the year before 1 is 1 BC.
func Time(t time.Time) string {
	t = t.UTC()
	const layout = "-01-02 15:04:05.999999+00"
	if year := t.Year(); year <= 0 {
		return fmt.Sprintf("%04d", 1-year) + t.Format(layout) + " BC"
	}
	return strconv.Itoa(10000 + t.Year())[1:] + t.Format(layout)
}

// Kind is what a word is.
type Kind int

const (
	Space  Kind = iota // white space and comments
	Quoted             // a string or a quoted name
	Plain              // a name, a keyword or a number
	Mark               // any other character
)

// Words cuts a statement into its words; joined they are the text again.
func (s Syntax) Words(text string) func(yield func(Kind, string) bool) {
	return func(yield func(Kind, string) bool) {
		for len(text) > 0 {
			k, n := s.word(text)
			if !yield(k, text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

func (s Syntax) word(text string) (Kind, int) {
	switch c := text[0]; {
	case c <= ' ':
		return Space, 1
	case strings.HasPrefix(text, "--"):
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			return Space, n + 1
		}
		return Space, len(text)
	case strings.HasPrefix(text, "/*"):
		return Space, comment(text)
	case c == '\'':
		return Quoted, quote(text, 0, s.Backslash)
	case c == '"':
		return Quoted, quote(text, 0, false)
	case (c == 'E' || c == 'e') && len(text) > 1 && text[1] == '\'':
		return Quoted, quote(text, 1, true)
	case c == '$' && !s.Backslash:
		if n := dollar(text); n > 0 {
			return Quoted, n
		}
		return Mark, 1
	case letter(c):
		n := 1
		for n < len(text) && (letter(text[n]) || text[n] == '$') {
			n++
		}
		return Plain, n
	}
	return Mark, 1
}

func letter(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// comment gives the length of a comment, in which others may stand.
func comment(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(text[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// quote gives the length of what is quoted by the character at i; two of it are one inside.
func quote(text string, i int, backslash bool) int {
	c := text[i]
	for i++; i < len(text); i++ {
		switch {
		case backslash && text[i] == '\\':
			i++
		case text[i] == c && i+1 < len(text) && text[i+1] == c:
			i++
		case text[i] == c:
			return i + 1
		}
	}
	return len(text)
}

// dollar gives the length of a string such as $tag$…$tag$; 0: it is none.
func dollar(text string) int {
	end := 1
	for end < len(text) && letter(text[end]) {
		end++
	}
	if end == len(text) || text[end] != '$' || end > 1 && '0' <= text[1] && text[1] <= '9' {
		return 0
	}
	tag := text[:end+1]
	if n := strings.Index(text[len(tag):], tag); n >= 0 {
		return len(tag) + n + len(tag)
	}
	return len(text)
}
