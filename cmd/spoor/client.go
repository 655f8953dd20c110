package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// clientFlags are what every command that talks to a running server takes.
type clientFlags struct {
	Server   string `help:"The running server." default:"${server}" env:"SPOOR_SERVER" placeholder:"URL"`
	Password string `help:"The dashboard's password, where one is set." env:"SPOOR_PASSWORD"`
	Token    string `help:"A token of the API, instead of the password." env:"SPOOR_TOKEN"`
}

// ask asks the server's API and reads its answer; into nil: there is nothing to read. headers are such as "If-Match: *".
func (c *clientFlags) ask(ctx context.Context, method, path string, query url.Values, body, into any, headers ...string) error {
	response, err := c.request(ctx, method, path, query, body, "application/json", headers...)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	return nil
}

// request asks the server's API. The caller closes the body. An answer that is no success is an error that holds what
// the server said.
func (c *clientFlags) request(ctx context.Context, method, path string, query url.Values, body any, accept string, headers ...string) (*http.Response, error) {
	base, err := url.Parse(strings.TrimSuffix(c.Server, "/"))
	if err != nil || base.Scheme == "" || base.Host == "" {
		return nil, usagef("--server must be a URL such as http://127.0.0.1:8080; got %q", c.Server)
	}
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	target := base.JoinPath(path)
	target.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, method, target.String(), reader)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.Token)
	case c.Password != "":
		r.SetBasicAuth("spoor", c.Password)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("no server answers at %s: %w (is \"spoor serve\" running?)", c.Server, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	var said struct{ Error string }
	if json.Unmarshal(text, &said) == nil && said.Error != "" {
		return nil, errors.New(said.Error)
	}
	return nil, fmt.Errorf("%s answered %s: %s", c.Server, response.Status, bytes.TrimSpace(text))
}
