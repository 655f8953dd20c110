package dashboard

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The descriptions of the document are the comments in the code, and its examples those of docs/queries.md, as they are now.
// SPOOR_TEST_UPDATE=1 takes them over.
func TestWords(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	describer := newDescriber(words{})
	if _, err := documentBy(describer, d.operations(), "test"); err != nil {
		t.Fatal(err)
	}
	have := words{Types: map[string]string{}, Examples: documentedQuestions(t)}
	comments := map[string]map[string]string{} // by package
	for key := range describer.asked {
		pkg := path.Join(path.Dir(key), strings.Split(path.Base(key), ".")[0])
		if comments[pkg] == nil {
			comments[pkg] = commentsOf(t, pkg)
		}
		if text := comments[pkg][key]; text != "" {
			have.Types[key] = text
		}
	}
	if len(have.Types) < 100 || len(have.Examples) < 5 {
		t.Errorf("want the comments of the API's types and the examples of its questions; have %d and of %d", len(have.Types), len(have.Examples))
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	if err := out.Encode(have); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SPOOR_TEST_UPDATE") != "" {
		if err := os.WriteFile("words.json", text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text.Bytes(), wordsJSON) {
		t.Error("words.json is older than the comments or docs/queries.md; run SPOOR_TEST_UPDATE=1 go test ./dashboard -run Words")
	}
}

// Everything in the document is described: a type, and a member that is not of a described type.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	doc := documentOfAPI(t, newHouse(t).open())
	required := 0
	for name, schema := range doc.Components.Schemas {
		required += len(schema.Value.Required)
		if schema.Value.Description == "" {
			t.Errorf("%s has no description: give its Go type a comment", name)
		}
		for member, is := range schema.Value.Properties {
			items := is.Value.Items
			if is.Ref == "" && is.Value.Description == "" && (items == nil || items.Ref == "") {
				t.Errorf("%s.%s has no description: give its field a comment or a tag", name, member)
			}
		}
	}
	if required < 300 {
		t.Errorf("want the members that are always there to be required; have %d", required)
	}
	codes := doc.Components.Schemas["FaultCode"].Value
	if len(codes.Enum) != len(faultCodes()) || !strings.Contains(codes.Description, "`timeout`: it took longer than it may") {
		t.Errorf("want all codes with their meaning; have %v, %s", codes.Enum, codes.Description)
	}
}

// commentsOf reads the comments of a package's types and of their fields.
func commentsOf(t *testing.T, pkg string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pkg), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			group, ok := declared.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, spec := range group.Specs {
				commentsOfType(found, pkg, group, spec.(*ast.TypeSpec))
			}
		}
	}
	return found
}

func commentsOfType(found map[string]string, pkg string, group *ast.GenDecl, spec *ast.TypeSpec) {
	key := pkg + "." + spec.Name.Name
	doc := spec.Doc
	if doc == nil && !group.Lparen.IsValid() {
		doc = group.Doc
	}
	found[key] = oneLine(doc)
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	last := ""
	for _, field := range fields.Fields.List {
		text := oneLine(field.Doc)
		if text != "" {
			last = text
		} else if text = oneLine(field.Comment); text == "" && names(last, field) {
			text = last // a comment of several fields stands above the first
		}
		for _, name := range field.Names {
			found[key+"."+name.Name] = text
		}
	}
}

// names tells whether a comment names the field.
func names(comment string, field *ast.Field) bool {
	return slices.ContainsFunc(field.Names, func(name *ast.Ident) bool {
		return slices.Contains(strings.FieldsFunc(comment, func(r rune) bool { return !unicode.IsLetter(r) }), name.Name)
	})
}

// oneLine gives a comment's text without its line breaks.
func oneLine(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}

// documentedQuestions are the questions that docs/queries.md asks, called by the heading they stand under. Those that name a saved
// cohort are left out: nobody else has it.
func documentedQuestions(t *testing.T) map[string][]example {
	t.Helper()
	page, err := os.ReadFile("../docs/queries.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]example{}
	heading, block, open := "", "", false
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		case strings.HasPrefix(line, "```json example"):
			block, open = "", true
		case strings.HasPrefix(line, "```") && open:
			open = false
			var x struct {
				Report   string
				Question json.RawMessage
			}
			if err := json.Unmarshal([]byte(block), &x); err != nil {
				t.Fatalf("%s: %v", block, err)
			}
			var question bytes.Buffer
			if err := json.Compact(&question, x.Question); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(question.String(), `"cohort":"`) && !strings.Contains(question.String(), `"cohort":{"id"`) {
				found[x.Report] = append(found[x.Report], example{heading, question.Bytes()})
			}
		case open:
			block += line
		}
	}
	return found
}
