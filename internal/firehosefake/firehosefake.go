// Package firehosefake is a Firehose in this process, for tests: PutRecordBatch and DescribeDeliveryStream of the API,
// with the limits of the real one, records that fail one by one, calls that fail whole, and delivery of what was taken as
// joined objects. It checks no signatures, knows one delivery stream for each name that it is asked for, and delivers
// when it is told to, not by time.
package firehosefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The limits of the real one: of a call's records and bytes, and of one record, before base64.
const (
	maxRecords     = 500
	maxCallBytes   = 4 << 20
	maxRecordBytes = 1000 << 10
)

// Fault decides what becomes of one record of a call, by its place in it: an ErrorCode such as
// ServiceUnavailableException, or "" for taken.
type Fault func(call, record int, data []byte) (code string)

// Server is the fake. Use New.
type Server struct {
	URL string

	mu    sync.Mutex
	calls int
	taken map[string][][]byte // by delivery stream, what was not delivered yet
	fault Fault
	whole func(call int) (status int, code string)
	lost  func(call int) bool
}

// New starts a fake for the length of a test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{taken: map[string][][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// FailRecords lets single records fail; nil: none.
func (s *Server) FailRecords(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// FailCalls lets whole calls fail with a status and a code, before anything is taken; status 0: not this one.
func (s *Server) FailCalls(f func(call int) (status int, code string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = f
}

// LoseAnswers lets the answer of a call be lost after its records were taken.
func (s *Server) LoseAnswers(f func(call int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = f
}

// Calls is how many calls of PutRecordBatch there were.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Records gives copies of what the delivery stream holds undelivered, in order.
func (s *Server) Records(name string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken[name])
}

// Deliver hands what the delivery stream holds to the sink in objects of about size bytes: records joined with nothing
// between, as Firehose does it. An object that the sink refuses, and all behind it, stay for the next Deliver.
func (s *Server) Deliver(name string, size int, sink func(object []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.taken[name]) > 0 {
		var object []byte
		n := 0
		for _, data := range s.taken[name] {
			if n > 0 && len(object)+len(data) > size {
				break
			}
			object = append(object, data...)
			n++
		}
		if err := sink(object); err != nil {
			return err
		}
		s.taken[name] = s.taken[name][n:]
	}
	return nil
}

type putRecordBatch struct {
	DeliveryStreamName string
	Records            []struct{ Data []byte }
}

type answer struct {
	FailedPutCount   int
	Encrypted        bool
	RequestResponses []response
}

type response struct {
	RecordID     string `json:"RecordId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	switch operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "Firehose_20150804."); operation {
	case "PutRecordBatch":
		s.putRecordBatch(w, body)
	case "DescribeDeliveryStream":
		s.describe(w, body)
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException", operation)
	}
}

func (s *Server) putRecordBatch(w http.ResponseWriter, body []byte) {
	var in putRecordBatch
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	call := s.calls
	s.calls++
	if s.whole != nil {
		if status, code := s.whole(call); status != 0 {
			refuse(w, status, code, "injected")
			return
		}
	}
	if message := invalid(in); message != "" {
		refuse(w, http.StatusBadRequest, "InvalidArgumentException", message)
		return
	}
	var out answer
	for i, r := range in.Records {
		code := ""
		if s.fault != nil {
			code = s.fault(call, i, r.Data)
		}
		if code != "" {
			out.FailedPutCount++
			out.RequestResponses = append(out.RequestResponses, response{ErrorCode: code, ErrorMessage: "injected"})
			continue
		}
		s.taken[in.DeliveryStreamName] = append(s.taken[in.DeliveryStreamName], bytes.Clone(r.Data))
		out.RequestResponses = append(out.RequestResponses, response{RecordID: fmt.Sprintf("%d-%d", call, i)})
	}
	if s.lost != nil && s.lost(call) {
		panic(http.ErrAbortHandler)
	}
	reply(w, http.StatusOK, out)
}

// invalid tells which limit a call breaks.
func invalid(in putRecordBatch) string {
	if len(in.Records) == 0 || len(in.Records) > maxRecords {
		return fmt.Sprintf("records must be from 1 to %d; got %d", maxRecords, len(in.Records))
	}
	total := 0
	for i, r := range in.Records {
		if len(r.Data) > maxRecordBytes {
			return fmt.Sprintf("record %d is %d bytes; %d are the most", i, len(r.Data), maxRecordBytes)
		}
		total += len(r.Data)
	}
	if total > maxCallBytes {
		return fmt.Sprintf("records are %d bytes; %d are the most", total, maxCallBytes)
	}
	return ""
}

func (s *Server) describe(w http.ResponseWriter, body []byte) {
	var in struct{ DeliveryStreamName string }
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	if strings.HasPrefix(in.DeliveryStreamName, "missing") {
		refuse(w, http.StatusBadRequest, "ResourceNotFoundException", in.DeliveryStreamName+" is not there")
		return
	}
	reply(w, http.StatusOK, map[string]any{"DeliveryStreamDescription": map[string]any{
		"DeliveryStreamName": in.DeliveryStreamName, "DeliveryStreamARN": "arn:aws:firehose:us-east-1:000000000000:deliverystream/" + in.DeliveryStreamName,
		"DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "DirectPut", "VersionId": "1", "HasMoreDestinations": false,
		"Destinations": []any{},
	}})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]string{"__type": code, "message": message})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
