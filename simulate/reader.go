package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
)

// Reader asks the warehouse.
type Reader interface {
	// Query runs one select and yields its rows, each as its columns' values by name: strings, numbers (as
	// json.Number or any of Go's), booleans or nil. A row is good until the next one. An error is yielded last.
	Query(ctx context.Context, sql string) iter.Seq2[map[string]any, error]
}

// HTTPReader asks a running server by POST {Server}/api/sql, which answers {"sql": "select …"} with an array of
// objects, and tells in the trailer Spoor-Error of a fault after the first row.
type HTTPReader struct {
	Server   string
	Password string       // of Basic authentication; empty: none is sent
	Client   *http.Client // nil: http.DefaultClient
}

// Query is of Reader.
func (r *HTTPReader) Query(ctx context.Context, sql string) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		if err := r.query(ctx, sql, func(row map[string]any) bool { return yield(row, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// query calls each for every row until that returns false.
func (r *HTTPReader) query(ctx context.Context, sql string, each func(map[string]any) bool) error {
	body, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.Server, "/")+"/api/sql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if r.Password != "" {
		request.SetBasicAuth("spoor", r.Password)
	}
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", r.Server, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // as much as there is
		return fmt.Errorf("%s answered %q with %s: %s", r.Server, sql, response.Status, bytes.TrimSpace(text))
	}
	if err := decodeRows(response.Body, each); err != nil {
		return fmt.Errorf("read the answer of %s to %q: %w", r.Server, sql, err)
	}
	if fault := response.Trailer.Get("Spoor-Error"); fault != "" {
		return fmt.Errorf("%s broke off its answer to %q: %s", r.Server, sql, fault)
	}
	return nil
}

// decodeRows reads an array of objects and calls each for every one until that returns false.
func decodeRows(text io.Reader, each func(map[string]any) bool) error {
	d := json.NewDecoder(text)
	d.UseNumber()
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('[') {
		return fmt.Errorf("want an array of objects; got %v", t)
	}
	row := make(map[string]any)
	for d.More() {
		clear(row)
		if err := d.Decode(&row); err != nil {
			return err
		}
		if !each(row) {
			return nil
		}
	}
	_, err := d.Token()
	return err
}
