// Package kpl writes and reads the aggregated records of the Kinesis Producer Library: many user records within one
// record of a stream. The format is specified in awslabs/amazon-kinesis-producer, aggregation-format.md:
//
//	F3 89 9A C2 | AggregatedRecord, a proto2 message | MD5 of the message
//
//	message AggregatedRecord {
//	  repeated string partition_key_table     = 1;
//	  repeated string explicit_hash_key_table = 2;
//	  repeated Record records                 = 3;
//	}
//	message Record {
//	  required uint64 partition_key_index     = 1;
//	  optional uint64 explicit_hash_key_index = 2;
//	  required bytes  data                    = 3;
//	  repeated Tag    tags                    = 4;
//	}
//
// That is so little of protobuf that it is written here by hand, with the varints of encoding/binary.
package kpl

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math"
)

const (
	magic = "\xf3\x89\x9a\xc2"
	// frame is what stands around the message.
	frame = len(magic) + md5.Size

	keyTable, hashTable, records = 1, 2, 3 // the fields of an AggregatedRecord
	keyIndex, hashIndex, payload = 1, 2, 3 // the fields of a Record
)

// The wire types of protobuf.
const (
	varint = 0
	fixed8 = 1
	length = 2
	fixed4 = 5
)

// Writer gathers user records of one partition key. All of them have the key of the record that carries them: a consumer
// that drops user records whose key belongs to another shard, as the Kinesis Client Library does, then drops none.
type Writer struct {
	key  string
	body []byte // the message
	n    int
}

// Reset empties the writer and sets the key of what comes.
func (w *Writer) Reset(key string) {
	w.key, w.n = key, 0
	w.body = appendBytes(w.body[:0], keyTable, []byte(key))
}

// Len is how many user records there are.
func (w *Writer) Len() int { return w.n }

// SizeWith is what Kinesis would count for the record, its data and its key, with one user record of so many bytes more.
func (w *Writer) SizeWith(size int) int {
	inner := recordSize(size)
	return frame + len(w.body) + 1 + varintSize(inner) + inner + len(w.key)
}

// recordSize is the size of a Record whose data has so many bytes.
func recordSize(size int) int { return 2 + 1 + varintSize(size) + size }

func varintSize(n int) int { return len(binary.AppendUvarint(nil, uint64(n))) }

// Add adds a user record. Its data is copied.
func (w *Writer) Add(data []byte) {
	w.body = append(w.body, tag(records, length))
	w.body = binary.AppendUvarint(w.body, uint64(recordSize(len(data))))
	w.body = append(w.body, tag(keyIndex, varint), 0)
	w.body = appendBytes(w.body, payload, data)
	w.n++
}

// Seal appends the aggregated record to dst. It belongs under the writer's key.
func (w *Writer) Seal(dst []byte) []byte {
	sum := md5.Sum(w.body)
	return append(append(append(dst, magic...), w.body...), sum[:]...)
}

func tag(field, kind byte) byte { return field<<3 | kind }

func appendBytes(dst []byte, field byte, data []byte) []byte {
	dst = append(dst, tag(field, length))
	dst = binary.AppendUvarint(dst, uint64(len(data)))
	return append(dst, data...)
}

// Record is a user record. Its fields are views of the aggregated record.
type Record struct {
	Key     []byte
	HashKey []byte // nil: none
	Data    []byte
}

// Is tells by its first bytes whether a record may be an aggregated one.
func Is(data []byte) bool { return len(data) > frame && string(data[:len(magic)]) == magic }

// Read appends the user records of an aggregated record to dst. False: it is not one, because its first bytes, its
// checksum or its message are wrong. Such a record is a plain one, that begins so by chance.
func Read(data []byte, dst []Record) ([]Record, bool) {
	if !Is(data) {
		return dst, false
	}
	body := data[len(magic) : len(data)-md5.Size]
	if sum := md5.Sum(body); !bytes.Equal(sum[:], data[len(data)-md5.Size:]) {
		return dst, false
	}
	var keys, hashes, inner [][]byte
	ok := fields(body, func(field uint64, _ uint64, value []byte) bool {
		switch field {
		case keyTable:
			keys = append(keys, value)
		case hashTable:
			hashes = append(hashes, value)
		case records:
			inner = append(inner, value)
		}
		return value != nil || field > records
	})
	for i := 0; ok && i < len(inner); i++ {
		var r Record
		if r, ok = readRecord(inner[i], keys, hashes); ok {
			dst = append(dst, r)
		}
	}
	return dst, ok
}

func readRecord(body []byte, keys, hashes [][]byte) (r Record, ok bool) {
	pick := func(table [][]byte, i uint64, value []byte) []byte {
		if value != nil || i >= uint64(len(table)) {
			return nil
		}
		return table[i]
	}
	ok = fields(body, func(field uint64, number uint64, value []byte) bool {
		switch field {
		case keyIndex:
			r.Key = pick(keys, number, value)
			return r.Key != nil
		case hashIndex:
			r.HashKey = pick(hashes, number, value)
			return r.HashKey != nil
		case payload:
			r.Data = value
			return value != nil
		}
		return true
	})
	return r, ok && r.Key != nil && r.Data != nil
}

// fields gives the fields of a message in turn, a number or, where value is not nil, bytes. False: the message is broken,
// or see said so.
func fields(body []byte, see func(field, number uint64, value []byte) bool) bool {
	for len(body) > 0 {
		head, n := binary.Uvarint(body)
		if n <= 0 {
			return false
		}
		body = body[n:]
		var number uint64
		var value []byte
		switch head & 7 {
		case varint:
			if number, n = binary.Uvarint(body); n <= 0 {
				return false
			}
			body = body[n:]
		case length:
			size, n := binary.Uvarint(body)
			if n <= 0 || size > math.MaxInt32 || uint64(len(body)-n) < size {
				return false
			}
			// Its capacity ends with it, and an empty one is not nil.
			value = body[n : n+int(size) : n+int(size)]
			body = body[n+int(size):]
		case fixed8, fixed4:
			size := 8
			if head&7 == fixed4 {
				size = 4
			}
			if len(body) < size {
				return false
			}
			value, body = body[:size:size], body[size:]
		default:
			return false
		}
		if head>>3 == 0 || !see(head>>3, number, value) {
			return false
		}
	}
	return true
}
