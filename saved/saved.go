// Package saved keeps what people make with the pages: reports, dashboards, cohorts, alerts, and the tokens of the API.
// Each is a small JSON document with an id, a name and a version; what a document says is the business of who wrote it.
//
// A document is a file of its own below one folder, written whole and renamed into place, so that a reader sees all of
// one version or all of the next, after a crash too. Nothing is kept in memory: several processes may have the same
// folder open, on one machine, and each sees at once what the others have written. Of two who change the same version
// one is refused, in one process and between several.
package saved

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofrs/flock"
)

// Kind is what a document is; it is also the name of its folder.
type Kind string

// The kinds of documents.
const (
	Reports    Kind = "reports"
	Dashboards Kind = "dashboards"
	Cohorts    Kind = "cohorts"
	Alerts     Kind = "alerts"
	States     Kind = "alert-states" // what became of the alerts; their ids are those of the alerts
	Tokens     Kind = "tokens"
	Keys       Kind = "keys" // secrets of the house's own
)

// Kinds gives all kinds.
func Kinds() []Kind { return []Kind{Reports, Dashboards, Cohorts, Alerts, States, Tokens, Keys} }

// The bounds of a folder.
const (
	MaxBytes     = 256 << 10 // of a document's body
	MaxDocuments = 1000      // of a kind
	MaxName      = 200       // characters
)

// Document is what is kept.
type Document struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Version int64           `json:"version"` // 1 when it is created, one more with each change
	Created time.Time       `json:"created"`
	Changed time.Time       `json:"changed"`
	Body    json.RawMessage `json:"body"` // a JSON object
}

// Draft is what somebody wants kept.
type Draft struct {
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

// ErrNotFound says that there is no such document.
var ErrNotFound = errors.New("there is no such document")

// ErrFull says that there are MaxDocuments of the kind already.
var ErrFull = fmt.Errorf("there are %d documents of this kind, which is the most; remove one first", MaxDocuments)

// ConflictError says that the document was changed since the version that a change was made from.
type ConflictError struct{ Have, Want int64 }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the document has version %d by now; the change was made from version %d", e.Have, e.Want)
}

// FieldError says what about a document cannot be.
type FieldError struct {
	Field string // a path such as body.tiles[2].report
	Value string // what was given, cut where it is long
	Why   string // a predicate: must be …
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s %s; got %s", e.Field, e.Why, e.Value) }

// Options say where documents are.
type Options struct {
	Dir string
	Now func() time.Time // default: the clock
	// Warn is told of files that cannot be read; a list goes on without them. Default: nobody is.
	Warn func(error)
}

// Store keeps documents. It is safe for concurrent use, also of several processes.
type Store struct {
	options Options
}

// Open makes the folders where they are missing.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	for _, kind := range Kinds() {
		if err := os.MkdirAll(filepath.Join(o.Dir, string(kind)), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of what is saved: %w", err)
		}
	}
	return &Store{o}, nil
}

// List gives all documents of a kind by name, and of one name the oldest first.
func (s *Store) List(kind Kind) ([]Document, error) {
	entries, err := os.ReadDir(s.folder(kind))
	if err != nil {
		return nil, fmt.Errorf("listing what is saved: %w", err)
	}
	documents := []Document{}
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok || !validID(id) {
			continue // a file that is being written, or a stranger's
		}
		document, err := s.Get(kind, id)
		switch {
		case errors.Is(err, ErrNotFound): // removed since
		case err != nil:
			s.options.Warn(err)
		default:
			documents = append(documents, document)
		}
	}
	slices.SortStableFunc(documents, func(a, b Document) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return a.Created.Compare(b.Created)
	})
	return documents, nil
}

// Get gives one document, or ErrNotFound.
func (s *Store) Get(kind Kind, id string) (Document, error) {
	var document Document
	if !validID(id) {
		return document, ErrNotFound
	}
	path := s.path(kind, id)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return document, ErrNotFound
	}
	if err != nil {
		return document, fmt.Errorf("reading what is saved: %w", err)
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return document, fmt.Errorf("%s holds no document: %w", path, err)
	}
	if document.ID != id || document.Version < 1 {
		return document, fmt.Errorf("%s holds no document: it has the id %q and version %d", path, document.ID, document.Version)
	}
	document.Body = compact(document.Body)
	return document, nil
}

// Create keeps a new document under an id of the store's choice. *FieldError: it cannot be; ErrFull: there are too many.
func (s *Store) Create(ctx context.Context, kind Kind, draft Draft) (Document, error) {
	return s.Put(ctx, kind, NewID(), 0, draft)
}

