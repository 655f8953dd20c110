package spoor_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/spoorhq/spoor"

// row says what a room may import of ours; internal/* is open to all. In a room's name <x> stands for one folder and
// ... for any depth below. In may, "*" is everything.
type row struct {
	room string
	may  []string
	why  string
}

// table is who may import whom. The first row that fits a package counts.
var table = []row{
	{".", nil, "the root is the map of the house, not a room of it"},

	{"event", nil, "what an event is must not depend on where it goes"},

	{"stream", nil, "the road carries bytes; it does not know what an event is"},
	{"stream/streamtest", []string{"stream", "event"}, "a suite speaks for its contract and for no driver"},
	{"stream/<driver>", []string{"stream"}, "a driver knows its contract, no event and no other driver"},

	{"collect", []string{"event", "stream"}, "the door meets the loader only through the stream"},
	{"collect/<protocol>", []string{"event"}, "a protocol turns bytes into events and decides nothing else"},

	{"enrich", []string{"event"}, "a step is a pure function of an event"},
	{"rowlog", []string{"event", "stream", "enrich"}, "rows are made at the door of the parts that the loader makes them of, and of nothing else"},
	{"load/dedup", nil, "the window remembers fingerprints; whose they are is not its business"},
	{"load", []string{"event", "stream", "enrich", "warehouse", "load/dedup"}, "the carrier meets the door and the questions only through the contracts"},

	{"lease", []string{"stream"}, "leases share out a stream's shards; what is read from them is the loader's business"},
	{"lease/leasetest", []string{"lease", "stream"}, "a suite speaks for its contract and for no driver"},
	{"lease/<driver>", []string{"lease", "stream"}, "a table keeps leases and decides nothing; lease/memory is one so that the algorithm is tested on a table without a service"},

	{"warehouse", []string{"event"}, "the contract takes the columns that event defines, from anybody"},
	{"warehouse/warehousetest", []string{"warehouse", "event", "query"}, "a suite speaks for its contract; it asks every question, so that all warehouses answer alike"},
	{"warehouse/<driver>", []string{"event", "warehouse"}, "a driver knows its contract and no other driver"},

	{"query", []string{"event", "warehouse"}, "a question knows a dialect, never a driver"},
	{"query/querytest", []string{"event", "warehouse", "query"}, "the oracle answers every question in the plainest way; it stands beside the questions and knows no driver"},
	{"tail", []string{"event", "stream"}, "a watcher of the stream must work without a warehouse"},
	{"replay", []string{"event", "stream", "warehouse"}, "replay puts records on the road again; the carrier does the rest"},
	{"audit", []string{"event", "stream", "warehouse"}, "the audit must not trust the code that it audits"},
	{"saved", nil, "what people keep is JSON here; what it means is the business of who wrote it"},
	{"alert", []string{"query", "saved"}, "alerts ask as anybody does, and remember in what is saved; who shows them is not their business"},
	{"simulate", []string{"event"}, "the simulator comes in by the door, as a client does"},
	{"dashboard", []string{"event", "query", "tail", "audit", "replay", "saved", "alert"}, "pages show answers; they never touch a stream or a warehouse"},

	{"internal/...", nil, "a tool has no opinion about events"},
	{"bench", []string{"event", "simulate", "stream"}, "a benchmark measures from outside, as a client does, with the simulator's traffic; its past is a stream that a loader reads"},
	{"test/...", []string{"*"}, "whole-system tests put the house together in their own way"},
	{"cmd/spoor", []string{"*"}, "the composition root is the one place that knows everybody"},
}

// contracts have drivers below them: one folder each, beside the suite.
var contracts = []string{"stream", "warehouse", "lease"}

// maySleep lists the files of rooms that may call time.Sleep, with the reason.
var maySleep = map[string]string{}

// maxLines is the longest that a file written by hand may be.
const maxLines = 500

// TestLayout holds the house to its plan: who may import whom, and the house rules that a parser can see. It reads the
// files itself, whatever their build tags, and needs no tool but Go.
//
// TestLayoutBites breaks every rule in a made-up house. These were also done by hand to this one, and undone after:
//
//   - query imported stream/memory: "query may not import stream/memory", and once more as a driver named twice
//   - a test of load imported query: "load may not import query, only [event stream enrich warehouse load/dedup]"
//   - a new package hallway with nothing in it: "stands in no row", and "want one package comment; have 0"
//   - func init in stream/retry.go, and time.Sleep there: one complaint each
//   - stream/retry.go renamed to helpers.go: "helpers" names nothing
//   - stream/memory imported log/slog: "a driver imports log/slog"
//   - the comment of package query began with another word: "does not begin with"
//   - a second decision record 0001: "the number is taken", and that nothing links to it
func TestLayout(t *testing.T) {
	t.Parallel()
	house, err := read(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(house.packages) < 10 {
		t.Fatalf("want the whole house read; have %d packages", len(house.packages))
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			for _, complaint := range rule.check(house) {
				t.Errorf("%s\n\twhy the rule: %s", complaint, rule.why)
			}
		})
	}
}

