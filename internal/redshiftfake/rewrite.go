package redshiftfake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spoorhq/spoor/internal/pgsql"
)

// word is one of a statement.
type word struct {
	kind pgsql.Kind
	text string
}

func (w word) is(text string) bool { return strings.EqualFold(w.text, text) }

func cutWords(text string) []word {
	var list []word
	for kind, text := range (pgsql.Syntax{Backslash: true}).Words(text) {
		list = append(list, word{kind, text})
	}
	return list
}

func join(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
	}
	return b.String()
}

// bare leaves out white space and comments.
func bare(words []word) []word {
	return slices.DeleteFunc(slices.Clone(words), func(w word) bool { return w.kind == pgsql.Space })
}

// statements cuts a text at its semicolons.
func statements(text string) [][]word {
	var list [][]word
	var one []word
	for _, w := range cutWords(text) {
		if w.kind == pgsql.Mark && w.text == ";" {
			list = append(list, one)
			one = nil
			continue
		}
		one = append(one, w)
	}
	if len(bare(one)) > 0 || len(list) == 0 {
		list = append(list, one)
	}
	return list
}

// begins tells whether words begin with those given, separated by blanks.
func begins(words []word, with string) bool {
	for i, text := range strings.Fields(with) {
		if i >= len(words) || !words[i].is(text) {
			return false
		}
	}
	return true
}

// refusals are what Redshift has not, word by word.
func refusals() []string {
	return []string{
		"on conflict", "returning", "from stdin", "create index", "create unique index", "savepoint", "rollback to", "release", "serial", "bigserial", "jsonb",
		": json", "as json", "bytea", "as uuid", ": uuid", "is distinct from", "is not distinct from", "distinct on", "lateral", "filter (", "for update", "for share",
		"create sequence", "create trigger", "create domain", "create type", "create extension", "on commit", "partition of", "partition by range", "array [", "[ ]",
		"generate_series (", "unnest (", "string_agg (", "array_agg (", "regexp_matches (", "clock_timestamp (", "pg_advisory_lock (", "pg_advisory_xact_lock (",
		"pg_try_advisory_lock (", "gen_random_uuid (", "json_build_object (", "row_to_json (", "to_json (", "json_each (", "json_array_elements (", "concat_ws (",
		"format (", "pg_sleep (", "tablesample", "with ordinality", "unlogged", "notify", "listen", "do $",
	}
}

// refused tells what of a statement Redshift has not; "": nothing.
func refused(words []word) string {
	for i, w := range words {
		switch {
		case w.kind == pgsql.Quoted && (w.text[0] == 'E' || w.text[0] == 'e'):
			return "E''"
		case w.kind == pgsql.Mark && w.text == "-" && i+1 < len(words) && words[i+1].text == ">":
			return "->"
		case w.kind == pgsql.Mark && w.text == "$" && (i+1 == len(words) || words[i+1].text[0] < '0' || words[i+1].text[0] > '9'):
			return "$$"
		}
		if w.kind == pgsql.Quoted {
			continue
		}
		for _, r := range refusals() {
			if begins(words[i:], r) {
				return strings.ToUpper(strings.TrimSuffix(r, " ("))
			}
		}
	}
	if begins(words, "lock") && slices.ContainsFunc(words, func(w word) bool { return w.is("mode") }) {
		return "a mode of LOCK"
	}
	return ""
}

// rewritten is a statement as PostgreSQL takes it.
type rewritten struct {
	text string
	// refused, if given, is the error that the statement gets in place of PostgreSQL's.
	refused *said
	copy    *copyCommand
	commit  bool
}

// said is an error.
type said struct{ code, message, detail string }

// state is what a session knows that its statements depend on.
type state struct {
	inside      bool // a transaction
	exact       bool // names in double quotes keep their case
	copied      int64
	superColumn func(name string) bool
}

// rewrite gives a statement as PostgreSQL takes it.
func rewrite(words []word, c *state) rewritten {
	list := bare(words)
	no := func(code, format string, args ...any) rewritten {
		return rewritten{text: "refused", refused: &said{code: code, message: fmt.Sprintf(format, args...)}}
	}
	if begins(list, "copy") && slices.ContainsFunc(list, func(w word) bool { return w.kind == pgsql.Quoted && strings.HasPrefix(w.text, "'s3:") }) {
		command, err := parseCopy(list)
		if err != nil {
			return no("42601", "%v", err)
		}
		return rewritten{copy: command}
	}
	if what := refused(list); what != "" {
		return no("0A000", "Redshift does not have %s", what)
	}
	switch {
	case begins(list, "truncate") && c.inside:
		return no("0A000", "TRUNCATE commits the transaction on Redshift, which is never meant")
	case begins(list, "set enable_case_sensitive_identifier"):
		c.exact = list[len(list)-1].is("true") || list[len(list)-1].is("on")
		return rewritten{text: "set redshift.enable_case_sensitive_identifier to " + list[len(list)-1].text}
	case begins(list, "create"), begins(list, "alter table"):
		if !slices.ContainsFunc(list[:min(5, len(list))], func(w word) bool { return w.is("view") }) {
			words = tableWords(words)
		}
	}
	words = typeWords(words)
	words = navigate(words, c)
	words = replaceCall(words, "pg_last_copy_count", fmt.Sprint(c.copied))
	return rewritten{text: join(words), commit: len(list) > 0 && (list[0].is("commit") || list[0].is("end"))}
}

