package redshift

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// BenchmarkStaging is the measurement behind docs/adr/0011-redshift-staging.md: what it costs to write a batch for COPY, and
// how large it is.
func BenchmarkStaging(b *testing.B) {
	const rows = 20_000
	batch := warehousetest.Realistic(1, rows)
	defer batch.Events.Release()
	asJSON := func(pack func(io.Writer) (io.WriteCloser, error)) func(io.Writer) error {
		return func(out io.Writer) error {
			w, err := pack(out)
			if err != nil {
				return err
			}
			if err := newJSONRows(event.Columns(), nil).write(w, batch.Events, 0, rows); err != nil {
				return err
			}
			return w.Close()
		}
	}
	gzipped := func(level int) func(io.Writer) error {
		return asJSON(func(w io.Writer) (io.WriteCloser, error) { return kgzip.NewWriterLevel(w, level) })
	}
	zstandard := func(level zstd.EncoderLevel) func(io.Writer) error {
		return asJSON(func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
		})
	}
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"json", asJSON(func(w io.Writer) (io.WriteCloser, error) { return plain{w}, nil })},
		{"json+gzip1", gzipped(gzip.BestSpeed)},
		{"json+gzip5", gzipped(5)},
		{"json+zstd1", zstandard(zstd.SpeedFastest)},
		{"json+zstd3", zstandard(zstd.SpeedDefault)},
		{"parquet+snappy", asParquet(batch.Events, compress.Codecs.Snappy)},
		{"parquet+zstd", asParquet(batch.Events, compress.Codecs.Zstd)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if err := c.write(&out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			b.ReportMetric(float64(out.Len())/rows, "B/row")
		})
	}
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

func asParquet(batch arrow.RecordBatch, codec compress.Compression) func(io.Writer) error {
	return func(out io.Writer) error {
		w, err := pqarrow.NewFileWriter(batch.Schema(), out, parquet.NewWriterProperties(parquet.WithCompression(codec)), pqarrow.DefaultWriterProps())
		if err != nil {
			return err
		}
		if err := w.Write(batch); err != nil {
			return err
		}
		return w.Close()
	}
}