// modules are the folders that are modules of their own, so that who uses one does not get the dependencies of the house.
var modules = []string{"sdk/go", "sdk/go/kinesis", "test/sdk/spoor-go"}

// TestLayoutOfModules holds the modules beside the main one to the rules that are not about rooms.
func TestLayoutOfModules(t *testing.T) {
	t.Parallel()
	var found []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && path.Base(name) == "go.mod" && name != "go.mod" {
			found = append(found, path.Dir(name))
		}
		if base := path.Base(name); err == nil && entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil || !slices.Equal(found, modules) {
		t.Errorf("want the modules %v, which scripts/test tests; have %v, %v", modules, found, err)
	}
	for _, dir := range modules {
		module, err := read(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range module.packages {
			// The folder tells what a program is called.
			module.packages[i].dir = path.Join(dir, p.dir)
		}
		for _, rule := range rules {
			if slices.Contains([]string{"imports", "decision records"}, rule.name) {
				continue
			}
			for _, complaint := range rule.check(module) {
				if rule.name == "no exit" && strings.HasPrefix(complaint, "main.go: ") {
					continue
				}
				t.Errorf("%s: %s\n\twhy the rule: %s", dir, complaint, rule.why)
			}
		}
	}
}

// rule is one thing that always holds. check returns a complaint for each place where it does not.
type rule struct {
	name  string
	why   string
	check func(house) []string
}

var rules = []rule{
	{"imports", "rooms that meet only through contracts can be understood, tested and replaced one at a time", imports},
	{"drivers are named once", "a driver is chosen by URL in cmd/spoor/drivers.go; anywhere else the choice would be made twice", driversOnce},
	{"drivers do not log", "a driver returns what happened; retries, logs and metrics are wrappers, written once", driversQuiet},
	{"package comment", "a room says what it is for in one place, which go doc shows", packageComment},
	{"file length", "a file that cannot be read in one sitting holds more than one idea", fileLength},
	{"names", "a package is named for what it offers; these names collect whatever has no home", names},
	{"no init", "what runs at import time cannot be started twice, ordered or left out", noInit},
	{"no global flags", "a flag of the process is shared by everything in it, two servers in one test included", noGlobalFlags},
	{"no exit", "only main ends the process; everywhere else an error is returned, so that deferred work is done and tests go on", noExit},
	{"no sleep", "a sleep is a guess; wait for a signal, a ticker or a context, or write the reason into maySleep", noSleep},
	{"decision records", "a decision is found by its number, through the list", decisionRecords},
}

func imports(h house) []string {
	var complaints []string
	for _, p := range h.packages {
		r, listed := rowOf(p.dir)
		if !listed {
			complaints = append(complaints, fmt.Sprintf("%s: the package stands in no row of the table in layout_test.go; give it one, with a reason", p.dir))
			continue
		}
		for _, f := range p.files {
			for _, target := range f.ours() {
				if !r.allows(p.dir, target, f.test) {
					complaints = append(complaints, fmt.Sprintf("%s: %s may not import %s, only [%s]: %s",
						f.path, p.dir, target, strings.Join(r.may, " "), r.why))
				}
			}
		}
	}
	return complaints
}

// allows tells whether a package in this row may import the target. A test may also import its own package and, as it
// puts together what it tests, the contracts with their drivers and suites.
func (r row) allows(dir, target string, test bool) bool {
	switch {
	case strings.HasPrefix(target, "internal/"), slices.Contains(r.may, "*"), slices.Contains(r.may, target):
		return true
	case test:
		return target == dir || slices.Contains(contracts, target) || isDriver(target) || isSuite(target)
	}
	return false
}

func driversOnce(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		if f.test || f.path == "cmd/spoor/drivers.go" || strings.HasPrefix(f.path, "test/") {
			continue
		}
		for _, target := range f.ours() {
			if isDriver(target) {
				complaints = append(complaints, fmt.Sprintf("%s: imports the driver %s, which only cmd/spoor/drivers.go may", f.path, target))
			}
		}
	}
	return complaints
}

