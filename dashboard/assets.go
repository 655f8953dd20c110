package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed assets templates
var embedded embed.FS

// assets serves the embedded files. All of them have one hash of all contents in their URL, so that a module can import
// its neighbour by a relative name, and a browser may keep them for ever.
type assets struct {
	prefix string // of the URLs: /assets/<hash>/
	files  map[string]*asset
}

type asset struct {
	kind   string // Content-Type
	plain  []byte
	packed func() []byte // gzip; nil where packing gains nothing
	tag    string
}

// kinds are the files that are served; others are kept for those who read the source.
func kinds() map[string]string {
	return map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
		"": "text/plain; charset=utf-8", // licences
	}
}

func newAssets() (*assets, error) {
	a := &assets{files: map[string]*asset{}}
	all := sha256.New()
	kinds := kinds()
	err := fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		kind, served := kinds[path.Ext(name)]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		plain, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(plain)
		fmt.Fprintf(all, "%s %x\n", name, sum)
		a.files[strings.TrimPrefix(name, "assets/")] = &asset{
			kind: kind, plain: plain, tag: hex.EncodeToString(sum[:8]), packed: sync.OnceValue(func() []byte { return pack(plain) }),
		}
		return nil
	})
	a.prefix = "/assets/" + hex.EncodeToString(all.Sum(nil)[:8]) + "/"
	return a, err
}

func pack(plain []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(fmt.Sprintf("gzip refuses a constant level: %v", err))
	}
	_, _ = w.Write(plain) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// url gives the address of a file below assets.
func (a *assets) url(name string) (string, error) {
	if a.files[name] == nil {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return a.prefix + name, nil
}

// needs gives the modules that a module imports, itself or through others, in the order of their names: a page names
// them, so that the browser need not find them one behind the other.
func (a *assets) needs(module string) []string {
	imported := regexp.MustCompile(`(?m)^(?:import|export) [^'\n]*'(\.{1,2}/[^']+)'`)
	found := map[string]bool{module: true}
	var names []string
	for waiting := []string{module}; len(waiting) > 0; {
		name := waiting[0]
		waiting = waiting[1:]
		file := a.files[name]
		if file == nil {
			continue // TestPages finds it: the browser would ask for it in vain
		}
		for _, match := range imported.FindAllSubmatch(file.plain, -1) {
			next := path.Join(path.Dir(name), string(match[1]))
			if !found[next] {
				found[next] = true
				names = append(names, next)
				waiting = append(waiting, next)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, current := strings.CutPrefix(r.URL.Path, a.prefix)
	file := a.files[name]
	if !current || file == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body, tag := file.plain, file.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
		h.Set("Content-Encoding", "gzip")
		body, tag = file.packed(), tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