// Put keeps a document under an id. version is the one that the change was made from, 0 where there must be none yet;
// *ConflictError: it has another, ErrNotFound: it is gone, *FieldError: it cannot be, ErrFull: there are too many.
func (s *Store) Put(ctx context.Context, kind Kind, id string, version int64, draft Draft) (Document, error) {
	draft, err := draft.check()
	if err != nil {
		return Document{}, err
	}
	if !validID(id) {
		return Document{}, &FieldError{"id", quote(id), "must be 1 to 64 small letters, digits, - or _"}
	}
	unlock, err := s.lock(ctx, kind)
	if err != nil {
		return Document{}, err
	}
	defer unlock()
	old, err := s.Get(kind, id)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return Document{}, err
	case err != nil && version > 0:
		return Document{}, ErrNotFound
	case err == nil && old.Version != version:
		return Document{}, &ConflictError{Have: old.Version, Want: version}
	}
	now := s.options.Now().UTC().Truncate(time.Millisecond)
	document := Document{ID: id, Name: draft.Name, Version: version + 1, Created: old.Created, Changed: now, Body: draft.Body}
	if version == 0 {
		document.Created = now
		if err := s.room(kind); err != nil {
			return Document{}, err
		}
	}
	if err := s.write(kind, document); err != nil {
		return Document{}, fmt.Errorf("saving: %w", err)
	}
	return document, nil
}

// Remove takes a document away. version is the one that was looked at, 0: whichever it is.
func (s *Store) Remove(ctx context.Context, kind Kind, id string, version int64) error {
	unlock, err := s.lock(ctx, kind)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := s.Get(kind, id)
	if err != nil {
		return err
	}
	if version > 0 && old.Version != version {
		return &ConflictError{Have: old.Version, Want: version}
	}
	if err := os.Remove(s.path(kind, id)); err != nil {
		return fmt.Errorf("removing what is saved: %w", err)
	}
	return syncFolder(s.folder(kind))
}

// Lead takes the lead in something that one process at a time does. leave gives it back, as the end of the process does;
// nil: another has it.
func (s *Store) Lead(what string) (leave func(), err error) {
	l := flock.New(filepath.Join(s.options.Dir, what+".lead"), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("asking who has the lead in %s: %w", what, err)
	}
	if !ok {
		return nil, nil
	}
	return func() { _ = l.Unlock() }, nil // a lock whose file is closed is given back
}

// NewID makes an id that nobody can guess.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

const suffix = ".json"

func (s *Store) folder(kind Kind) string          { return filepath.Join(s.options.Dir, string(kind)) }
func (s *Store) path(kind Kind, id string) string { return filepath.Join(s.folder(kind), id+suffix) }

// lockEvery is how often a lock that another has is tried again.
const lockEvery = 5 * time.Millisecond

// lock keeps other writers of the kind out, in this process and in others.
func (s *Store) lock(ctx context.Context, kind Kind) (unlock func(), err error) {
	l := flock.New(filepath.Join(s.options.Dir, string(kind)+".lock"), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, lockEvery); err != nil {
		return nil, fmt.Errorf("waiting for others who save: %w", err)
	}
	return func() { _ = l.Unlock() }, nil // a lock whose file is closed is given back
}

// room refuses one more document than there may be.
func (s *Store) room(kind Kind) error {
	entries, err := os.ReadDir(s.folder(kind))
	if err != nil {
		return fmt.Errorf("listing what is saved: %w", err)
	}
	n := 0
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), suffix) {
			n++
		}
	}
	if n >= MaxDocuments {
		return ErrFull
	}
	return nil
}

// write puts the file in its place when all of it is on the disk. The lock is held: the temporary name is free.
func (s *Store) write(kind Kind, document Document) (err error) {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	path := s.path(kind, document.ID)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync())
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(s.folder(kind))
}

// check gives the draft in the form in which it is kept.
func (d Draft) check() (Draft, error) {
	d.Name = strings.TrimSpace(d.Name)
	switch n := utf8.RuneCountInString(d.Name); {
	case n == 0:
		return d, &FieldError{"name", `""`, "cannot be empty"}
	case n > MaxName:
		return d, &FieldError{"name", fmt.Sprintf("%d characters", n), fmt.Sprintf("cannot be over %d characters", MaxName)}
	case !utf8.ValidString(d.Name) || strings.ContainsFunc(d.Name, unicode.IsControl):
		return d, &FieldError{"name", quote(d.Name), "must be one line of text"}
	}
	d.Body = compact(d.Body)
	switch {
	case len(d.Body) > MaxBytes:
		return d, &FieldError{"body", fmt.Sprintf("%d bytes", len(d.Body)), fmt.Sprintf("cannot be over %d bytes", MaxBytes)}
	case !bytes.HasPrefix(d.Body, []byte("{")) || !json.Valid(d.Body):
		return d, &FieldError{"body", quote(string(d.Body)), "must be a JSON object"}
	}
	return d, nil
}

func compact(body json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	if json.Compact(&out, body) != nil {
		return body
	}
	return out.Bytes()
}

// validID keeps an id from being a path, and two ids from being one file where capitals do not count.
func validID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// quote shows a value in a message, not all of it where it is long.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
