package jetstream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
)

func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// BenchmarkAppend appends one record a time to an embedded stream, fsynced before it is acknowledged. "raw file" is the
// bound: the same bytes written and fsynced to one file, and no stream.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{4 << 10, 256 << 10, 2 << 20} {
		data := noise(size)
		b.Run(fmt.Sprintf("raw file/%dKiB", size>>10), func(b *testing.B) {
			file, err := os.Create(filepath.Join(b.TempDir(), "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := file.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := file.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
		appendOne := func(b *testing.B, log *jetstream.Log) {
			if err := log.Append(context.Background(), []stream.Record{{Data: data}}); err != nil {
				b.Error(err)
			}
		}
		b.Run(fmt.Sprintf("embedded/%dKiB", size>>10), func(b *testing.B) {
			log := open(b, jetstream.Options{Dir: b.TempDir(), MaxBytes: 32 << 30, CacheBytes: 1 << 40})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				appendOne(b, log)
			}
		})
		b.Run(fmt.Sprintf("embedded, many at a time/%dKiB", size>>10), func(b *testing.B) {
			log := open(b, jetstream.Options{Dir: b.TempDir(), MaxBytes: 32 << 30, CacheBytes: 1 << 40})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					appendOne(b, log)
				}
			})
		})
	}
}

// BenchmarkRead reads a stream of 256 KiB records from its start, as a loader does that has to catch up.
func BenchmarkRead(b *testing.B) {
	const size, count = 256 << 10, 400
	log := open(b, jetstream.Options{Dir: b.TempDir()})
	for range count {
		if err := log.Append(b.Context(), []stream.Record{{Data: noise(size)}}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(size * count)
	b.ReportAllocs()
	for b.Loop() {
		reader, err := log.Read(b.Context(), "0", "")
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < count; {
			records, err := reader.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			n += len(records)
		}
		if err := reader.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWake is the time from calling Append to Next returning the record, to a reader that waits for it. The fsync
// is a part of it.
func BenchmarkWake(b *testing.B) {
	log := open(b, jetstream.Options{Dir: b.TempDir()})
	reader, err := log.Read(b.Context(), "0", "")
	if err != nil {
		b.Fatal(err)
	}
	defer reader.Close()
	data := noise(16 << 10)
	for b.Loop() {
		if err := log.Append(b.Context(), []stream.Record{{Data: data}}); err != nil {
			b.Fatal(err)
		}
		if _, err := reader.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens and closes an embedded stream that holds 100 MB, closed well and killed.
func BenchmarkOpen(b *testing.B) {
	for _, killed := range []bool{false, true} {
		b.Run(fmt.Sprintf("killed=%t", killed), func(b *testing.B) {
			dir := b.TempDir()
			for b.Loop() {
				b.StopTimer()
				if killed {
					for _, index := range indexes(b, dir) {
						if err := os.Remove(index); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.StartTimer()
				log, err := jetstream.OpenEmbedded(b.Context(), jetstream.Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if stat, err := log.Stat(b.Context()); err != nil {
					b.Fatal(err)
				} else if stat.Records == 0 {
					for range 50 {
						if err := log.Append(b.Context(), []stream.Record{{Data: noise(2 << 20)}}); err != nil {
							b.Fatal(err)
						}
					}
				}
				if err := log.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func indexes(tb testing.TB, dir string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "spoor", "msgs", "index.db"))
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// BenchmarkIdle is what an open stream adds to the resident memory of the process when nothing happens.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		before := resident(b)
		start := time.Now()
		log := open(b, jetstream.Options{Dir: b.TempDir()})
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms/open")
		b.ReportMetric(float64(resident(b)-before)/(1<<20), "MiB/open")
		if err := log.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// resident tells the resident memory of this process in bytes, where the system says it; else 0.
func resident(tb testing.TB) int64 {
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(status))[1], 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
