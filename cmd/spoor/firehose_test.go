package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/firehosefake"
)

// TestCollectBeforeFirehose runs the door as an operator does, and sends it one event.
func TestCollectBeforeFirehose(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	fake := firehosefake.New(t)
	reader, writer := io.Pipe()
	var logged bytes.Buffer
	code := make(chan int, 1)
	ctx, stop := context.WithCancel(ctx)
	go func() {
		code <- run(ctx, []string{
			"--log-format", "json", "collect", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--collector", "test",
			"--stream", "firehose://events?dead_letters=events-dead&endpoint=" + url.QueryEscape(fake.URL),
		}, process{writer, &logged, strings.NewReader("")})
		writer.Close()
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("want the URL on the first line; have %v", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSpace(line)+"/v1/track",
		strings.NewReader(`{"event":"Search Used","userId":"u1","messageId":"m1","properties":{"query":"shoes"}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("dev", "")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("want 200; have %s", response.Status)
	}
	have := fake.Records("events")
	if len(have) != 1 || !bytes.Contains(have[0], []byte(`"message_id":"m1"`)) || !bytes.Contains(have[0], []byte(`"properties":{"query":"shoes"}`)) {
		t.Errorf("want the event's row on the delivery stream; have %q", have)
	}
	stop()
	if have := <-code; have != exitOK {
		t.Errorf("want code %d; have %d: %s", exitOK, have, logged.String())
	}
}

// TestFirehoseCannotBeRead: what would read the stream says what to run instead.
func TestFirehoseCannotBeRead(t *testing.T) {
	t.Parallel()
	const location = "firehose://events?region=us-east-1"
	for _, command := range []string{"serve", "load", "dashboard"} {
		_, stderr, code := runIn(t, "", command, "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--stream", location)
		if code != exitUsage || !strings.Contains(stderr, "spoor collect --stream "+location) {
			t.Errorf("%s: want code %d and what to run; have %d: %s", command, exitUsage, code, stderr)
		}
	}
	_, stderr, code := runIn(t, "", "collect", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--stream", location, "--stream-format", "kpl")
	if code != exitUsage || !strings.Contains(stderr, "--stream-format kpl") {
		t.Errorf("want a format for others refused; have %d: %s", code, stderr)
	}
	for stream, want := range map[string]string{
		"firehose://?region=us-east-1":               "firehose://delivery-stream",
		"firehose://events/x?region=us-east-1":       "firehose://delivery-stream",
		"firehose://events?regoin=us-east-1":         `"regoin"`,
		"firehose://events?endpoint=127.0.0.1%3A456": "endpoint",
	} {
		_, stderr, code := runIn(t, "", "collect", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--stream", stream)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: want code %d and %q; have %d: %s", stream, exitUsage, want, code, stderr)
		}
	}
}
