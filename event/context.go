package event

import (
	"math"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// context takes the columns out of the event's context (Segment's spec, "common fields"). What has no column stays in
// the context's own.
func (p *Parser) context(e *Event) {
	if e.Context == nil {
		return
	}
	m := jsonscan.ValidMembers(e.Context)
	for m.Next() {
		v := m.Value()
		switch string(m.Key()) {
		case "page":
			p.fill(v, func(key []byte) *string {
				switch string(key) {
				case "url":
					return &e.Page.URL
				case "path":
					return &e.Page.Path
				case "search":
					return &e.Page.Search
				case "title":
					return &e.Page.Title
				case "referrer":
					return &e.Page.Referrer
				}
				return nil
			})
		case "campaign":
			p.fill(v, func(key []byte) *string {
				switch string(key) {
				case "source":
					return &e.Campaign.Source
				case "medium":
					return &e.Campaign.Medium
				case "name":
					return &e.Campaign.Name
				case "term":
					return &e.Campaign.Term
				case "content":
					return &e.Campaign.Content
				}
				return nil
			})
		case "device":
			p.fill(v, func(key []byte) *string {
				switch string(key) {
				case "id":
					return &e.Device.ID
				case "type":
					return &e.Device.Type
				case "manufacturer":
					return &e.Device.Manufacturer
				case "model":
					return &e.Device.Model
				case "name":
					return &e.Device.Name
				}
				return nil
			})
		case "os":
			p.software(v, &e.OS)
		case "library":
			p.software(v, &e.Library)
		case "app":
			p.fill(v, func(key []byte) *string {
				switch string(key) {
				case "name":
					return &e.App.Name
				case "version":
					return &e.App.Version
				case "build":
					return &e.App.Build
				case "namespace":
					return &e.App.Namespace
				}
				return nil
			})
		case "screen":
			p.screen(v, &e.Screen)
		case "location":
			p.fill(v, func(key []byte) *string {
				switch string(key) {
				case "country":
					return &e.Geo.Country
				case "region":
					return &e.Geo.Region
				case "city":
					return &e.Geo.City
				}
				return nil
			})
		case "traits":
			// Where RudderStack's SDKs put an identify's; of other calls they are not the call's own.
			if e.Type == TypeIdentify && e.Traits == nil {
				e.Traits = p.object(v)
			}
		case "locale":
			e.Locale, _ = p.text(v)
		case "timezone":
			e.Timezone, _ = p.text(v)
		case "ip":
			e.IP, _ = p.text(v)
		case "userAgent":
			e.UserAgent, _ = p.text(v)
		case "sessionId":
			e.SessionID, _ = p.text(v)
		case "groupId":
			if e.GroupID == "" {
				e.GroupID, _ = p.text(v)
			}
		}
	}
}

// fill puts an object's strings where field says; nil: nowhere.
func (p *Parser) fill(v jsonscan.Value, field func(key []byte) *string) {
	if v.Kind != jsonscan.Object {
		return
	}
	m := jsonscan.ValidMembers(v.Raw)
	for m.Next() {
		if f := field(m.Key()); f != nil {
			*f, _ = p.text(m.Value())
		}
	}
}

func (p *Parser) software(v jsonscan.Value, s *Software) {
	p.fill(v, func(key []byte) *string {
		switch string(key) {
		case "name":
			return &s.Name
		case "version":
			return &s.Version
		}
		return nil
	})
}

func (p *Parser) screen(v jsonscan.Value, s *Screen) {
	if v.Kind != jsonscan.Object {
		return
	}
	m := jsonscan.ValidMembers(v.Raw)
	for m.Next() {
		n, ok := m.Value().Float()
		if !ok || n < 0 || n > math.MaxInt32 {
			continue
		}
		switch string(m.Key()) {
		case "width":
			s.Width = int32(n)
		case "height":
			s.Height = int32(n)
		}
	}
}
