// Package deploy holds what stands in deploy/ to the code: that it can be parsed, that it names only what is there, and
// that its permissions are those that the code's calls need.
package deploy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

const root = "../.."

// terraform is deploy/aws, parsed.
type terraform struct {
	variables, locals map[string]bool
	blocks            map[string]*hclsyntax.Block // resources as TYPE.NAME, data as data.TYPE.NAME
	bodies            []*hclsyntax.Body           // of the files
}

func read(t *testing.T) *terraform {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy", "aws", "*.tf"))
	if err != nil || len(files) < 8 {
		t.Fatalf("want the files of deploy/aws; have %v, %v", files, err)
	}
	c := &terraform{variables: map[string]bool{}, locals: map[string]bool{}, blocks: map[string]*hclsyntax.Block{}}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(hclwrite.Format(text), text) {
			t.Errorf("%s is not as terraform fmt writes it", name)
		}
		file, diagnostics := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		body := file.Body.(*hclsyntax.Body)
		c.bodies = append(c.bodies, body)
		for _, b := range body.Blocks {
			c.declare(t, b)
		}
	}
	return c
}

func (c *terraform) declare(t *testing.T, b *hclsyntax.Block) {
	t.Helper()
	switch b.Type {
	case "variable":
		c.variables[b.Labels[0]] = true
	case "locals":
		for name := range b.Body.Attributes {
			if c.locals[name] {
				t.Errorf("local.%s is there twice", name)
			}
			c.locals[name] = true
		}
	case "resource", "data":
		name := strings.Join(b.Labels, ".")
		if b.Type == "data" {
			name = "data." + name
		}
		if c.blocks[name] != nil {
			t.Errorf("%s is there twice", name)
		}
		c.blocks[name] = b
	}
}

// walk calls do for every expression that is an attribute's, at any depth, with the iterators of the dynamic blocks around.
func walk(body *hclsyntax.Body, iterators []string, do func(*hclsyntax.Attribute, []string)) {
	for _, a := range body.Attributes {
		do(a, iterators)
	}
	for _, b := range body.Blocks {
		inner := iterators
		if b.Type == "dynamic" {
			inner = append(slices.Clone(iterators), b.Labels[0])
		}
		walk(b.Body, inner, do)
	}
}

// TestReferences: everything that an expression names is declared, and every variable is used.
func TestReferences(t *testing.T) {
	t.Parallel()
	c := read(t)
	used := map[string]bool{}
	for _, body := range c.bodies {
		walk(body, nil, func(a *hclsyntax.Attribute, iterators []string) {
			for _, traversal := range a.Expr.Variables() {
				name, declared := c.resolve(traversal, iterators)
				used[name] = true
				if !declared {
					t.Errorf("%s: %s is not declared", a.Range(), name)
				}
			}
		})
	}
	for name := range c.variables {
		if !used["var."+name] {
			t.Errorf("var.%s is declared and not used", name)
		}
	}
	for name := range c.locals {
		if !used["local."+name] {
			t.Errorf("local.%s is declared and not used", name)
		}
	}
}

// resolve gives what a traversal names, and whether that is declared.
func (c *terraform) resolve(traversal hcl.Traversal, iterators []string) (name string, declared bool) {
	parts := []string{traversal.RootName()}
	for _, step := range traversal[1:] {
		attribute, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		parts = append(parts, attribute.Name)
	}
	part := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch {
	case parts[0] == "var":
		return "var." + part(1), c.variables[part(1)]
	case parts[0] == "local":
		return "local." + part(1), c.locals[part(1)]
	case parts[0] == "each", parts[0] == "count", parts[0] == "path", slices.Contains(iterators, parts[0]):
		return parts[0], true
	case parts[0] == "data":
		name = strings.Join([]string{"data", part(1), part(2)}, ".")
	default:
		name = parts[0] + "." + part(1)
		if !strings.Contains(parts[0], "_") && part(1) == "" {
			return parts[0], c.isKeyword(parts[0])
		}
	}
	return name, c.blocks[name] != nil
}

// isKeyword tells the words that stand without quotes as types of variables.
func (*terraform) isKeyword(word string) bool {
	return slices.Contains([]string{"string", "number", "bool", "any"}, word)
}

// TestVariables: each says what it is for and of which type, and those that can be wrong are checked.
func TestVariables(t *testing.T) {
	t.Parallel()
	validated := 0
	for _, body := range read(t).bodies {
		for _, b := range body.Blocks {
			if b.Type != "variable" && b.Type != "output" {
				continue
			}
			needed := []string{"description"}
			if b.Type == "variable" {
				needed = append(needed, "type")
			}
			for _, name := range needed {
				if b.Body.Attributes[name] == nil {
					t.Errorf("%s %s has no %s", b.Type, b.Labels[0], name)
				}
			}
			for _, inner := range b.Body.Blocks {
				if inner.Type == "validation" {
					validated++
				}
			}
		}
	}
	if validated < 10 {
		t.Errorf("want most variables validated; have %d validations", validated)
	}
}

// actions gives the actions that a policy document allows.
func (c *terraform) actions(t *testing.T, document string) []string {
	t.Helper()
	block := c.blocks["data.aws_iam_policy_document."+document]
	if block == nil {
		t.Fatalf("there is no policy document %s", document)
	}
	var actions []string
	for _, statement := range block.Body.Blocks {
		switch {
		case statement.Type == "dynamic" && statement.Labels[0] == "statement":
			statement = statement.Body.Blocks[0] // its content
		case statement.Type != "statement":
			continue
		}
		value, diagnostics := statement.Body.Attributes["actions"].Expr.Value(nil)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		for _, action := range value.AsValueSlice() {
			actions = append(actions, action.AsString())
		}
	}
	return actions
}

