package rowlog

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/spoorhq/spoor/event"
)

// deadLetter is a row of dead_letters, by the names of its columns. The bytes are hexadecimal, for COPY reads no bytes from
// JSON; the table that Firehose loads has a column of text for them.
type deadLetter struct {
	ReceivedAt string `json:"received_at"`
	Source     string `json:"source"`
	Protocol   string `json:"protocol"`
	Reason     string `json:"reason"`
	Detail     string `json:"detail"`
	MessageID  string `json:"message_id,omitempty"`
	Type       string `json:"type,omitempty"`
	Event      string `json:"event,omitempty"`
	Request    string `json:"request,omitempty"`
	Raw        string `json:"raw"`
	Shard      string `json:"shard"`
	Position   string `json:"position"`
	Index      int    `json:"index"`
	LoadID     string `json:"load_id"`
}

// deadLetter makes the row of an event that cannot be loaded.
func (l *Log) deadLetter(e *event.Event, v event.Verdict, collector, position string) []byte {
	raw := e.Raw[:min(len(e.Raw), l.options.TextBytes/2)]
	if len(raw) < len(e.Raw) {
		v.Detail += fmt.Sprintf(" (these are the first %d of %d bytes)", len(raw), len(e.Raw))
	}
	request := *e.Request
	request.IP = l.pipeline.Address(request.IP)
	row := deadLetter{
		ReceivedAt: event.GoTime(e.ReceivedAt).Format("2006-01-02 15:04:05.000000+00"),
		Source:     e.Request.Source, Protocol: e.Request.Protocol, Reason: string(v.Reason), Detail: clean(v.Detail),
		MessageID: l.short(e.MessageID), Type: l.short(e.Type), Event: l.short(e.Name), Request: l.short(string(request.Line())),
		Raw: hex.EncodeToString(raw), Shard: collector, Position: position, Index: e.Index, LoadID: "door:" + position,
	}
	line := row.line()
	if len(line)+1 > l.options.RecordBytes {
		row.Raw, row.Request, row.Detail = "", "", "too large to be delivered: "+row.Detail
		line = row.line()
	}
	return line
}

func (d deadLetter) line() []byte {
	line, err := json.Marshal(d)
	if err != nil {
		panic("a row of texts and numbers cannot be written: " + err.Error())
	}
	return line
}

// short gives a text, or nothing where it is longer than the warehouse takes.
func (l *Log) short(s string) string {
	if s = clean(s); len(s) > l.options.TextBytes {
		return ""
	}
	return s
}
