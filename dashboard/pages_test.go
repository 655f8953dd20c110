package dashboard

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/saved"
)

// elements gives all elements of a page.
func elements(t *testing.T, text string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// allRooms gives every page of the navigation.
func allRooms(t *testing.T) []room {
	t.Helper()
	var all []room
	paths := map[string]bool{}
	for _, g := range navigation() {
		for _, r := range g.rooms {
			if paths[r.Path] {
				t.Errorf("%s leads to two pages", r.Path)
			}
			paths[r.Path] = true
			all = append(all, r)
		}
	}
	if len(all) == 0 || all[0].Path != "/" {
		t.Fatalf("want the live page first; have %v", all)
	}
	return all
}

func TestPages(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	for _, room := range allRooms(t) {
		t.Run(room.Name, func(t *testing.T) {
			t.Parallel()
			w := get(d, room.Path)
			wants(t, "the page", w, http.StatusOK, "<!doctype html>")
			if have := w.Header().Get("Content-Type"); have != "text/html; charset=utf-8" {
				t.Errorf("want HTML; have %q", have)
			}
			checkPage(t, d, room, w.Body.String())
		})
	}
}

// checkPage wants of a page what all of them owe: the policy kept, labels, links that lead somewhere on this host, itself
// marked in the navigation, and whatever its modules look for.
func checkPage(t *testing.T, d *Dashboard, room room, text string) {
	t.Helper()
	ids := map[string]bool{}
	var current, titles []string
	for _, n := range elements(t, text) {
		checkElement(t, d, n)
		if id, ok := attribute(n, "id"); ok {
			if ids[id] {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
		if _, ok := attribute(n, "aria-current"); ok {
			current = append(current, textOf(n))
		}
		if n.Data == "h1" {
			titles = append(titles, textOf(n))
		}
	}
	for what, have := range map[string][]string{"the page marked in the navigation": current, "one title": titles} {
		if !slices.Equal(have, []string{room.Name}) {
			t.Errorf("want %s; have %q", what, have)
		}
	}
	module := "js/" + room.file + ".js"
	looked := 0
	for _, name := range append(d.pages.assets.needs(module), module) {
		file := d.pages.assets.files[name]
		if file == nil {
			t.Errorf("the module %s is imported and not there", name)
			continue
		}
		for _, match := range regexp.MustCompile(`byId\('([^']+)'\)`).FindAllStringSubmatch(string(file.plain), -1) {
			looked++
			if !ids[match[1]] {
				t.Errorf("%s looks for #%s, which the page has not", name, match[1])
			}
		}
	}
	if looked == 0 {
		t.Error("want modules that look for something on the page")
	}
}

func checkElement(t *testing.T, d *Dashboard, n *html.Node) {
	t.Helper()
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(a.Val, "javascript:") {
			t.Errorf("<%s %s=%q>: the policy allows no script and no style in the page", n.Data, a.Key, a.Val)
		}
	}
	src, _ := attribute(n, "src")
	href, _ := attribute(n, "href")
	switch n.Data {
	case "script":
		if src == "" || n.FirstChild != nil {
			t.Error("a script stands in the page")
		}
	case "style":
		t.Error("a style stands in the page")
	case "input", "select", "textarea":
		label, _ := attribute(n, "aria-label")
		if label == "" && (n.Parent.Data != "label" || strings.TrimSpace(textOf(n.Parent)) == "") {
			t.Errorf("a field has no label: %v", n.Attr)
		}
	case "button":
		if kind, _ := attribute(n, "type"); kind != "button" && kind != "submit" {
			t.Errorf("a button has no type: %v", n.Attr)
		}
	}
	for _, url := range []string{src, href} {
		switch {
		case url == "" || strings.HasPrefix(url, "#"):
		case strings.Contains(url, "//"):
			t.Errorf("%s leads to another host", url)
		default:
			if have := get(d, url); have.Code != http.StatusOK {
				t.Errorf("%s: want it served; have %d", url, have.Code)
			}
		}
	}
}

// A page names the modules that its own one needs, however deep, so that the browser asks for all of them at once.
func TestModules(t *testing.T) {
	t.Parallel()
	a, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	have := a.needs("js/live.js")
	for _, want := range []string{"js/dom.js", "js/tables.js", "js/parts/sparkline.js"} {
		if !slices.Contains(have, want) {
			t.Errorf("want %s among what the live page needs; have %q", want, have)
		}
	}
	if slices.Contains(have, "js/live.js") {
		t.Error("a module does not need itself")
	}
	// needs reads imports of one line only.
	for name, file := range a.files {
		if strings.HasSuffix(name, ".js") && !strings.HasPrefix(name, "vendor/") && regexp.MustCompile(`(?m)^(import|export) \{[^}]*$`).Match(file.plain) {
			t.Errorf("%s: an import stands on more than one line", name)
		}
	}
}

// What a module imports by name its file exports: a page whose module lacks a name shows nothing at all.
func TestImportsNameExports(t *testing.T) {
	t.Parallel()
	a, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	imported := regexp.MustCompile(`(?m)^import \{ ([^}]*) \} from '(\.{1,2}/[^']+)'`)
	exported := regexp.MustCompile(`(?m)^export (?:async )?(?:const|let|class|function\*?) (\w+)`)
	exports := func(name string) (names []string) {
		if a.files[name] == nil {
			return nil
		}
		for _, m := range exported.FindAllSubmatch(a.files[name].plain, -1) {
			names = append(names, string(m[1]))
		}
		return names
	}
	checked := 0
	for name, file := range a.files {
		if !strings.HasSuffix(name, ".js") || strings.HasPrefix(name, "vendor/") {
			continue
		}
		for _, m := range imported.FindAllSubmatch(file.plain, -1) {
			from := path.Join(path.Dir(name), string(m[2]))
			have := exports(from)
			for want := range strings.SplitSeq(string(m[1]), ", ") {
				want, _, _ = strings.Cut(want, " as ")
				checked++
				if !slices.Contains(have, want) {
					t.Errorf("%s: want %s exported by %s; have %q", name, want, from, have)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("want the pages' modules read; have %d names", checked)
	}
}

// No page weighs over 500 KB compressed, all that it loads included.
func TestWeight(t *testing.T) {
	t.Parallel()
	const most = 500_000
	d := newHouse(t).open()
	for _, room := range allRooms(t) {
		page := get(d, room.Path).Body.String()
		sum, files := len(pack([]byte(page))), 0
		for _, n := range elements(t, page) {
			for _, name := range []string{"src", "href"} {
				if url, _ := attribute(n, name); strings.HasPrefix(url, "/assets/") {
					sum += get(d, url, "Accept-Encoding: gzip").Body.Len()
					files++
				}
			}
		}
		if sum > most || files < 4 {
			t.Errorf("%s: want at most %d bytes in some files; have %d in %d", room.Name, most, sum, files)
		}
	}
}

// What is to be copied names this server and the first source, and cannot break out of its place.
func TestSnippets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Sources = []Source{{Name: "web", WriteKey: `it's </pre><script>"`}, {Name: "app", WriteKey: "other"}}
	body := get(h.open(), "/", "Host: 10.0.0.5:8080").Body.String()
	var texts []string
	for _, n := range elements(t, body) {
		if n.Data == "pre" {
			texts = append(texts, textOf(n))
		}
	}
	for i, want := range []string{
		`curl http://10.0.0.5:8080/v1/track -u 'it'\''s </pre><script>":'`,
		`writeKey: 'it\'s \u003c/pre\u003e\u003cscript\u003e\"', cdnURL: 'http://10.0.0.5:8080'`,
		`writeKey: 'it\'s \u003c/pre\u003e\u003cscript\u003e\"', host: 'http://10.0.0.5:8080'`,
	} {
		if i >= len(texts) || !strings.Contains(texts[i], want) {
			t.Errorf("want %q in snippet %d; have %q", want, i, texts)
		}
	}
	h.options.Sources = nil
	wants(t, "without a source", get(h.open(), "/"), http.StatusOK, "No source is configured here")
}

func TestAssets(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	url := d.assetURL(t, "vendor/echarts/echarts.common.min.js")
	plain := get(d, url)
	if plain.Code != http.StatusOK || plain.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("want plain JavaScript; have %d %v", plain.Code, plain.Header())
	}
	if have := plain.Header().Get("Cache-Control"); have != "public, max-age=31536000, immutable" {
		t.Errorf("want it kept for ever; have %q", have)
	}
	packed := get(d, url, "Accept-Encoding: br, gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("want gzip for whom takes it; have %v", packed.Header())
	}
	if packed.Body.Len() > 300<<10 {
		t.Errorf("want the charts in under 300 KiB; have %d bytes", packed.Body.Len())
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil || string(unpacked) != plain.Body.String() {
		t.Errorf("want the same packed and plain; have %d and %d bytes, %v", len(unpacked), plain.Body.Len(), err)
	}
	tag, packedTag := plain.Header().Get("ETag"), packed.Header().Get("ETag")
	if tag == "" || tag == packedTag {
		t.Errorf("want a tag each; have %s and %s", tag, packedTag)
	}
	if have := get(d, url, "If-None-Match: "+tag); have.Code != http.StatusNotModified || have.Body.Len() > 0 {
		t.Errorf("want 304 for what is known; have %d", have.Code)
	}
	if have := get(d, url, "Accept-Encoding: gzip", "If-None-Match: "+tag); have.Code != http.StatusOK {
		t.Errorf("want the packed one for whom knows the plain one; have %d", have.Code)
	}
	if have := do(d, http.MethodHead, url, ""); have.Code != http.StatusOK || have.Body.Len() > 0 {
		t.Errorf("HEAD: want 200 without a body; have %d, %d bytes", have.Code, have.Body.Len())
	}
	for _, other := range []string{
		strings.Replace(url, url[8:24], "0123456789abcdef", 1), "/assets/", "/assets/js/live.js", strings.TrimSuffix(url, ".js"),
		d.assetURL(t, "js/live.js")[:25] + "VENDORED.md", d.assetURL(t, "js/live.js")[:25] + "../pages.go",
	} {
		if have := get(d, other); have.Code == http.StatusOK {
			t.Errorf("%s: want no such file; have %d", other, have.Code)
		}
	}
}

var vendoredLine = regexp.MustCompile("(?m)^\\| `([0-9a-f]{64})` \\| `([^`]+)` \\|$")

// Everything below vendor is listed with its checksum, and nothing else is.
func TestVendored(t *testing.T) {
	t.Parallel()
	list, err := embedded.ReadFile("assets/VENDORED.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, match := range vendoredLine.FindAllStringSubmatch(string(list), -1) {
		want["assets/"+match[2]] = match[1]
	}
	have := map[string]string{}
	err = fs.WalkDir(embedded, "assets/vendor", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		if len(text) > 1<<20 {
			t.Errorf("%s is %d bytes; want under 1 MiB", name, len(text))
		}
		sum := sha256.Sum256(text)
		have[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(have) < 5 {
		t.Errorf("want the library and its licences; have %v", have)
	}
	for name, sum := range have {
		if want[name] != sum {
			t.Errorf("%s: VENDORED.md says %q; the file is %q", name, want[name], sum)
		}
	}
	for name := range want {
		if have[name] == "" {
			t.Errorf("%s stands in VENDORED.md and is not there", name)
		}
	}
}

// Every page says that an alert fires, and none says so while none does.
func TestPagesSayThatAnAlertFires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	if text := get(d, "/sql").Body.String(); strings.Contains(text, "class=\"firing\"") {
		t.Error("want nothing said while no alert fires")
	}
	body := `{"status":"firing","since":"2026-11-25T12:00:00Z","rule_version":0,"evaluated":"2026-11-25T12:00:00Z"}`
	if _, err := h.options.Saved.Put(t.Context(), saved.States, alert.TrackingID, 0, saved.Draft{Name: "Tracking broke", Body: json.RawMessage(body)}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/sql", "/settings"} {
		wants(t, path, get(d, path), http.StatusOK, `<a class="firing" href="/alerts">an alert fires</a>`)
	}
}