func driversQuiet(h house) []string {
	var complaints []string
	for _, p := range h.packages {
		for _, f := range p.files {
			if !isDriver(p.dir) || f.test {
				continue
			}
			for _, logger := range []string{"log", "log/slog"} {
				if f.importName(logger) != "" {
					complaints = append(complaints, fmt.Sprintf("%s: a driver imports %s", f.path, logger))
				}
			}
		}
	}
	return complaints
}

func packageComment(h house) []string {
	var complaints []string
	for _, p := range h.packages {
		code := slices.DeleteFunc(slices.Clone(p.files), func(f file) bool { return f.test })
		if len(code) == 0 {
			code = p.files
		}
		var with []string
		for _, f := range code {
			if f.syntax.Doc == nil {
				continue
			}
			with = append(with, f.path)
			want := "Package " + strings.TrimSuffix(f.syntax.Name.Name, "_test") + " "
			if f.syntax.Name.Name == "main" {
				want = "Command " + path.Base(p.dir) + " "
			}
			if !strings.HasPrefix(f.syntax.Doc.Text(), want) {
				complaints = append(complaints, fmt.Sprintf("%s: the package comment does not begin with %q", f.path, want))
			}
		}
		if len(with) != 1 {
			complaints = append(complaints, fmt.Sprintf("%s: want one package comment; have %d %v", p.dir, len(with), with))
		}
	}
	return complaints
}

func fileLength(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		if !f.test && !ast.IsGenerated(f.syntax) && f.lines > maxLines {
			complaints = append(complaints, fmt.Sprintf("%s: %d lines, over %d; split it along its ideas", f.path, f.lines, maxLines))
		}
	}
	return complaints
}

var homeless = []string{"util", "utils", "common", "helper", "helpers", "types", "misc"}

func names(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		base := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		for _, name := range []string{path.Base(path.Dir(f.path)), base, f.syntax.Name.Name} {
			if slices.Contains(homeless, strings.TrimSuffix(name, "_test")) {
				complaints = append(complaints, fmt.Sprintf("%s: %q names nothing", f.path, name))
			}
		}
	}
	return complaints
}

func noInit(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				complaints = append(complaints, f.path+": has a func init()")
			}
		}
	}
	return complaints
}

// localFlags is what package flag offers to those who keep a FlagSet of their own; the rest is the process's one.
var localFlags = []string{"FlagSet", "NewFlagSet", "ContinueOnError", "Flag", "Value", "Getter", "ErrHelp", "UnquoteUsage"}

func noGlobalFlags(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		for _, name := range f.uses("flag") {
			if !slices.Contains(localFlags, name) {
				complaints = append(complaints, fmt.Sprintf("%s: uses flag.%s", f.path, name))
			}
		}
	}
	return complaints
}

func noExit(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		if path.Dir(f.path) == "cmd/spoor" || path.Base(f.path) == "main.go" && f.syntax.Name.Name == "main" {
			continue
		}
		for _, name := range f.uses("os") {
			if name == "Exit" {
				complaints = append(complaints, f.path+": uses os.Exit")
			}
		}
		for _, name := range f.uses("log") {
			if strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic") {
				complaints = append(complaints, fmt.Sprintf("%s: uses log.%s", f.path, name))
			}
		}
	}
	return complaints
}

func noSleep(h house) []string {
	var complaints []string
	for _, f := range h.files() {
		if f.test || strings.HasPrefix(f.path, "test/") || maySleep[f.path] != "" {
			continue
		}
		if slices.Contains(f.uses("time"), "Sleep") {
			complaints = append(complaints, f.path+": uses time.Sleep")
		}
	}
	return complaints
}

var recordName = regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)

func decisionRecords(h house) []string {
	var complaints []string
	if len(h.records) == 0 {
		complaints = append(complaints, "docs/adr: has no decision records")
	}
	numbered := map[string]string{}
	for _, name := range h.records {
		match := recordName.FindStringSubmatch(name)
		if match == nil {
			complaints = append(complaints, fmt.Sprintf("docs/adr/%s: want a name like 0001-what-was-decided.md", name))
			continue
		}
		if other := numbered[match[1]]; other != "" {
			complaints = append(complaints, fmt.Sprintf("docs/adr/%s: the number is taken by %s", name, other))
		}
		numbered[match[1]] = name
		if !strings.Contains(h.recordList, "("+name+")") {
			complaints = append(complaints, fmt.Sprintf("docs/adr/%s: docs/adr/README.md does not link to it", name))
		}
	}
	return complaints
}

