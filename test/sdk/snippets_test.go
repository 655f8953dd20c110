package sdk

import (
	"bufio"
	"context"
	"encoding/json"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSnippets runs what the page Sources gives to be copied, to the letter, with the SDKs' own packages: the event shows up
// where the page looks for the first one, and is a row. The web page's and the phones' need more than a machine like
// this; so does Ruby's, which speaks https alone.
func TestSnippets(t *testing.T) {
	t.Parallel()
	for id, run := range map[string]func(t *testing.T, text string) *exec.Cmd{
		"terminal": func(t *testing.T, text string) *exec.Cmd {
			t.Helper()
			return exec.CommandContext(t.Context(), need(t, "sh", "there is no shell"), "-c", text)
		},
		"node": func(t *testing.T, text string) *exec.Cmd {
			t.Helper()
			path := need(t, "node", "Node is not installed")
			if _, err := os.Stat("node_modules"); err != nil {
				lack(t, "the packages are not installed; run: npm ci --prefix test/sdk")
			}
			return exec.CommandContext(t.Context(), path, "--input-type=module", "--eval", text)
		},
		"go":     goSnippet,
		"python": pythonSnippet,
		"java":   javaSnippet,
		"pixel": func(t *testing.T, text string) *exec.Cmd {
			t.Helper()
			picture := regexp.MustCompile(`src="([^"]*)"`).FindStringSubmatch(text)
			if picture == nil {
				t.Fatalf("want a picture in %s", text)
			}
			return exec.CommandContext(t.Context(), need(t, "curl", "curl is not installed"), "--fail", "--silent", "--output", filepath.Join(t.TempDir(), "pixel.gif"), html.UnescapeString(picture[1]))
		},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			spoor := startSpoor(t)
			cmd := run(t, spoor.snippet(id))
			come := spoor.firstEvent()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", cmd, err, out)
			}
			want := map[bool]string{false: "Hello Spoor", true: "Mail Opened"}[id == "pixel"]
			if have := <-come; have != want {
				t.Errorf("the page waits for the first event: want %q; have %q", want, have)
			}
			await(t, "the row", func() bool { return len(spoor.rows()) > 0 })
			if rows := spoor.rows(); len(rows) != 1 || rows[0]["event"] != want || rows[0]["type"] != "track" || rows[0]["user_id"] != "ada" || rows[0]["source"] != "dev" {
				t.Errorf("want one row of ada's %q; have %v", want, rows)
			}
		})
	}
}

// snippet gives what the page Sources shows.
func (s *spoor) snippet(id string) string {
	s.t.Helper()
	var answer struct {
		Sources []struct{ Snippets []struct{ ID, Text string } }
	}
	response, err := http.Get(s.url + "/api/sources")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Sources) != 1 {
		s.t.Fatalf("want one source; have %+v, %v", answer, err)
	}
	for _, found := range answer.Sources[0].Snippets {
		if found.ID == id {
			return found.Text
		}
	}
	s.t.Fatalf("there is no snippet %q", id)
	return ""
}

// firstEvent listens where the page's check does, and gives the name of the event that it hears of first.
func (s *spoor) firstEvent() <-chan string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	s.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/tail?source=dev&sample=5", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request) //nolint:bodyclose // who listens closes it
	if err != nil {
		s.t.Fatal(err)
	}
	come := make(chan string, 1)
	go func() {
		defer close(come)
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			var item struct{ Event, Source, Refused string }
			if data, is := strings.CutPrefix(lines.Text(), "data:"); is && json.Unmarshal([]byte(data), &item) == nil && item.Source == "dev" && item.Refused == "" {
				come <- item.Event
				return
			}
		}
	}()
	return come
}

// written writes a file into a folder of the test, and gives the folder.
func written(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func goSnippet(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	module, err := os.ReadFile("spoor-go/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := filepath.Abs("../../sdk/go")
	if err != nil {
		t.Fatal(err)
	}
	dir := written(t, "main.go", `package main

import (
	"context"
	"log"

	spoor "github.com/spoorhq/spoor/sdk/go"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
`+text+`
	return err
}
`)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(strings.ReplaceAll(string(module), "../../../sdk/go", sdk)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	cmd.Dir = dir
	return cmd
}

// pythonSnippet has the packages in the folder that SPOOR_TEST_PYTHON names.
func pythonSnippet(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	packages := os.Getenv("SPOOR_TEST_PYTHON")
	if packages == "" {
		lack(t, "SPOOR_TEST_PYTHON names no folder with segment-analytics-python")
	}
	cmd := exec.CommandContext(t.Context(), need(t, "python3", "Python is not installed"), filepath.Join(written(t, "snippet.py", text), "snippet.py"))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	return cmd
}

// javaSnippet has the jars in the folder that SPOOR_TEST_JAVA names.
func javaSnippet(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	jars := os.Getenv("SPOOR_TEST_JAVA")
	if jars == "" {
		lack(t, "SPOOR_TEST_JAVA names no folder with com.segment.analytics.java")
	}
	imports, code := "", ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "import ") {
			imports += line
		} else {
			code += line
		}
	}
	dir := written(t, "Snippet.java", imports+"class Snippet {\n  public static void main(String[] args) {\n"+code+"\n  }\n}\n")
	return exec.CommandContext(t.Context(), need(t, "java", "Java is not installed"), "-cp", filepath.Join(jars, "*"), filepath.Join(dir, "Snippet.java"))
}
