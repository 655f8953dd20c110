package redshift

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/awsconf"
)

// staging is the place in S3 that COPY reads from.
type staging struct {
	client *s3.Client
	bucket string
	prefix string

	mu   sync.Mutex
	left []string // keys that could not be removed yet
}

func openStaging(ctx context.Context, l location) (*staging, error) {
	conf, err := awsconf.Load(ctx, l.aws)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(conf, func(o *s3.Options) { o.UsePathStyle = l.aws.Endpoint != "" })
	return &staging{client: client, bucket: l.bucket, prefix: l.prefix}, nil
}

// fileSet is the files of one COPY.
type fileSet struct {
	name     string // of the folder that they are in
	keys     []string
	manifest string // its key
	rows     int64
	csv      bool
}

// all gives every key, the manifest's among them.
func (f *fileSet) all() []string { return append([]string{f.manifest}, f.keys...) }

// newFileSet names a set. No two have the same name, not even of one batch: what a COPY reads is only what was
// staged for it.
func (s *staging) newFileSet(batch, table string) *fileSet {
	safe := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, batch)
	name := fmt.Sprintf("%s%s/%.60s-%s/%s", s.prefix, time.Now().UTC().Format("2006/01/02"), safe, rand.Text()[:10], table)
	return &fileSet{name: name, manifest: name + ".manifest"}
}

// rowsInFile is how many rows one file has: some megabytes of JSON, so that a cluster's slices share the work.
const rowsInFile = 10_000

// putRows stages Arrow rows as JSON.
func (s *staging) putRows(ctx context.Context, set *fileSet, columns []event.Column, more func([]byte, int) []byte, batch arrow.RecordBatch) error {
	rows := int(batch.NumRows())
	set.rows = int64(rows)
	var wg sync.WaitGroup
	turns := make(chan bool, 4)
	errs := make([]error, (rows+rowsInFile-1)/rowsInFile)
	for i := range errs {
		key := fmt.Sprintf("%s-%03d.json.zst", set.name, i)
		set.keys = append(set.keys, key)
		turns <- true
		wg.Go(func() {
			defer func() { <-turns }()
			from := i * rowsInFile
			errs[i] = s.put(ctx, key, func(w io.Writer) error {
				return newJSONRows(columns, more).write(w, batch, from, min(from+rowsInFile, rows))
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.putManifest(ctx, set)
}

// putLetters stages dead letters.
func (s *staging) putLetters(ctx context.Context, set *fileSet, columns []event.Column, batch arrow.RecordBatch) error {
	set.csv, set.keys = true, []string{set.name + ".csv.zst"}
	err := s.put(ctx, set.keys[0], func(w io.Writer) (err error) {
		set.rows, err = csvLetters(w, batch, columns)
		return err
	})
	if err != nil {
		return err
	}
	return s.putManifest(ctx, set)
}

// put packs what write writes, and stores it.
func (s *staging) put(ctx context.Context, key string, write func(io.Writer) error) error {
	var b bytes.Buffer
	w, err := packed(&b)
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.store(ctx, key, b.Bytes())
}

func (s *staging) store(ctx context.Context, key string, content []byte) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		return fmt.Errorf("staging s3://%s/%s: %w", s.bucket, key, err)
	}
	return nil
}

// putManifest stores the list of a set's files. Each is mandatory: a COPY passes over a missing one otherwise, without a
// word.
func (s *staging) putManifest(ctx context.Context, set *fileSet) error {
	type entry struct {
		URL       string `json:"url"`
		Mandatory bool   `json:"mandatory"`
	}
	var manifest struct {
		Entries []entry `json:"entries"`
	}
	for _, key := range set.keys {
		manifest.Entries = append(manifest.Entries, entry{URL: "s3://" + s.bucket + "/" + key, Mandatory: true})
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	return s.store(ctx, set.manifest, text)
}

// The bounds of removing.
const (
	removeFor   = 10 * time.Second
	removeMost  = 1000 // keys in a call
	removeLater = 10_000
)

// remove removes objects. It never fails a load: what cannot be removed is tried again with the next, within bounds, and
// a lifecycle rule of the bucket is for the rest.
func (s *staging) remove(ctx context.Context, keys []string) {
	s.mu.Lock()
	keys = append(keys, s.left...)
	s.left = nil
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeFor)
	defer cancel()
	for len(keys) > 0 {
		some := keys[:min(len(keys), removeMost)]
		list := make([]types.ObjectIdentifier, len(some))
		for i := range some {
			list[i].Key = aws.String(some[i])
		}
		if _, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)}}); err != nil {
			break
		}
		keys = keys[len(some):]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, keys[:min(len(keys), removeLater)]...)
}
