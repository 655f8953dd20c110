package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/saved"
)

// webhookFor is how long a webhook may take.
const webhookFor = 10 * time.Second

// post sends a notification as standardwebhooks.com describes it: JSON, with an id, a time and a signature in the header.
func (e *Evaluator) post(ctx context.Context, target string, n notification) error {
	key, err := Key(ctx, e.options.Saved)
	if err != nil {
		return err
	}
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used") // the error would hold the URL, which may be a secret
	}
	at := e.options.Now().Unix()
	signature, err := sign(key, n.ID, at, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Spoor")
	r.Header.Set("webhook-id", n.ID)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at, 10))
	r.Header.Set("webhook-signature", signature)
	response, err := e.options.Client.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // for the same reason
		}
		return err
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, 300)) // a help for people only
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s %s", response.Status, strings.ToValidUTF8(strings.TrimSpace(string(said)), ""))
	}
	return nil
}

// keyPrefix is what a key begins with, behind which it is in base64.
const keyPrefix = "whsec_"

func sign(key, id string, at int64, body []byte) (string, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, keyPrefix))
	if err != nil {
		return "", fmt.Errorf("the key of the webhooks cannot be read: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%d.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// keyID is where the key is kept.
const keyID = "webhook-key"

// Key gives the key with which webhooks are signed. It is made when it is first needed, and the same for all of them.
func Key(ctx context.Context, store *saved.Store) (string, error) {
	var kept struct {
		Key string `json:"key"`
	}
	document, err := store.Get(saved.Keys, keyID)
	if errors.Is(err, saved.ErrNotFound) {
		secret := make([]byte, 24)
		_, _ = rand.Read(secret) // it never fails
		body, err := json.Marshal(map[string]string{"key": keyPrefix + base64.StdEncoding.EncodeToString(secret)})
		if err != nil {
			return "", err
		}
		document, err = store.Put(ctx, saved.Keys, keyID, 0, saved.Draft{Name: "key of the webhooks", Body: body})
		if _, made := errors.AsType[*saved.ConflictError](err); made {
			document, err = store.Get(saved.Keys, keyID) // another process was faster
		}
		if err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	err = json.Unmarshal(document.Body, &kept)
	return kept.Key, err
}
