package redshiftfake

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/johannesboyne/gofakes3"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/internal/pgsql"
)

// The limits of what COPY takes.
const (
	maxRow    = 4 << 20
	maxText   = 65535
	maxObject = 16 << 20
)

// copyCommand is a COPY from S3.
type copyCommand struct {
	table     string
	columns   []string
	bucket    string
	key       string
	manifest  bool
	gzip      bool
	zstd      bool
	csv       bool
	times     bool // TIMEFORMAT 'auto'
	maxErrors int
	target    []column // in the order of the rows
}

// parseCopy reads COPY t (columns) FROM 's3://…' and its options.
func parseCopy(words []word) (*copyCommand, error) {
	c := &copyCommand{}
	i := 1
	for ; i < len(words) && words[i].text != "(" && !words[i].is("from"); i++ {
		c.table += words[i].text
	}
	if i < len(words) && words[i].text == "(" {
		for i++; i < len(words) && words[i].text != ")"; i++ {
			if words[i].text != "," {
				c.columns = append(c.columns, identifier(words[i].text))
			}
		}
		i++
	}
	if i+1 >= len(words) || !words[i].is("from") {
		return nil, errors.New("syntax error: COPY without FROM 's3://…'")
	}
	url := unquote(words[i+1].text)
	var ok bool
	if c.bucket, c.key, ok = strings.Cut(strings.TrimPrefix(url, "s3://"), "/"); !ok {
		return nil, fmt.Errorf("S3 path %s is not s3://bucket/prefix", url)
	}
	json, authorized := false, false
	value := func() string { // the option's, behind AS where it stands
		if i++; i < len(words) && words[i].is("as") {
			i++
		}
		if i >= len(words) {
			return ""
		}
		return strings.Trim(words[i].text, "'")
	}
	for i += 2; i < len(words); i++ {
		switch name := strings.ToLower(words[i].text); name {
		case "iam_role", "credentials":
			authorized = value() != ""
		case "manifest":
			c.manifest = true
		case "gzip":
			c.gzip = true
		case "zstd":
			c.zstd = true
		case "format", "as":
		case "csv":
			c.csv = true
		case "json":
			json = true
			if how := value(); how != "auto" {
				return nil, fmt.Errorf("the stand-in reads JSON 'auto' alone; got %q", how)
			}
		case "timeformat":
			if how := value(); how != "auto" {
				return nil, fmt.Errorf("the stand-in knows TIMEFORMAT 'auto' alone; got %q", how)
			}
			c.times = true
		case "maxerror":
			n, err := strconv.Atoi(value())
			if err != nil || n < 0 || n > 100_000 {
				return nil, errors.New("MAXERROR is from 0 to 100000")
			}
			c.maxErrors = n
		case "compupdate", "statupdate", "region":
			value()
		default:
			return nil, fmt.Errorf("the stand-in does not know the option %s of COPY", name)
		}
	}
	switch {
	case !authorized:
		return nil, errors.New("COPY from S3 needs IAM_ROLE or CREDENTIALS")
	case json == c.csv:
		return nil, errors.New("the stand-in reads FORMAT JSON 'auto' or CSV")
	}
	return c, nil
}

// files gives the contents of the files that a command names, unpacked.
func (c *copyCommand) files(objects gofakes3.Backend) ([][]byte, error) {
	type entry struct {
		URL       string `json:"url"`
		Mandatory bool   `json:"mandatory"`
	}
	var entries []entry
	if c.manifest {
		text, err := get(objects, c.bucket, c.key)
		if err != nil {
			return nil, fmt.Errorf("manifest s3://%s/%s: %w", c.bucket, c.key, err)
		}
		var manifest struct {
			Entries []entry `json:"entries"`
		}
		if err := json.Unmarshal(text, &manifest); err != nil {
			return nil, fmt.Errorf("manifest s3://%s/%s: %w", c.bucket, c.key, err)
		}
		entries = manifest.Entries
	} else {
		list, err := objects.ListBucket(c.bucket, &gofakes3.Prefix{HasPrefix: true, Prefix: c.key}, gofakes3.ListBucketPage{})
		if err != nil {
			return nil, err
		}
		for _, o := range list.Contents {
			entries = append(entries, entry{URL: "s3://" + c.bucket + "/" + o.Key})
		}
	}
	var files [][]byte
	for _, e := range entries {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(e.URL, "s3://"), "/")
		packed, err := get(objects, bucket, key)
		if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) && !e.Mandatory {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", e.URL, err)
		}
		text, err := c.unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", e.URL, err)
		}
		files = append(files, text)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("The specified S3 prefix '%s' does not exist", c.key) //nolint:staticcheck // as Redshift says it
	}
	return files, nil
}

