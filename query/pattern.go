package query

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// pattern gives the regular expression that a warehouse is asked with for Contains and Regex. Regex is written as in Go
// (RE2), of which each warehouse knows a dialect of its own; so it is read here, and spelled out in what they all
// understand alike: single characters, sets of ranges, groups, |, * + ? {n,m}, ^ and $.
func pattern(op Op, text string) (string, error) {
	if strings.ContainsRune(text, 0) {
		return "", errors.New("cannot hold NUL")
	}
	if op == Contains {
		var b strings.Builder
		for _, r := range text {
			writeFolded(&b, r)
		}
		return b.String(), nil
	}
	if len(text) > maxRegexBytes {
		return "", fmt.Errorf("cannot be over %d bytes", maxRegexBytes)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("is no regular expression: %w", err)
	}
	var b strings.Builder
	if err := write(&b, tree); err != nil {
		return "", err
	}
	return b.String(), nil
}

// maxRepeat is what every warehouse can count to in a {n,m}.
const maxRepeat = 255

func write(b *strings.Builder, r *syntax.Regexp) error {
	switch r.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("()")
	case syntax.OpLiteral:
		for _, c := range r.Rune {
			if r.Flags&syntax.FoldCase != 0 {
				writeFolded(b, c)
			} else {
				writeRune(b, c)
			}
		}
	case syntax.OpCharClass:
		return writeClass(b, r.Rune)
	case syntax.OpAnyChar:
		b.WriteString("(.|\n)")
	case syntax.OpAnyCharNotNL:
		b.WriteString("[^\n]")
	case syntax.OpBeginText:
		b.WriteByte('^')
	case syntax.OpEndText:
		b.WriteByte('$')
	case syntax.OpCapture:
		return writeGroup(b, r.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		if err := writeGroup(b, r.Sub[0]); err != nil {
			return err
		}
		// Whether it takes as much as it can or as little makes no difference to whether it matches.
		switch {
		case r.Op == syntax.OpStar:
			b.WriteByte('*')
		case r.Op == syntax.OpPlus:
			b.WriteByte('+')
		case r.Op == syntax.OpQuest:
			b.WriteByte('?')
		case max(r.Min, r.Max) > maxRepeat:
			return fmt.Errorf("cannot repeat over %d times", maxRepeat)
		case r.Max < 0:
			fmt.Fprintf(b, "{%d,}", r.Min)
		default:
			fmt.Fprintf(b, "{%d,%d}", r.Min, r.Max)
		}
	case syntax.OpConcat:
		for _, sub := range r.Sub {
			if err := writePart(b, sub); err != nil {
				return err
			}
		}
	case syntax.OpAlternate:
		for i, sub := range r.Sub {
			if i > 0 {
				b.WriteByte('|')
			}
			if err := write(b, sub); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("uses %s, which not every warehouse knows", r)
	}
	return nil
}

func writePart(b *strings.Builder, r *syntax.Regexp) error {
	if r.Op == syntax.OpAlternate {
		return writeGroup(b, r)
	}
	return write(b, r)
}

func writeGroup(b *strings.Builder, r *syntax.Regexp) error {
	b.WriteByte('(')
	err := write(b, r)
	b.WriteByte(')')
	return err
}

// writeFolded writes a character in all its cases.
func writeFolded(b *strings.Builder, r rune) {
	if unicode.SimpleFold(r) == r {
		writeRune(b, r)
		return
	}
	b.WriteByte('[')
	b.WriteRune(r)
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		b.WriteRune(other)
	}
	b.WriteByte(']')
}

func writeRune(b *strings.Builder, r rune) {
	if r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r > ' ' && r != '_' {
		b.WriteByte('\\')
	}
	b.WriteRune(r)
}

// writeClass writes a set of ranges. What has a meaning in a set is written beside it, escaped.
func writeClass(b *strings.Builder, ranges []rune) error {
	if len(ranges) == 0 {
		return errors.New("has a set that no character is in")
	}
	var set, beside strings.Builder
	put := func(lo, hi rune) {
		if lo > hi {
			return
		}
		set.WriteRune(lo)
		if hi > lo {
			if hi > lo+1 {
				set.WriteByte('-')
			}
			set.WriteRune(hi)
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		lo, hi := max(ranges[i], 1), ranges[i+1] // no text holds NUL where it is searched
		for _, r := range []rune{'-', '[', '\\', ']', '^'} {
			if lo <= r && r <= hi {
				put(lo, r-1)
				beside.WriteByte('|')
				writeRune(&beside, r)
				lo = r + 1
			}
		}
		put(lo, hi)
	}
	switch {
	case set.Len() == 0:
		fmt.Fprintf(b, "(%s)", beside.String()[1:])
	case beside.Len() == 0:
		fmt.Fprintf(b, "[%s]", set.String())
	default:
		fmt.Fprintf(b, "([%s]%s)", set.String(), beside.String())
	}
	return nil
}
