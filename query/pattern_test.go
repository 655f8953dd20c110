package query

import (
	"regexp"
	"testing"
)

// TestPattern: a regular expression spelled out matches what it did.
func TestPattern(t *testing.T) {
	t.Parallel()
	texts := []string{"", "a", "A", "abc", "ABC", "a.c", "a\nc", "x-y", "[x]", `a\b`, "^", "$5.00", "über", "ÜBER", "K", "\u212a", "k", "12", "1_2", "a b", "-", "]", "{2}", "aa", "aaa"}
	for _, text := range []string{
		"", "a", "^a$", "a.c", "(?s)a.c", "(?i)abc", "(?i)k", "(?i)über", `\d`, `\D`, `\w+$`, `\W`, `[^a]`, `[\]\[^-]`, `[^\]\[^-]`, `\$5\.00`, `^\^$`, "a|b|", "(ab|x)+", "^(a|aa){2}$", "a{2,}", "^a??$",
		`\s`, `[a-c-]`, "[[:alpha:]]", `\pL`, `^$`, `\\`, "^.$", "(?:a|b)c", "(?i)[k]", "[^a-c]", `x\-y`, `^\{2\}$`, "x(|y)",
	} {
		spelled, err := pattern(Regex, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want, have := regexp.MustCompile(text), regexp.MustCompile(spelled)
		for _, s := range texts {
			if want.MatchString(s) != have.MatchString(s) {
				t.Errorf("%s, spelled %s: want %v for %q; have %v", text, spelled, want.MatchString(s), s, have.MatchString(s))
			}
		}
	}
	for _, c := range []struct {
		needle, text string
		want         bool
	}{{"BER", "über", true}, {"ÜB", "über", true}, {".", "a", false}, {".", "a.", true}, {"[x", "a[X]", true}, {"k", "\u212a", true}} {
		spelled, err := pattern(Contains, c.needle)
		if err != nil || regexp.MustCompile(spelled).MatchString(c.text) != c.want {
			t.Errorf("%q in %q: want %v; have the opposite of %s (%v)", c.needle, c.text, c.want, spelled, err)
		}
	}
}
