package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// campaign reads the UTM parameters of the page's query, where the SDK named no campaign. It is all or nothing: a
// source from here and a name from there would be a campaign that nobody ran. Without any of them, the click id that
// an advertising network appends stands for source and medium.
type campaign struct{ memory *arena }

func (c campaign) apply(e *event.Event) error {
	if e.Page.Search == "" || e.Campaign != (event.Campaign{}) {
		return nil
	}
	var clicked event.Campaign
	for query := strings.TrimPrefix(e.Page.Search, "?"); query != ""; {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		var field *string
		switch key {
		case "utm_source":
			field = &e.Campaign.Source
		case "utm_medium":
			field = &e.Campaign.Medium
		case "utm_campaign":
			field = &e.Campaign.Name
		case "utm_term":
			field = &e.Campaign.Term
		case "utm_content":
			field = &e.Campaign.Content
		case "gclid", "gbraid", "wbraid":
			clicked = event.Campaign{Source: "google", Medium: "cpc"}
		case "msclkid":
			clicked = event.Campaign{Source: "bing", Medium: "cpc"}
		case "fbclid":
			// On links that were paid for and on those that were not: the paid click ids beside it say more.
			if clicked == (event.Campaign{}) {
				clicked = event.Campaign{Source: "facebook", Medium: "social"}
			}
		}
		if field != nil && *field == "" {
			*field = c.memory.unescape(value)
		}
	}
	if e.Campaign == (event.Campaign{}) {
		e.Campaign = clicked
	}
	return nil
}
