package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func parserOf(t *testing.T) (*kong.Kong, *cli) {
	t.Helper()
	var c cli
	parser, err := newParser(&c, process{stdout: io.Discard, stderr: io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser, &c
}

// TestConfigurationPage holds docs/configuration.md to the flags it is made of; SPOOR_UPDATE_DOCS=1 writes it anew.
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	parser, _ := parserOf(t)
	want := configurationPage(parser.Model)
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if os.Getenv("SPOOR_UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the flags say; run SPOOR_UPDATE_DOCS=1 go test ./cmd/spoor -run ConfigurationPage", path)
	}
}

func configurationPage(model *kong.Application) string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nMade from the flags; see [command-line.md](command-line.md) for the order in which a flag, a variable and the file count.\n")
	seen := map[string]bool{}
	for _, command := range []string{"serve", "demo", "collect", "load", "dashboard"} {
		i := slices.IndexFunc(model.Children, func(n *kong.Node) bool { return n.Name == command })
		var lines []string
		for _, f := range model.Children[i].Flags {
			if seen[f.Name] || f.Name == "help" {
				continue
			}
			seen[f.Name] = true
			value := f.Default
			if value != "" {
				value = "`" + os.Expand(value, func(name string) string {
					return map[string]string{"data": "./spoor-data", "server": "http://127.0.0.1:8080"}[name]
				}) + "`"
			}
			variable := ""
			if len(f.Envs) > 0 {
				variable = "`" + f.Envs[0] + "`"
			}
			lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Name, variable, value, f.Help))
		}
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| key and flag | variable | default | |\n|---|---|---|---|\n%s", command, strings.Join(lines, ""))
	}
	return b.String()
}

func runIn(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	if dir != "" {
		args = append([]string{"--config", filepath.Join(dir, "spoor.yaml")}, args...)
	}
	code = run(context.Background(), args, process{&out, &errs, strings.NewReader("")})
	return out.String(), errs.String(), code
}

func TestExampleIsLoaded(t *testing.T) {
	t.Parallel()
	parser, c := parserOf(t)
	if err := useConfigFile(parser, []string{"--config", filepath.Join("..", "..", "examples", "spoor.yaml")}); err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--addr", "127.0.0.1:9"}); err != nil {
		t.Fatal(err)
	}
	if have := c.Serve.Addr; have != "127.0.0.1:9" {
		t.Errorf("want the flag to stand above the file; have addr %s", have)
	}
	if want := 50 << 30; int64(c.Serve.StreamLimit) != int64(want) {
		t.Errorf("want a stream limit of %d from the file; have %d", want, c.Serve.StreamLimit)
	}
	sources, err := parseSources(c.Serve.Source)
	if err != nil || len(sources) != 3 || sources[2].rate != 5000 {
		t.Errorf("want the three sources of the file, the last bounded to 5000; have %+v, %v", sources, err)
	}
}

// TestAWSExampleIsLoaded parses every role's command line with the one file, and opens nothing.
func TestAWSExampleIsLoaded(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"collect", "load", "dashboard", "doctor"} {
		parser, c := parserOf(t)
		if err := useConfigFile(parser, []string{"--config", filepath.Join("..", "..", "examples", "kinesis-redshift.yaml")}); err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{command}); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		stream := map[string]string{
			"collect": c.Collect.Stream, "load": c.Load.Stream, "dashboard": c.Dashboard.Stream, "doctor": c.Doctor.Stream,
		}[command]
		if stream != "kinesis://spoor-events?region=eu-central-1" {
			t.Errorf("%s: want the file's stream; have %q", command, stream)
		}
		if command == "load" && (c.Load.LoadEvery != 10*time.Second || !strings.HasPrefix(c.Load.Leases, "dynamodb://spoor-leases") || !strings.HasPrefix(c.Load.Warehouse, "redshift://")) {
			t.Errorf("want the loader's settings of the file; have %+v", c.Load)
		}
		if sources, err := parseSources(c.Collect.Source); command == "collect" && (err != nil || len(sources) != 2) {
			t.Errorf("want two sources; have %+v, %v", sources, err)
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "spoor.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	data := t.TempDir()
	for _, test := range []struct {
		dir  string
		args []string
		want []string // in the message
	}{
		{file("adr: 1"), []string{"version"}, []string{"spoor.yaml", `"adr"`}},
		{file("addr: ["), []string{"version"}, []string{"spoor.yaml"}},
		{"", []string{"serve", "--addr", "nowhere"}, []string{"--addr", `"nowhere"`}},
		{"", []string{"serve", "--stream-limit", "much"}, []string{"stream-limit", `"much"`}},
		{"", []string{"serve", "--ip", "maybe"}, []string{"--ip", "maybe"}},
		{"", []string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--source", "web"}, []string{"--source", `"web"`}},
		{"", []string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--source", "a=k", "--source", "b=k"}, []string{"--source", `"a"`, `"b"`}},
		{"", []string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--stream", "carrier-pigeon:x"}, []string{"--stream", "carrier-pigeon:x"}},
		{"", []string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--warehouse", "shed:x"}, []string{"--warehouse", "shed:x"}},
		{"", []string{"load", "--data", data, "--addr", "127.0.0.1:0", "--leases", "cupboard:x"}, []string{"--leases", "cupboard:x", "dynamodb://"}},
		{"", []string{"load", "--data", data, "--addr", "127.0.0.1:0", "--leases", "dynamodb://t?regoin=x"}, []string{"--leases", `"regoin"`}},
		{"", []string{"load", "--data", data, "--addr", "127.0.0.1:0", "--failover", "soon"}, []string{"--failover", `"soon"`}},
		{"", []string{"serve", "--addr", "0.0.0.0:0"}, []string{"--source"}},
		{"", []string{"serve", "--addr", "0.0.0.0:0", "--source", "web=k"}, []string{"--password"}},
		{"", []string{"sql", "--server", "here", "select 1"}, []string{"--server", `"here"`}},
		{"", []string{"audit", "--from", "yesterday"}, []string{"--from", `"yesterday"`}},
		{"", []string{"frobnicate"}, []string{"frobnicate"}},
	} {
		_, stderr, code := runIn(t, test.dir, test.args...)
		if code != exitUsage {
			t.Errorf("%v: want exit code %d; have %d: %s", test.args, exitUsage, code, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: want %s named; have %s", test.args, want, stderr)
			}
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	_, stderr, code := runIn(t, "", "sql", "--server", "http://127.0.0.1:1", "select 1")
	if code != exitFault || !strings.Contains(stderr, "http://127.0.0.1:1") || !strings.Contains(stderr, "spoor serve") {
		t.Errorf("want exit code %d and a message that names the server and what to start; have %d: %s", exitFault, code, stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	stdout, _, code := runIn(t, "", "version", "--json")
	if code != exitOK || !strings.Contains(stdout, `"version":"`+release) {
		t.Errorf("want the version as JSON; have %d: %s", code, stdout)
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]byteSize{
		"0": 0, "1": 1, "512MiB": 512 << 20, "10GB": 10e9, "1.5 GiB": 3 << 29, "64m": 64 << 20, "2TiB": 2 << 40,
	} {
		var have byteSize
		if err := have.UnmarshalText([]byte(text)); err != nil || have != want {
			t.Errorf("%s: want %d; have %d, %v", text, want, have, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "1XB", "MiB"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: want an error; have %d", text, b)
		}
	}
}
