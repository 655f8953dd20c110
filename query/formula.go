package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Formula is arithmetic between series: numbers, + - * / and parentheses, and the series by their letters, A being the
// first. "A / B * 100" is a percentage. What cannot be computed, such as a division by 0, gives no value.
type Formula string

// MaxFormulaBytes bounds a formula.
const MaxFormulaBytes = 500

// maxFormulaNest bounds how deep parentheses and signs may stand in each other.
const maxFormulaNest = 50

// Letter names the series at an index: A to Z.
func Letter(series int) string { return string(rune('A' + series)) }

// expression computes a formula from the series' values; nil: there is none.
type expression func(values []*float64) *float64

// parse reads the formula over a number of series. Its errors name the position, which counts from 1.
func (f Formula) parse(path string, series int) (expression, error) {
	if len(f) > MaxFormulaBytes {
		return nil, invalid(path, len(f), "cannot be over %d bytes", MaxFormulaBytes)
	}
	p := formulaParser{text: string(f), series: series}
	e, err := p.sum(0)
	if err == nil && p.peek() != 0 {
		err = p.fail("an operator or the end is wanted")
	}
	if err != nil {
		return nil, &Invalid{Field: path, Value: f, Reason: err.Error()}
	}
	return e, nil
}

type formulaParser struct {
	text   string
	at     int
	series int
}

func (p *formulaParser) fail(want string) error {
	found := "the end"
	if p.at < len(p.text) {
		r, _ := utf8.DecodeRuneInString(p.text[p.at:])
		found = strconv.Quote(string(r))
	}
	return fmt.Errorf("cannot be read at position %d, at %s: %s", p.at+1, found, want)
}

// peek gives the next character that is no blank; 0: the end.
func (p *formulaParser) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *formulaParser) sum(depth int) (expression, error) {
	return p.chain(depth, "+-", (*formulaParser).product)
}

func (p *formulaParser) product(depth int) (expression, error) {
	return p.chain(depth, "*/", (*formulaParser).factor)
}

// chain reads operands with operators of one rank between them, from left to right.
func (p *formulaParser) chain(depth int, operators string, operand func(*formulaParser, int) (expression, error)) (expression, error) {
	left, err := operand(p, depth)
	for err == nil {
		op := p.peek()
		if op == 0 || strings.IndexByte(operators, op) < 0 {
			break
		}
		p.at++
		var right expression
		if right, err = operand(p, depth); err == nil {
			left = binary(op, left, right)
		}
	}
	return left, err
}

func (p *formulaParser) factor(depth int) (expression, error) {
	const wanted = "a number, a series' letter or ( is wanted"
	if depth > maxFormulaNest {
		return nil, p.fail(fmt.Sprintf("it is nested over %d deep", maxFormulaNest))
	}
	c := p.peek()
	switch {
	case c == '(':
		p.at++
		inner, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.fail(") is wanted")
		}
		p.at++
		return inner, nil
	case c == '-':
		p.at++
		inner, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		return binary('-', constant(0), inner), nil
	case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		i := int(strings.ToUpper(string(c))[0] - 'A')
		if i >= p.series {
			last := Letter(p.series - 1)
			return nil, p.fail(fmt.Sprintf("there is no such series; the last one is %s", last))
		}
		p.at++
		return func(values []*float64) *float64 { return values[i] }, nil
	case c >= '0' && c <= '9', c == '.':
		end := p.at
		for end < len(p.text) && (p.text[end] == '.' || p.text[end] >= '0' && p.text[end] <= '9') {
			end++
		}
		n, err := strconv.ParseFloat(p.text[p.at:end], 64)
		if err != nil {
			return nil, p.fail("this is no number")
		}
		p.at = end
		return constant(n), nil
	}
	return nil, p.fail(wanted)
}

func constant(n float64) expression { return func([]*float64) *float64 { return &n } }

func binary(op byte, left, right expression) expression {
	return func(values []*float64) *float64 {
		a, b := left(values), right(values)
		if a == nil || b == nil {
			return nil
		}
		var n float64
		switch op {
		case '+':
			n = *a + *b
		case '-':
			n = *a - *b
		case '*':
			n = *a * *b
		case '/':
			n = *a / *b
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return nil
		}
		return &n
	}
}