func get(objects gofakes3.Backend, bucket, key string) ([]byte, error) {
	object, err := objects.GetObject(bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer object.Contents.Close()
	return io.ReadAll(object.Contents)
}

func (c *copyCommand) unpack(packed []byte) ([]byte, error) {
	switch {
	case c.gzip:
		r, err := gzip.NewReader(strings.NewReader(string(packed)))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case c.zstd:
		r, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.DecodeAll(packed, nil)
	}
	return packed, nil
}

// column is one of the table that COPY writes.
type column struct {
	name, typ string
	size      int // of a VARCHAR; 0: another type
	required  bool
}

// rows gives the files' rows as PostgreSQL's COPY reads its text format. The first error, past MAXERROR, is returned.
func (c *copyCommand) rows(files [][]byte, columns []column) ([][]byte, error) {
	var rows [][]byte
	failures := 0
	for _, file := range files {
		each := eachJSON
		if c.csv {
			each = eachCSV
		}
		err := each(file, columns, func(length int, values []*string, err error) error {
			var row []byte
			if err == nil && length > maxRow {
				err = fmt.Errorf("a row of %d bytes is over 4 MB", length)
			}
			if err == nil {
				row, err = c.row(columns, values)
			}
			if err != nil {
				if failures++; failures > c.maxErrors {
					return err
				}
				return nil
			}
			rows = append(rows, row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (c *copyCommand) row(columns []column, values []*string) ([]byte, error) {
	var row []byte
	for i, column := range columns {
		if i > 0 {
			row = append(row, '\t')
		}
		if values[i] == nil {
			if column.required {
				return nil, fmt.Errorf("column %s: Missing data for not-null field", column.name)
			}
			row = append(row, `\N`...)
			continue
		}
		value, err := c.value(column, *values[i])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", column.name, err)
		}
		row = appendEscaped(row, value)
	}
	return append(row, '\n'), nil
}

// appendEscaped writes a value as PostgreSQL's COPY reads it.
func appendEscaped(row []byte, value string) []byte {
	for i := range len(value) {
		switch b := value[i]; b {
		case '\\':
			row = append(row, '\\', '\\')
		case '\t':
			row = append(row, '\\', 't')
		case '\n':
			row = append(row, '\\', 'n')
		case '\r':
			row = append(row, '\\', 'r')
		default:
			row = append(row, b)
		}
	}
	return row
}

func (c *copyCommand) value(column column, value string) (string, error) {
	switch {
	case !utf8.ValidString(value):
		return "", errors.New("String contains invalid or unsupported UTF8 codepoints") //nolint:staticcheck // as Redshift says it
	case strings.IndexByte(value, 0) >= 0:
		return "", errors.New("Invalid null byte") //nolint:staticcheck // as Redshift says it
	case column.typ == "super":
		return value, checkObject(value)
	case column.typ == "bytea":
		if !c.csv {
			return "", errors.New("VARBYTE is read from CSV, Parquet and ORC alone")
		}
		if _, err := hex.DecodeString(value); err != nil {
			return "", err
		}
		return `\x` + value, nil
	case column.size > 0 && len(value) > column.size:
		return "", fmt.Errorf("String length exceeds DDL length: %d bytes in VARCHAR(%d)", len(value), column.size) //nolint:staticcheck // as Redshift says it
	case strings.HasPrefix(column.typ, "timestamp") && !c.times && strings.ContainsAny(value, "TZ+."):
		return "", errors.New("Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]") //nolint:staticcheck // as Redshift says it
	}
	return value, nil
}

// checkObject holds a JSON text to what a SUPER takes.
func checkObject(text string) error {
	if len(text) > maxObject {
		return fmt.Errorf("a SUPER of %d bytes is over 16 MB", len(text))
	}
	v, rest, err := jsonscan.Scan([]byte(text), maxDepth)
	if err != nil || len(rest) > 0 || v.Flags&(jsonscan.NonFinite|jsonscan.LoneSurrogate) != 0 {
		return fmt.Errorf("Invalid JSON (%w)", err) //nolint:staticcheck // as Redshift says it
	}
	if len(text) <= maxText && v.Flags&jsonscan.NUL == 0 && !mayBeLarge(text) {
		return nil // no string in it can be too long, and no number too large
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("Invalid JSON: %w", err) //nolint:staticcheck // as Redshift says it
		}
		switch token := token.(type) {
		case string:
			if len(token) > maxText {
				return fmt.Errorf("a string of %d bytes in a SUPER is over %d", len(token), maxText)
			}
			if strings.IndexByte(token, 0) >= 0 {
				return errors.New("a SUPER with a NUL")
			}
		case json.Number:
			if _, err := token.Float64(); err != nil {
				return fmt.Errorf("a SUPER with the number %s", token)
			}
		}
	}
}

// mayBeLarge tells whether a number in a JSON text may be too large: one with an exponent, or with very many digits.
func mayBeLarge(text string) bool {
	digits := 0
	for i := range len(text) {
		switch b := text[i]; {
		case '0' <= b && b <= '9':
			if digits++; digits > 300 {
				return true
			}
		case (b == 'e' || b == 'E') && digits > 0:
			return true
		default:
			digits = 0
		}
	}
	return false
}

// eachJSON reads objects one behind another; members are found by the columns' names.
func eachJSON(file []byte, columns []column, do func(int, []*string, error) error) error {
	index := make(map[string]int, len(columns))
	for i, c := range columns {
		index[c.name] = i
	}
	for {
		object, rest, err := jsonscan.Scan(file, maxDepth)
		if err != nil {
			if len(bytes.TrimSpace(file)) == 0 {
				return nil
			}
			return fmt.Errorf("Invalid JSON: %w", err) //nolint:staticcheck // as Redshift says it
		}
		file = rest
		values := make([]*string, len(columns))
		members := jsonscan.NewMembers(object.Raw)
		for members.Next() {
			i, ok := index[string(members.Key())]
			value := members.Value()
			if !ok || value.Kind == jsonscan.Null {
				continue
			}
			text := string(value.Raw)
			if value.Kind == jsonscan.String && columns[i].typ != "super" {
				if value.Flags == 0 {
					text = text[1 : len(text)-1]
				} else if err := json.Unmarshal(value.Raw, &text); err != nil {
					return err
				}
			}
			values[i] = &text
		}
		if err := errors.Join(members.Err(), do(len(object.Raw), values, nil)); err != nil {
			return err
		}
	}
}

// maxDepth is how deep a SUPER may nest.
const maxDepth = 1000

// eachCSV reads lines of values in the columns' order. An empty value is an empty text, and NULL in any other column.
func eachCSV(file []byte, columns []column, do func(int, []*string, error) error) error {
	reader := csv.NewReader(strings.NewReader(string(file)))
	reader.FieldsPerRecord = -1
	at := int64(0)
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(fields) != len(columns) {
			err = fmt.Errorf("a line has %d values for %d columns", len(fields), len(columns))
		}
		values := make([]*string, len(columns))
		for i := range min(len(fields), len(columns)) {
			if fields[i] != "" || columns[i].size > 0 || columns[i].typ == "bytea" {
				values[i] = &fields[i]
			}
		}
		length := int(reader.InputOffset() - at)
		at = reader.InputOffset()
		if err := do(length, values, err); err != nil {
			return err
		}
	}
}

// into gives the statement that PostgreSQL gets, and the columns in the order of the rows.
func (c *copyCommand) into(table []column) (string, []column, error) {
	columns := table
	if c.columns != nil {
		columns = nil
		for _, name := range c.columns {
			i := slices.IndexFunc(table, func(t column) bool { return t.name == name })
			if i < 0 {
				return "", nil, fmt.Errorf("column %q of relation %q does not exist", name, c.table)
			}
			columns = append(columns, table[i])
		}
	}
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = pgsql.Quote(column.name)
	}
	return fmt.Sprintf("copy %s (%s) from stdin", c.table, strings.Join(names, ", ")), columns, nil
}
