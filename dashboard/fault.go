package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/spoorhq/spoor/query"
)

// faultCode is the same for the same fault, for programs.
type faultCode string

const (
	codeBadRequest   faultCode = "bad_request"
	codeInvalid      faultCode = "invalid"
	codeBadSQL       faultCode = "bad_sql"
	codeTooLarge     faultCode = "too_large"
	codeUnauthorized faultCode = "unauthorized"
	codeScope        faultCode = "scope"
	codeCrossSite    faultCode = "cross_site"
	codeWrongHost    faultCode = "wrong_host"
	codeNotFound     faultCode = "not_found"
	codeNoMethod     faultCode = "method_not_allowed"
	codeBusy         faultCode = "busy"
	codeFull         faultCode = "full"
	codeConflict     faultCode = "conflict"
	codeNoVersion    faultCode = "precondition_required"
	codeNoReplay     faultCode = "no_replay"
	codeTimeout      faultCode = "timeout"
	codeCutOff       faultCode = "cut_off"
	codeFailed       faultCode = "failed"
)

// faultCodes are all codes, with what they mean, for the document.
func faultCodes() map[faultCode]string {
	return map[faultCode]string{
		codeBadRequest:   "the request is not as the document says",
		codeInvalid:      "one part of the request cannot be: `field` and `value` name it",
		codeBadSQL:       "the warehouse refuses the statement",
		codeTooLarge:     "the body is too large",
		codeUnauthorized: "the password or a token is needed",
		codeScope:        "the token does not allow this",
		codeCrossSite:    "another site's page asked",
		codeWrongHost:    "without a password the server does not answer to this name",
		codeNotFound:     "there is no such path, or nothing of this id",
		codeNoMethod:     "the path does not take this method",
		codeBusy:         "it is under way already, or too much else is",
		codeFull:         "there is no room for more of them",
		codeConflict:     "it was changed meanwhile: read it again",
		codeNoVersion:    "If-Match must say which version is meant",
		codeNoReplay:     "this server has no stream",
		codeTimeout:      "it took longer than it may",
		codeCutOff:       "the answer had begun, and could not be ended",
		codeFailed:       "the server could not do it; its log says more",
	}
}

// Enum has the document name all codes.
func (faultCode) Enum() []any {
	var all []any
	for _, code := range slices.Sorted(maps.Keys(faultCodes())) {
		all = append(all, string(code))
	}
	return all
}

// fault is the API's error body.
type fault struct {
	Error string    `json:"error" required:"true" description:"what is wrong, in words"`
	Code  faultCode `json:"code" required:"true"`
	// Field and Value are of the part of the request that is to blame, where there is one.
	Field string `json:"field,omitempty" example:"series[0].measure.field"`
	Value any    `json:"value,omitempty"`
}

func answer(w http.ResponseWriter, v any) { answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone: there is nobody to tell
}

func refuse(w http.ResponseWriter, status int, code faultCode, err error) {
	answerWith(w, status, fault{Error: err.Error(), Code: code})
}

// refuseField refuses a request because of one part of it.
func refuseField(w http.ResponseWriter, field string, value any, err error) {
	answerWith(w, http.StatusBadRequest, fault{Error: err.Error(), Code: codeInvalid, Field: field, Value: value})
}

// failed answers a request whose question could not be answered.
func (d *Dashboard) failed(w http.ResponseWriter, r *http.Request, err error) {
	if status, f := d.faultOf(r, err); status != 0 {
		answerWith(w, status, f)
	}
}

// faultOf gives the fault of a question that could not be answered, and its status; 0: the client has left.
func (d *Dashboard) faultOf(r *http.Request, err error) (status int, f fault) {
	invalid, isInvalid := errors.AsType[*query.Invalid](err)
	switch {
	case r.Context().Err() != nil:
		return 0, fault{}
	case isInvalid:
		return http.StatusBadRequest, fault{Error: err.Error(), Code: codeInvalid, Field: invalid.Field, Value: invalid.Value}
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, fault{Error: "the query took too long; ask for less, or for a shorter time", Code: codeTimeout}
	}
	d.options.Logger.Error("a question could not be answered", "path", r.URL.Path, "err", err)
	return http.StatusInternalServerError, fault{Error: err.Error(), Code: codeFailed}
}
