package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/saved"
)

// scope is what somebody may do.
type scope string

// The scopes. Who has the password has both; a write key has neither, for it can only write.
const (
	scopeRead  scope = "read"  // look, and ask questions
	scopeAdmin scope = "admin" // and change what is saved, erase, replay, make tokens
)

// allows tells whether who has this scope may do what needs another.
func (s scope) allows(need scope) bool { return s == scopeAdmin || s == need }

// A token is tokenPrefix, the id of its document, _ and a secret of 130 random bits, of which a hash is kept. Nothing slower
// than SHA-256 is needed for what cannot be guessed.
const tokenPrefix = "spoor_"

// keptToken is the body of a token's document.
type keptToken struct {
	Scope   scope      `json:"scope"`
	Hash    string     `json:"hash"` // SHA-256 of the secret, hexadecimal
	Expires *time.Time `json:"expires,omitempty"`
	Used    *time.Time `json:"used,omitempty"`
}

// usedEvery is how exactly the time of a token's last use is kept.
const usedEvery = time.Hour

// errToken says that a token lets nobody in. It does not say why: whoever holds it need not know.
var errToken = errors.New("this token is not known, was revoked or has expired: a token that holds or the password is needed")

// checkToken gives a token's scope, or errToken.
func (d *Dashboard) checkToken(ctx context.Context, token string) (scope, error) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	id, secret, both := strings.Cut(rest, "_")
	if !ok || !both {
		return "", errToken
	}
	document, err := d.options.Saved.Get(saved.Tokens, id)
	if errors.Is(err, saved.ErrNotFound) {
		return "", errToken
	}
	if err != nil {
		return "", err
	}
	var kept keptToken
	if err := saved.Decode(document.Body, &kept); err != nil {
		return "", err
	}
	now := d.options.Now().UTC()
	if subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(kept.Hash)) != 1 || (kept.Expires != nil && !now.Before(*kept.Expires)) {
		return "", errToken
	}
	if kept.Used == nil || now.Sub(*kept.Used) >= usedEvery {
		kept.Used = &now
		if err := d.keepUse(ctx, document, kept); err != nil {
			d.options.Logger.Warn("the last use of a token could not be kept", "token", document.Name, "err", err)
		}
	}
	return kept.Scope, nil
}

func (d *Dashboard) keepUse(ctx context.Context, document saved.Document, kept keptToken) error {
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	_, err = d.options.Saved.Put(ctx, saved.Tokens, document.ID, document.Version, saved.Draft{Name: document.Name, Body: body})
	if _, conflict := errors.AsType[*saved.ConflictError](err); conflict || errors.Is(err, saved.ErrNotFound) {
		return nil // another request of the same moment has, or it was revoked just now
	}
	return err
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

type (
	// Token is a token as it is listed, without its secret.
	Token struct {
		ID      string     `json:"id" required:"true"`
		Name    string     `json:"name" required:"true"`
		Scope   string     `json:"scope" required:"true" enum:"read,admin"`
		Created time.Time  `json:"created" required:"true"`
		Expires *time.Time `json:"expires,omitempty" description:"absent: never"`
		Used    *time.Time `json:"used,omitempty" description:"the last use, to the hour; absent: it never was used"`
	}
	// NewToken is a token with its secret, which is shown once.
	NewToken struct {
		Token
		Secret string `json:"token" required:"true" description:"what Authorization: Bearer carries; it is shown this once"`
	}
	// tokenAsk says what a new token is for.
	tokenAsk struct {
		Name  string `json:"name" required:"true" description:"who or what it is for"`
		Scope string `json:"scope" required:"true" enum:"read,admin"`
		Days  int    `json:"days,omitempty" minimum:"0" maximum:"3650" description:"it expires after so many days; 0: never"`
	}
	// tokenList is all tokens, without what they are shown by.
	tokenList struct {
		Tokens []Token `json:"tokens" required:"true" nullable:"false"`
	}
)

// maxTokenDays bounds a token's life.
const maxTokenDays = 3650

func (d *Dashboard) tokenOperations() []operation {
	return []operation{
		{
			route: "GET /api/tokens", id: "listTokens", group: groupRun, title: "All tokens, without their secrets", scope: scopeAdmin,
			gives: tokenList{}, handle: d.listTokens,
		},
		{
			route: "POST /api/tokens", id: "createToken", group: groupRun, title: "Make a token", scope: scopeAdmin,
			about: "The answer holds the token, this once: only a hash of it is kept.",
			body:  tokenAsk{}, gives: NewToken{}, status: http.StatusCreated, refuse: []int{400, 409, 413},
			sample: map[string]any{"for a script": tokenAsk{Name: "weekly report", Scope: "read", Days: 365}}, handle: d.createToken,
		},
		{
			route: "DELETE /api/tokens/{id}", id: "revokeToken", group: groupRun, title: "Revoke a token", scope: scopeAdmin,
			params: savedParams{}, status: http.StatusNoContent, refuse: []int{404}, handle: d.revokeToken,
		},
	}
}

func (d *Dashboard) listTokens(w http.ResponseWriter, r *http.Request) {
	documents, err := d.options.Saved.List(saved.Tokens)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	list := tokenList{Tokens: []Token{}}
	for _, document := range documents {
		token, err := tokenOf(document)
		if err != nil {
			d.options.Logger.Warn("a token cannot be read", "token", document.ID, "err", err)
			continue
		}
		list.Tokens = append(list.Tokens, token)
	}
	answer(w, list)
}

func tokenOf(document saved.Document) (Token, error) {
	var kept keptToken
	err := saved.Decode(document.Body, &kept)
	return Token{document.ID, document.Name, string(kept.Scope), document.Created, kept.Expires, kept.Used}, err
}

func (d *Dashboard) createToken(w http.ResponseWriter, r *http.Request) {
	var ask tokenAsk
	if !read(w, r, savedOverhead, &ask) {
		return
	}
	kept := keptToken{Scope: scope(ask.Scope)}
	switch {
	case kept.Scope != scopeRead && kept.Scope != scopeAdmin:
		refuseField(w, "scope", ask.Scope, fmt.Errorf("scope must be read or admin; got %q", ask.Scope))
		return
	case ask.Days < 0 || ask.Days > maxTokenDays:
		refuseField(w, "days", strconv.Itoa(ask.Days), fmt.Errorf("days must be 0 to %d; got %d", maxTokenDays, ask.Days))
		return
	case ask.Days > 0:
		expires := d.options.Now().UTC().Truncate(time.Second).AddDate(0, 0, ask.Days)
		kept.Expires = &expires
	}
	secret := rand.Text()
	kept.Hash = hashOf(secret)
	body, err := json.Marshal(kept)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	document, err := d.options.Saved.Create(r.Context(), saved.Tokens, saved.Draft{Name: ask.Name, Body: body})
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	token, err := tokenOf(document)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	d.options.Logger.Info("a token was made", "name", token.Name, "scope", token.Scope, "id", token.ID)
	answerWith(w, http.StatusCreated, NewToken{token, tokenPrefix + document.ID + "_" + secret})
}

func (d *Dashboard) revokeToken(w http.ResponseWriter, r *http.Request) {
	if err := d.options.Saved.Remove(r.Context(), saved.Tokens, r.PathValue("id"), 0); err != nil {
		d.notSaved(w, r, err)
		return
	}
	d.options.Logger.Info("a token was revoked", "id", r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}