// rowOf finds the row of a package.
func rowOf(dir string) (row, bool) {
	for _, r := range table {
		if fits(r.room, dir) {
			return r, true
		}
	}
	return row{}, false
}

// fits matches a folder with a room's name, where <x> is any one folder and a last ... is one or more.
func fits(room, dir string) bool {
	names, folders := strings.Split(room, "/"), strings.Split(dir, "/")
	for i, name := range names {
		switch {
		case i >= len(folders):
			return false
		case name == "...":
			return true
		case name != folders[i] && !strings.HasPrefix(name, "<"):
			return false
		}
	}
	return len(names) == len(folders)
}

func isSuite(dir string) bool {
	return path.Base(dir) == path.Base(path.Dir(dir))+"test"
}

func isDriver(dir string) bool {
	return slices.Contains(contracts, path.Dir(dir)) && !isSuite(dir)
}

// house is all of our Go, by folder, and the decision records.
type house struct {
	packages   []pkg
	records    []string // file names in docs/adr
	recordList string   // docs/adr/README.md
}

type pkg struct {
	dir   string
	files []file
}

type file struct {
	path   string
	test   bool
	lines  int
	syntax *ast.File
}

func (h house) files() []file {
	var all []file
	for _, p := range h.packages {
		all = append(all, p.files...)
	}
	return all
}

// read parses every Go file of the module below root. Folders that the go command passes over are passed over.
func read(root fs.FS) (house, error) {
	var h house
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(root, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		at := slices.IndexFunc(h.packages, func(p pkg) bool { return p.dir == dir })
		if at < 0 {
			at = len(h.packages)
			h.packages = append(h.packages, pkg{dir: dir})
		}
		h.packages[at].files = append(h.packages[at].files, f)
		return nil
	})
	if err != nil {
		return h, err
	}
	slices.SortFunc(h.packages, func(a, b pkg) int { return cmp.Compare(a.dir, b.dir) })

	records, err := fs.Glob(root, "docs/adr/*.md")
	for _, name := range records {
		if path.Base(name) != "README.md" {
			h.records = append(h.records, path.Base(name))
			continue
		}
		list, err := fs.ReadFile(root, name)
		if err != nil {
			return h, err
		}
		h.recordList = string(list)
	}
	return h, err
}

// skip returns fs.SkipDir for folders that hold no package of this module.
func skip(root fs.FS, name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(root fs.FS, name string) (file, error) {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	return file{
		path:   name,
		test:   strings.HasSuffix(name, "_test.go"),
		lines:  bytes.Count(source, []byte("\n")),
		syntax: syntax,
	}, nil
}

// ours lists the packages of this module that the file imports, as folders.
func (f file) ours() []string {
	var dirs []string
	for _, spec := range f.syntax.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so it cannot be
		}
		if target == module {
			dirs = append(dirs, ".")
		} else if dir, ok := strings.CutPrefix(target, module+"/"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// importName is the name under which the file knows an imported package, or "" when it does not import it.
func (f file) importName(target string) string {
	for _, spec := range f.syntax.Imports {
		if spec.Path.Value != strconv.Quote(target) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(target)
	}
	return ""
}

// uses lists what the file selects from an imported package: "Exit" for os.Exit.
func (f file) uses(target string) []string {
	name := f.importName(target)
	if name == "" {
		return nil
	}
	var selected []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name {
				selected = append(selected, s.Sel.Name)
			}
		}
		return true
	})
	return selected
}

