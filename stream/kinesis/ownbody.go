package kinesis

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// ownBody gives each request a body that only the transport closes. The SDK closes the one it has made as soon as the answer
// begins; over HTTP/1.1 the transport may still be looking whether there is more of it, takes that for a failed request,
// and ends the connection amid the answer: a subscription's, which lasts for minutes, and now and then that of a put, which
// would be made again.
type ownBody struct{ kinesis.HTTPClient }

func (c ownBody) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return c.HTTPClient.Do(own)
}