// next gives the index of the next word at or after i that is no space.
func next(words []word, i int) int {
	for i < len(words) && words[i].kind == pgsql.Space {
		i++
	}
	return i
}

// group gives the index behind a group in parentheses that begins at i.
func group(words []word, i int) int {
	depth := 0
	for ; i < len(words); i++ {
		if words[i].kind != pgsql.Mark {
			continue
		}
		switch words[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

// tableWords takes out of a table's definition what PostgreSQL has not, and the keys, which Redshift does not enforce.
func tableWords(words []word) []word {
	var out []word
	for i := 0; i < len(words); {
		w := words[i]
		following := next(words, i+1)
		opens := following < len(words) && words[following].text == "("
		skip := 0
		switch {
		case w.kind != pgsql.Plain:
		case w.is("distkey"), w.is("sortkey"), w.is("unique"):
			if skip = i + 1; opens {
				skip = group(words, following)
			} else if following < len(words) && words[following].is("auto") {
				skip = following + 1
			}
		case w.is("compound"), w.is("interleaved"):
			skip = i + 1
		case w.is("diststyle"), w.is("encode"):
			skip = following + 1
		case w.is("primary") && following < len(words) && words[following].is("key"):
			if skip = following + 1; next(words, skip) < len(words) && words[next(words, skip)].text == "(" {
				skip = group(words, skip)
			}
		case w.is("identity") && opens:
			end := group(words, following)
			arguments := strings.Split(strings.Trim(join(words[following:end]), "()"), ",")
			out = append(out, word{pgsql.Plain, fmt.Sprintf("generated by default as identity (minvalue %[1]s start %[1]s increment %[2]s)", arguments[0], arguments[len(arguments)-1])})
			i = end
			continue
		case (w.is("varchar") || w.is("text")) && !opens:
			out = append(out, word{pgsql.Plain, "varchar(256)"})
			i++
			continue
		}
		if skip > 0 {
			i = skip
			continue
		}
		out = append(out, w)
		i++
	}
	return trimCommas(out)
}

// trimCommas takes out the commas that a table's constraints leave behind.
func trimCommas(words []word) []word {
	var out []word
	for i, w := range words {
		if w.text == "," {
			if after := next(words, i+1); after < len(words) && (words[after].text == ")" || words[after].text == ",") {
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

// typeWords puts PostgreSQL's types for Redshift's.
func typeWords(words []word) []word {
	var out []word
	for i := 0; i < len(words); i++ {
		w := words[i]
		following := next(words, i+1)
		opens := following < len(words) && words[following].text == "("
		switch {
		case w.kind == pgsql.Plain && (w.is("varbyte") || w.is("varbinary")):
			out = append(out, word{pgsql.Plain, "bytea"})
			if opens {
				i = group(words, following) - 1
			}
		case w.kind == pgsql.Plain && w.is("varchar") && opens && words[next(words, following+1)].is("max"):
			out = append(out, word{pgsql.Plain, "varchar(65535)"})
			i = group(words, following) - 1
		default:
			out = append(out, w)
		}
	}
	return out
}

// replaceCall puts a value for the call of a function without arguments.
func replaceCall(words []word, name, value string) []word {
	var out []word
	for i := 0; i < len(words); i++ {
		if open := next(words, i+1); words[i].kind == pgsql.Plain && words[i].is(name) && open < len(words) && words[open].text == "(" {
			out = append(out, word{pgsql.Plain, value})
			i = group(words, open) - 1
			continue
		}
		out = append(out, words[i])
	}
	return out
}

// navigate writes properties."name" as a call.
func navigate(words []word, c *state) []word {
	var out []word
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !(w.text == "." && w.kind == pgsql.Mark && i > 0 && i+1 < len(words) && words[i+1].text[0] == '"') || len(out) == 0 {
			out = append(out, w)
			continue
		}
		last := out[len(out)-1]
		called := strings.HasPrefix(last.text, "super_get(")
		if !called && !c.superColumn(identifier(last.text)) {
			out = append(out, w)
			continue
		}
		from := len(out) - 1
		for !called && from >= 2 && out[from-1].text == "." {
			from -= 2
		}
		name := identifier(words[i+1].text)
		if !c.exact {
			name = strings.ToLower(name)
		}
		call := fmt.Sprintf("super_get(%s, %s)", join(out[from:]), quote(name))
		out = append(out[:from], word{pgsql.Plain, call})
		i++
	}
	return out
}

// identifier gives a name without its quotes.
func identifier(text string) string {
	if strings.HasPrefix(text, `"`) {
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
	}
	return strings.ToLower(text)
}

// quote quotes a text for a server where backslashes escape.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}

// unquote gives the text of a string in quotes.
func unquote(quoted string) string {
	var b strings.Builder
	inside := quoted[1 : len(quoted)-1]
	for i := 0; i < len(inside); i++ {
		if (inside[i] == '\\' || inside[i] == '\'') && i+1 < len(inside) {
			i++
		}
		b.WriteByte(inside[i])
	}
	return b.String()
}