// TestLayoutBites breaks each rule once in a house that is otherwise in order, and wants the complaint.
func TestLayoutBites(t *testing.T) {
	t.Parallel()
	source := func(name, body string) string { return "package " + name + "\n\n" + body + "\n" }
	using := func(name, target, body string) string { return source(name, "import \""+target+"\"\n\n"+body) }
	importing := func(name, room string) string { return using(name, module+"/"+room, "") }
	blank := strings.Repeat("\n", maxLines)
	sound := map[string]string{
		"doc.go":                       "// Package spoor is the root.\n" + source("spoor", ""),
		"event/event.go":               "// Package event is what happened.\n" + source("event", ""),
		"stream/stream.go":             "// Package stream is the road.\n" + source("stream", ""),
		"stream/streamtest/suite.go":   "// Package streamtest is the suite.\n" + importing("streamtest", "stream"),
		"stream/jetstream/log.go":      "// Package jetstream is a driver.\n" + importing("jetstream", "stream"),
		"stream/jetstream/log_test.go": importing("jetstream_test", "stream/streamtest"),
		"warehouse/duckdb/columns.go":  "// Code generated by a test. DO NOT EDIT.\n\n// Package duckdb is a driver.\n" + source("duckdb", blank),
		"cmd/spoor/main.go":            "// Command spoor is the binary.\n" + using("main", "os", "func main() { os.Exit(0) }"),
		"cmd/spoor/drivers.go":         importing("main", "stream/jetstream"),
		"docs/adr/README.md":           "- [one](0001-one.md)\n",
		"docs/adr/0001-one.md":         "# One\n",
		"node_modules/x/util.go":       "not ours",
		"scripts/lint/go.mod":          "module lint\n",
		"scripts/lint/types.go":        "not of this module",
		"event/testdata/broken.go":     "not Go",
		".tools/go/src/os/exit.go":     "not ours",
	}
	type breakage struct{ rule, path, source, want string } // an empty source takes the file away
	breakages := []breakage{
		{"imports", "event/bad.go", importing("event", "stream"), "event/bad.go: event may not import stream"},
		{"imports", "stream/jetstream/bad.go", importing("jetstream", "stream/kafka"), "may not import stream/kafka"},
		{"imports", "stream/bad_test.go", importing("stream_test", "load"), "may not import load"},
		{"imports", "internal/clock/bad.go", importing("clock", "event"), "may not import event"},
		{"imports", "scullery/scullery.go", source("scullery", ""), "scullery: the package stands in no row"},
		{"imports", "stream/kafka/wire/wire.go", source("wire", ""), "stream/kafka/wire: the package stands in no row"},
		{"drivers are named once", "cmd/spoor/serve.go", importing("main", "warehouse/duckdb"), "cmd/spoor/serve.go: imports the driver warehouse/duckdb"},
		{"drivers do not log", "stream/jetstream/bad.go", using("jetstream", "log/slog", ""), "a driver imports log/slog"},
		{"package comment", "event/bad.go", "// Package event again.\n" + source("event", ""), "event: want one package comment; have 2"},
		{"package comment", "event/bad.go", "// Something else.\n" + source("event", ""), "does not begin with"},
		{"package comment", "cmd/spoor/main.go", "", "cmd/spoor: want one package comment; have 0"},
		{"file length", "event/bad.go", source("event", blank), "event/bad.go: 503 lines"},
		{"names", "event/helpers_test.go", source("event", ""), "\"helpers\" names nothing"},
		{"names", "event/util/x.go", source("x", ""), "\"util\" names nothing"},
		{"no init", "event/bad.go", source("event", "func init() {}"), "event/bad.go: has a func init()"},
		{"no global flags", "event/bad_test.go", using("event", "flag", "var x = flag.Int(\"x\", 0, \"\")"), "uses flag.Int"},
		{"no exit", "event/bad.go", source("event", "import system \"os\"\n\nfunc f() { system.Exit(1) }"), "event/bad.go: uses os.Exit"},
		{"no exit", "event/bad.go", using("event", "log", "func f() { log.Fatalf(\"\") }"), "uses log.Fatalf"},
		{"no sleep", "event/bad.go", using("event", "time", "func f() { time.Sleep(1) }"), "event/bad.go: uses time.Sleep"},
		{"decision records", "docs/adr/0001-two.md", "# Two\n", "the number is taken by 0001-one.md"},
		{"decision records", "docs/adr/0002-two.md", "# Two\n", "does not link to it"},
		{"decision records", "docs/adr/two.md", "# Two\n", "want a name like"},
		{"decision records", "docs/adr/0001-one.md", "", "has no decision records"},
	}
	complaintsOf := func(t *testing.T, sources map[string]string, name string) []string {
		t.Helper()
		tree := fstest.MapFS{}
		for name, text := range sources {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		h, err := read(tree)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		if at < 0 {
			t.Fatalf("no rule is called %q", name)
		}
		return rules[at].check(h)
	}
	for _, r := range rules {
		if have := complaintsOf(t, sound, r.name); len(have) > 0 {
			t.Errorf("%s: want no complaint about the sound house; have %q", r.name, have)
		}
		if !slices.ContainsFunc(breakages, func(b breakage) bool { return b.rule == r.name }) {
			t.Errorf("%s: the rule is never broken here", r.name)
		}
	}
	for _, b := range breakages {
		broken := maps.Clone(sound)
		broken[b.path] = b.source
		if b.source == "" {
			delete(broken, b.path)
		}
		have := complaintsOf(t, broken, b.rule)
		if !slices.ContainsFunc(have, func(complaint string) bool { return strings.Contains(complaint, b.want) }) {
			t.Errorf("%s: want a complaint with %q; have %q", b.rule, b.want, have)
		}
	}
}
