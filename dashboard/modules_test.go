package dashboard

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Every name that a module imports is one that the other exports: a browser says so only when the page is opened, and then
// shows nothing of it.
func TestModulesImportWhatThereIs(t *testing.T) {
	t.Parallel()
	exported := regexp.MustCompile(`(?m)^export (?:async )?(?:function\*?|const|let|class) (\w+)`)
	imported := regexp.MustCompile(`(?s)import \{([^}]*)\} from '([^']+)'`)
	texts, names := map[string]string{}, map[string]map[string]bool{}
	err := fs.WalkDir(embedded, "assets/js", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".js" {
			return err
		}
		text, err := fs.ReadFile(embedded, file)
		texts[file], names[file] = string(text), map[string]bool{}
		for _, m := range exported.FindAllStringSubmatch(string(text), -1) {
			names[file][m[1]] = true
		}
		return err
	})
	if err != nil || len(texts) < 20 {
		t.Fatalf("want the modules; have %d, %v", len(texts), err)
	}
	for file, text := range texts {
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			from := path.Join(path.Dir(file), m[2])
			for name := range strings.SplitSeq(m[1], ",") {
				name, _, _ = strings.Cut(strings.TrimSpace(name), " as ")
				if name != "" && !names[from][name] {
					t.Errorf("%s imports %s, which %s does not export", file, name, from)
				}
			}
		}
	}
}