// services are the packages of AWS's client, and how IAM writes their service.
var services = map[string]string{
	"dynamodb": "dynamodb", "firehose": "firehose", "kinesis": "kinesis", "redshift": "redshift",
	"redshiftserverless": "redshift-serverless", "s3": "s3",
}

// called finds the actions that a folder's code calls: every call has its input.
func called(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	actions := map[string]bool{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			callsOf(file, actions)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return actions
}

func callsOf(file *ast.File, actions map[string]bool) {
	packages := map[string]string{}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		service, ok := strings.CutPrefix(path, "github.com/aws/aws-sdk-go-v2/service/")
		if !ok || strings.Contains(service, "/") {
			continue
		}
		name := service
		if i.Name != nil {
			name = i.Name.Name
		}
		packages[name] = services[service]
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		kind, ok := literal.Type.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := kind.X.(*ast.Ident)
		if !ok || packages[from.Name] == "" {
			return true
		}
		if call, ok := strings.CutSuffix(kind.Sel.Name, "Input"); ok {
			actions[permission(packages[from.Name]+":"+call)] = true
		}
		return true
	})
}

// permission gives the action that IAM asks of a call, where it has another name.
func permission(call string) string {
	switch call {
	case "s3:HeadObject":
		return "s3:GetObject"
	case "s3:DeleteObjects":
		return "s3:DeleteObject"
	case "s3:HeadBucket", "s3:ListObjectsV2":
		return "s3:ListBucket"
	}
	return call
}

// spared are calls of the code that the policies leave out, with the reason.
var spared = map[string]string{
	"dynamodb:CreateTable":                  "Terraform makes the table, and the loader finds it",
	"redshift:GetClusterCredentials":        "these files know workgroups; docs/aws.md has what a cluster needs",
	"redshift:GetClusterCredentialsWithIAM": "the same",
	"kinesis:CreateStream":                  "Terraform makes the stream; create=N in the URL is for emulators",
}

// TestPermissions: the roles may do what the code calls, and nothing else.
func TestPermissions(t *testing.T) {
	t.Parallel()
	c := read(t)
	for _, role := range []struct {
		name      string
		documents []string
		code      []string
	}{
		{"stream", []string{"collector", "reader", "loader"}, []string{"stream/kinesis"}},
		{"leases", []string{"loader"}, []string{"lease"}},
		// What is staged is read by the doctor, which puts a file to try, and by Redshift in a role of its own.
		{"stores", []string{"reader", "loader"}, []string{"lease", "warehouse/redshift", "internal/awsdoctor/stores.go"}},
	} {
		code := called(t, role.code...)
		service := map[string]bool{}
		for action := range code {
			name, _, _ := strings.Cut(action, ":")
			service[name] = true
		}
		allowed := map[string]bool{}
		for _, d := range role.documents {
			for _, action := range c.actions(t, d) {
				if name, _, _ := strings.Cut(action, ":"); service[name] {
					allowed[action] = true
				}
			}
		}
		for _, action := range slices.Sorted(maps.Keys(code)) {
			if !allowed[action] && spared[action] == "" {
				t.Errorf("%s: the code calls %s, and no policy of %v allows it", role.name, action, role.documents)
			}
		}
		for _, action := range slices.Sorted(maps.Keys(allowed)) {
			if !code[action] {
				t.Errorf("%s: a policy of %v allows %s, which no code calls", role.name, role.documents, action)
			}
		}
	}
}

// TestDoorsOnlyPut: whoever takes over a door cannot read what others sent.
func TestDoorsOnlyPut(t *testing.T) {
	t.Parallel()
	want := []string{"kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecords"}
	if have := read(t).actions(t, "collector"); !slices.Equal(want, have) {
		t.Errorf("want %v; have %v", want, have)
	}
}

// TestSettings: what the tasks are given are settings of Spoor, and the commands are Spoor's.
func TestSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "deploy", "aws", "tasks.tf"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := string(page) + "`SPOOR_LOG_FORMAT`" // which every command has
	names := regexp.MustCompile(`SPOOR_[A-Z_]+`).FindAllString(string(text), -1)
	if len(names) < 6 {
		t.Fatalf("want the tasks' settings; have %v", names)
	}
	for _, name := range names {
		if !strings.Contains(known, "`"+name+"`") {
			t.Errorf("%s is no setting of Spoor", name)
		}
	}
	for _, command := range []string{"collect", "load", "dashboard"} {
		if !regexp.MustCompile(`(?m)^    ` + command + ` = \{`).MatchString(string(text)) {
			t.Errorf("want a service %s", command)
		}
	}
}

// TestPage: docs/aws.md names the alarms that there are, and metrics that there are.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := os.ReadFile(filepath.Join(root, "deploy", "aws", "alarms.tf"))
	if err != nil {
		t.Fatal(err)
	}
	streams := regexp.MustCompile(`metric +(?:_name)? *= "([A-Z][A-Za-z.]+)"`).FindAllSubmatch(alarms, -1)
	if len(streams) < 4 {
		t.Fatalf("want the alarms' metrics; have %q", streams)
	}
	for _, m := range streams {
		if !bytes.Contains(page, m[1]) {
			t.Errorf("docs/aws.md says nothing of the alarm on %s", m[1])
		}
	}
	var code []byte
	for _, name := range []string{"load/metrics.go", "rowlog/rowlog.go"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		code = append(code, text...)
	}
	for _, name := range regexp.MustCompile(`spoor_(?:load|rows)_[a-z_]+`).FindAll(page, -1) {
		if bare := bytes.TrimPrefix(name, []byte("spoor_load_")); !bytes.Contains(code, append(append([]byte{'"'}, bare...), '"')) {
			t.Errorf("docs/aws.md names the metric %s, which is not there", name)
		}
	}
}
