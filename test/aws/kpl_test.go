package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/kpl"
)

// oracle asks Amazon's package, unmodified and pinned, about aggregated records.
func oracle(t *testing.T, ask, answer any) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/aws-kinesis-agg")
	}
	if err != nil {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatalf("Amazon's package for aggregated records is needed: %v", err)
		}
		t.Skipf("Amazon's package for aggregated records is needed: %v", err)
	}
	question, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, "kpl.mjs")
	command.Stdin, command.Stderr = bytes.NewReader(question), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
}

// bodies are user records of all sizes at which a length takes another byte, with every byte there is.
func bodies() [][]byte {
	source := rand.NewChaCha8([32]byte{7})
	var all [][]byte
	for _, size := range []int{1, 2, 100, 118, 119, 120, 121, 127, 128, 129, 500, 16_370, 16_384, 20_000} {
		data := make([]byte, size)
		_, _ = source.Read(data)
		all = append(all, data)
	}
	for i := range 300 {
		all = append(all, fmt.Appendf(nil, `{"type":"track","event":"Grüße %d","userId":"u-%d"}`, i, i%7))
	}
	return all
}

// What Spoor aggregates Amazon's package takes apart, and what is damaged it does not take for whole.
func TestAmazonReadsOurAggregates(t *testing.T) {
	t.Parallel()
	want := bodies()
	var w kpl.Writer
	w.Reset("a person")
	for _, data := range want {
		w.Add(data)
	}
	whole := w.Seal(nil)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-1] ^= 1
	plain := []byte(`{"type":"page","userId":"u"}`)
	var have struct {
		Split []struct {
			Error   string
			Records []struct {
				Key  string
				Data []byte
			}
		}
	}
	oracle(t, map[string]any{"split": [][]byte{whole, damaged, plain}}, &have)
	if len(have.Split) != 3 || have.Split[0].Error != "" || len(have.Split[0].Records) != len(want) {
		t.Fatalf("want %d records of the first of three; have %d of %d, %q", len(want), len(have.Split[0].Records), len(have.Split), have.Split[0].Error)
	}
	for i, r := range have.Split[0].Records {
		if r.Key != "a person" || !bytes.Equal(r.Data, want[i]) {
			t.Errorf("record %d: want %d bytes of \"a person\"; have %d of %q", i, len(want[i]), len(r.Data), r.Key)
		}
	}
	if !strings.Contains(have.Split[1].Error, "checksum") {
		t.Errorf("want the damaged record refused for its checksum; have %q and %d records", have.Split[1].Error, len(have.Split[1].Records))
	}
	if r := have.Split[2].Records; len(r) != 1 || !bytes.Equal(r[0].Data, plain) {
		t.Errorf("want a plain record to be one; have %v", r)
	}
}

// What Amazon's package aggregates, with many keys and explicit hash keys, Spoor takes apart.
func TestWeReadAmazonsAggregates(t *testing.T) {
	t.Parallel()
	type record struct {
		PartitionKey    string `json:"partitionKey"`
		ExplicitHashKey string `json:"explicitHashKey,omitempty"`
		Data            []byte `json:"data"`
	}
	var ask []record
	for i, data := range bodies() {
		r := record{PartitionKey: fmt.Sprintf("key %d", i%150), Data: data}
		if i%3 == 0 {
			// As large as hash keys are: of small numbers the package mixes up the table.
			r.ExplicitHashKey = fmt.Sprintf("17014118346046923173168730371588410572%d", i%5)
		}
		ask = append(ask, r)
	}
	var answer struct{ Joined []record }
	oracle(t, map[string]any{"join": ask}, &answer)
	n := 0
	for _, joined := range answer.Joined {
		records, ok := kpl.Read(joined.Data, nil)
		if !ok {
			t.Fatalf("an aggregate of %d bytes is not read", len(joined.Data))
		}
		for _, have := range records {
			if n == len(ask) {
				t.Fatalf("want %d records; have more", len(ask))
			}
			want := ask[n]
			if string(have.Key) != want.PartitionKey || string(have.HashKey) != want.ExplicitHashKey || !bytes.Equal(have.Data, want.Data) {
				t.Errorf("record %d: want %d bytes of %q, %q; have %d of %q, %q", n, len(want.Data), want.PartitionKey, want.ExplicitHashKey,
					len(have.Data), have.Key, have.HashKey)
			}
			n++
		}
	}
	if n != len(ask) {
		t.Errorf("want %d records; have %d", len(ask), n)
	}
}
