package simulate

import "net/url"

// channel is how people come to the site.
type channel struct {
	share, first                        float64 // of all visits, and of people's first
	referrer, source, medium, name, say string  // utm_*: say is the term or content
}

var channels = [...]channel{
	{share: 46, first: 14},
	{share: 20, first: 30, referrer: "https://www.google.com/"},
	{share: 4, first: 5, referrer: "https://www.bing.com/"},
	{share: 2, first: 3, referrer: "https://duckduckgo.com/"},
	{share: 4, first: 8, referrer: "https://news.example.org/2024/05/good-things?id=77&ref=a%20b"},
	{share: 7, first: 14, referrer: "https://www.google.com/", source: "google", medium: "cpc", name: "brand-search", say: "good things"},
	{share: 3, first: 6, referrer: "https://www.google.com/", source: "google", medium: "cpc", name: "Lamps & Lights", say: "desk lamp"},
	{share: 8, first: 3, source: "newsletter", medium: "email", name: "weekly", say: "hero"},
	{share: 2, first: 9, referrer: "https://l.instagram.com/", source: "instagram", medium: "paid_social", name: "spring_video", say: "v2"},
	{share: 2, first: 5, referrer: "https://t.co/", source: "twitter", medium: "social", name: "launch 🚀"},
	{share: 2, first: 3, referrer: "https://partner.example.net/deals", source: "partner", medium: "affiliate", name: "deals", say: "top-10"},
}

// entrance holds what is written down beforehand about channels.
type entrance struct {
	all, first weighted
	referrer   []string // as inside a JSON string
	search     []string // the query of the landing page's address, as inside a JSON string
	campaign   []string // the "campaign" member of a context
}

func newEntrance() *entrance {
	e := &entrance{
		all:   newWeighted(channels[:], func(c channel) float64 { return c.share }),
		first: newWeighted(channels[:], func(c channel) float64 { return c.first }),
	}
	for _, c := range channels {
		e.referrer = append(e.referrer, escaped(c.referrer))
		if c.medium == "" {
			e.search = append(e.search, "")
			e.campaign = append(e.campaign, `"campaign":{}`)
			continue
		}
		search := "?utm_source=" + c.source + "&utm_medium=" + c.medium + "&utm_campaign=" + url.QueryEscape(c.name)
		campaign := `"campaign":{"source":` + quoted(c.source) + `,"medium":` + quoted(c.medium) + `,"name":` + quoted(c.name)
		if c.say != "" {
			search += "&utm_content=" + url.QueryEscape(c.say)
			campaign += `,"content":` + quoted(c.say)
		}
		e.search = append(e.search, escaped(search))
		e.campaign = append(e.campaign, campaign+"}")
	}
	return e
}

func (e *entrance) draw(d *dice, first bool) uint8 {
	if first {
		return uint8(e.first.draw(d))
	}
	return uint8(e.all.draw(d))
}

// landing returns the spot at which a visit to the site begins.
func (s *shop) landing(d *dice) uint16 {
	switch u := d.unit(); {
	case u < .5:
		return homePage
	case u < .68:
		return uint16(s.firstList + d.skewed(len(s.categories)))
	case u < .88:
		return uint16(s.firstGoods + d.skewed(len(s.products)))
	}
	return uint16(firstOpenPage + d.below(len(pages)-firstOpenPage))
}

// walk moves v to where its next action is done, and chooses what it is done with.
func (s *shop) walk(v *visit) {
	to := int(v.here)
	switch v.next {
	case look, pageViewed:
		// What a page first tells is about itself.
		if v.on.app() || v.steps > 3 {
			if to = homePage; !v.dice.chance(.3) {
				to = firstOpenPage + v.dice.below(len(pages)-firstOpenPage)
			}
		}
	case searchUsed:
		v.query = uint16(v.dice.skewed(s.commonQueries()))
		if v.dice.chance(.004) {
			v.query = uint16(s.commonQueries() + v.dice.below(len(ugly)))
		}
		to = s.firstSearch + int(v.query)
	case listViewed, notificationOpened:
		to = s.firstList + v.dice.skewed(len(s.categories))
	case productViewed:
		v.product = uint16(v.dice.skewed(len(s.products)))
		to = s.firstGoods + int(v.product)
	case cartViewed, couponApplied, productRemoved:
		to = cartPage
	case checkoutStarted:
		to = checkoutPage
	case paymentEntered:
		to = paymentPage
	case orderCompleted:
		to = thanksPage
	case signUpIdentify:
		to = signUpPage
	case signInIdentify:
		to = signInPage
	case profileIdentify, groupCall:
		to = accountPage
	case passwordChanged:
		to = securityPage
	case trialStarted, planUpgraded, planCancelled:
		to = plansPage
	case ticketOpened:
		to = helpPage
	}
	if to != int(v.here) {
		v.back, v.here = v.here, uint16(to)
		v.landed = false
	}
}
