package dashboard

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/saved"
)

// A token may do what its scope says, until it expires or is revoked; it is shown once, and a hash of it is kept.
func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	h := newHouse(t)
	dir := t.TempDir()
	store, err := saved.Open(saved.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h.options.Password, h.options.Saved, h.options.Now = "secret", store, func() time.Time { return now }
	d := h.open()
	boss := "Authorization: Basic eDpzZWNyZXQ=" // x:secret
	issue := func(body string) NewToken {
		t.Helper()
		w := do(d, http.MethodPost, "/api/tokens", body, boss)
		wants(t, body, w, http.StatusCreated, tokenPrefix)
		var token NewToken
		if err := json.Unmarshal(w.Body.Bytes(), &token); err != nil {
			t.Fatal(err)
		}
		return token
	}
	reader, admin := issue(`{"name":"reader","scope":"read","days":1}`), issue(`{"name":"admin","scope":"admin"}`)
	const report = `{"name":"Orders","body":` + trendReport + `}`
	for _, c := range []struct {
		method, path, body string
		read, admin        int
	}{
		{http.MethodGet, "/api/version", "", 200, 200},
		{http.MethodHead, "/api/version", "", 200, 200},
		{http.MethodGet, "/", "", 200, 200},
		{http.MethodPost, "/api/sql", `{"sql":"select 1"}`, 200, 200},
		{http.MethodGet, "/api/saved/reports", "", 200, 200},
		{http.MethodPost, "/api/saved/reports", report, 403, 201},
		{http.MethodPut, "/api/saved/reports/x", report, 403, 428},
		{http.MethodDelete, "/api/saved/reports/x", "", 403, 404},
		{http.MethodGet, "/api/tokens", "", 403, 200},
		{http.MethodPost, "/api/tokens", `{"name":"more","scope":"admin"}`, 403, 201},
		{http.MethodDelete, "/api/tokens/x", "", 403, 404},
		{http.MethodPost, "/not/known/yet", "", 403, 404},
	} {
		for token, want := range map[string]int{reader.Secret: c.read, admin.Secret: c.admin} {
			w := do(d, c.method, c.path, c.body, "Authorization: Bearer "+token)
			if w.Code != want {
				t.Errorf("%s %s with %s: want %d; have %d %s", c.method, c.path, token, want, w.Code, w.Body)
			}
		}
	}
	wants(t, "what is said", do(d, http.MethodDelete, "/api/tokens/"+admin.ID, "", "Authorization: Bearer "+reader.Secret), http.StatusForbidden, "needs a token of the scope admin; this one has read")
	wants(t, "by any name", get(d, "/api/version", "Authorization: Bearer "+reader.Secret, "Host: spoor.example"), http.StatusOK, "1.2.3")
	for what, header := range map[string]string{
		"a write key": "Bearer key", "another secret": "Bearer " + tokenPrefix + reader.ID + "_GUESSED", "no secret": "Bearer " + tokenPrefix + reader.ID,
		"a path": "Bearer " + tokenPrefix + "../tokens/" + reader.ID + "_x", "the password": "Bearer secret", "nothing": "Bearer ",
		"the hash": "Bearer " + tokenPrefix + reader.ID + "_" + hashOf(reader.Secret),
	} {
		wants(t, what, get(d, "/api/version", "Authorization: "+header), http.StatusUnauthorized, `"code":"unauthorized"`)
	}

	list := get(d, "/api/tokens", boss)
	wants(t, "all tokens", list, http.StatusOK, `"name":"reader","scope":"read"`)
	secret := reader.Secret[strings.LastIndex(reader.Secret, "_")+1:]
	if strings.Contains(list.Body.String(), secret) || strings.Contains(list.Body.String(), hashOf(secret)) {
		t.Errorf("want neither secrets nor hashes in the list; have %s", list.Body)
	}
	if !strings.Contains(list.Body.String(), `"used":"2026-11-25T12:00:00Z"`) {
		t.Errorf("want the last use; have %s", list.Body)
	}
	files, err := filepath.Glob(filepath.Join(dir, "tokens", "*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("want files; have %v, %v", files, err)
	}
	for _, name := range files {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), secret) {
			t.Errorf("want no secret on the disk; have %s, %v", text, err)
		}
	}

	now = now.Add(24 * time.Hour)
	wants(t, "an expired one", get(d, "/api/version", "Authorization: Bearer "+reader.Secret), http.StatusUnauthorized, "expired")
	wants(t, "one that never does", get(d, "/api/version", "Authorization: Bearer "+admin.Secret), http.StatusOK, "1.2.3")
	wants(t, "revoking", do(d, http.MethodDelete, "/api/tokens/"+admin.ID, "", boss), http.StatusNoContent, "")
	wants(t, "a revoked one", get(d, "/api/version", "Authorization: Bearer "+admin.Secret), http.StatusUnauthorized, "revoked")
}

// Where no password is asked for, a token still may do no more than it says.
func TestTokenWithoutPassword(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	w := do(d, http.MethodPost, "/api/tokens", `{"name":"reader","scope":"read"}`)
	var token NewToken
	if err := json.Unmarshal(w.Body.Bytes(), &token); err != nil {
		t.Fatal(err)
	}
	header := "Authorization: Bearer " + token.Secret
	wants(t, "more than it may", get(d, "/api/tokens", header), http.StatusForbidden, `"code":"scope"`)
	wants(t, "what it may", get(d, "/api/version", header), http.StatusOK, "1.2.3")
	wants(t, "an unknown one", get(d, "/api/version", "Authorization: Bearer x"), http.StatusUnauthorized, "not known")
	for body, want := range map[string]string{
		`{"name":"x","scope":"all"}`: `"field":"scope","value":"all"`, `{"name":"","scope":"read"}`: `"field":"name"`,
		`{"name":"x","scope":"read","days":-1}`: `"field":"days","value":"-1"`, `{"name":"x","scope":"read","days":4000}`: "0 to 3650",
	} {
		wants(t, body, do(d, http.MethodPost, "/api/tokens", body), http.StatusBadRequest, want)
	}
}

// Who is to be erased reaches the warehouse as it was asked, counted or for good.
func TestErase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	wants(t, "a count", do(d, http.MethodPost, "/api/erase", `{"user_ids":["u1"],"dry_run":true}`), http.StatusOK, `"dry_run":true,"erased":{"events":3}`)
	wants(t, "for good", do(d, http.MethodPost, "/api/erase", `{"anonymous_ids":["a1","a2"]}`), http.StatusOK, `"anonymous_ids":["a1","a2"],"dry_run":false`)
	if have := strings.Join(h.erased, "; "); have != "{[u1] []} true; {[] [a1 a2]} false" {
		t.Errorf("want both asked of the warehouse; have %s", have)
	}
	wants(t, "nobody", do(d, http.MethodPost, "/api/erase", `{}`), http.StatusBadRequest, `"field":"user_ids"`)
	if len(h.erased) != 2 {
		t.Errorf("want nobody erased; have %v", h.erased)
	}
}
