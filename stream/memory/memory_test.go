package memory_test

import (
	"context"
	"sync"
	"testing"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/stream/streamtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	streams := map[string]*memory.Stream{}
	logs := map[stream.Log]*memory.Stream{}
	streamtest.Run(t, streamtest.Harness{
		Open: func(_ context.Context, name string, limit int64) (stream.Log, error) {
			mu.Lock()
			defer mu.Unlock()
			if streams[name] == nil {
				streams[name] = memory.New(memory.Options{MaxBytes: limit})
			}
			log := streams[name].Open()
			logs[log] = streams[name]
			return log, nil
		},
		Split: func(_ context.Context, log stream.Log, shard stream.ShardID) error {
			mu.Lock()
			defer mu.Unlock()
			return logs[log].Split(shard)
		},
		Powers: streamtest.Powers{Trims: true, Stats: true, Orders: true, Fills: true, Lasts: true},
	})
}
