package simulate

// Versions of the SDKs that the calls look like.
const (
	browserLibrary = `"library":{"name":"analytics.js","version":"npm:next-1.84.3"}`
	iosLibrary     = `"library":{"name":"analytics-swift","version":"1.8.0"}`
	androidLibrary = `"library":{"name":"analytics-kotlin","version":"1.19.2"}`
	serverLibrary  = `"library":{"name":"@segment/analytics-node","version":"3.1.0"}`
)

// write writes the call that e describes.
func (g *Generator) write(w *pen, e *Event, v *visit, m memory) {
	// The event's own throws, so that what is written has no influence on what happens.
	d := dice(scramble(uint64(v.dice) ^ 0x5bd1e995))
	whole := w.open()
	w.key("timestamp")
	w.b = append(w.b, '"')
	w.b = g.ink.time(w.b, v.at)
	w.b = append(w.b, '"')
	w.text("type", e.Type)
	switch e.Type {
	case "track":
		w.text("event", e.Name)
		g.properties(w, v, m, &d)
	case "identify":
		g.traits(w, v, m, &d)
	case "group":
		g.group(w, v)
	default:
		w.text("name", g.shop.spots[v.here].title)
		properties := w.openAs("properties")
		g.place(w, v)
		w.close(properties)
	}
	g.context(w, v)
	w.key("messageId")
	w.b = append(w.b, '"')
	w.b = appendMessageID(w.b, g.ink.run, e.Number)
	w.b = append(w.b, '"')
	if e.anonymous != 0 {
		w.key("anonymousId")
		w.b = append(w.b, '"')
		w.b = appendUUID(w.b, e.anonymous)
		w.b = append(w.b, '"')
	}
	if e.user {
		w.key("userId")
		w.b = append(w.b, '"')
		w.b = appendUserID(w.b, e.person)
		w.b = append(w.b, '"')
	}
	w.close(whole)
}

// context writes what the SDK knows of the device.
func (g *Generator) context(w *pen, v *visit) {
	context := w.openAs("context")
	switch v.on {
	case server:
		w.member(serverLibrary)
	case iosApp, androidApp:
		g.appContext(w, v)
	default:
		g.browserContext(w, v)
	}
	w.close(context)
}

func (g *Generator) browserContext(w *pen, v *visit) {
	d := dice(v.who.taste + uint64(v.device))
	page := w.openAs("page")
	g.place(w, v)
	w.close(page)
	a := &g.fleet.agents[v.on][g.fleet.agentShares[v.on].draw(&d)]
	w.key("userAgent")
	w.b = append(w.b, '"')
	version := a.release.at(v.at, v.who.late/3)
	for i, part := range a.parts {
		if i > 0 {
			w.b = appendInt(w.b, version)
		}
		w.b = append(w.b, part...)
	}
	w.b = append(w.b, '"')
	w.text("locale", g.locale(v))
	w.member(browserLibrary)
	if v.landed {
		w.member(g.door.campaign[v.channel])
	}
	g.where(w, v)
}

func (g *Generator) appContext(w *pen, v *visit) {
	d := dice(v.who.taste + uint64(v.device))
	version := shopApp.at(v.at, v.who.late)
	app := w.openAs("app")
	w.text("name", "Shop")
	w.key("version")
	w.b = append(w.b, `"4.`...)
	w.b = appendInt(w.b, version)
	w.b = append(w.b, `.0"`...)
	w.label("build", "", 40_000+version*10)
	w.close(app)
	h := &g.fleet.phones[v.on][g.fleet.phoneShares[v.on].draw(&d)]
	w.member(h.device)
	w.member(h.os[d.below(len(h.os))])
	w.member(h.screen)
	if d.chance(.6) {
		w.raw("network", `{"wifi":true,"cellular":false}`)
	} else {
		w.raw("network", `{"wifi":false,"cellular":true,"carrier":"Example Mobile"}`)
	}
	w.text("locale", g.locale(v))
	if v.on == iosApp {
		w.member(iosLibrary)
	} else {
		w.member(androidLibrary)
	}
	g.where(w, v)
}

func (g *Generator) locale(v *visit) string {
	if v.on == crawler {
		return "en-US"
	}
	all := countries[v.who.country].locales
	return all[v.who.taste>>8%uint64(len(all))]
}

// where writes the place, the time zone and the address of a device.
func (g *Generator) where(w *pen, v *visit) {
	location := w.openAs("location")
	w.text("country", countries[v.who.country].code)
	if v.on.app() { // browsers do not tell as exactly
		w.text("city", countries[v.who.country].cities[v.who.city].name)
	}
	w.close(location)
	w.text("timezone", countries[v.who.country].cities[v.who.city].zone)
	w.key("ip")
	w.b = append(w.b, '"')
	w.b = appendAddress(w.b, int(v.who.place), scramble(v.who.taste+uint64(v.device)))
	w.b = append(w.b, '"')
}

// place writes the page that v is on, as the browser's SDK does into the context and into page calls.
func (g *Generator) place(w *pen, v *visit) {
	here := &g.shop.spots[v.here]
	w.text("path", here.path)
	if v.on.app() {
		return
	}
	search := here.search
	w.key("referrer")
	w.b = append(w.b, '"')
	if v.landed {
		w.b = append(w.b, g.door.referrer[v.channel]...)
		search = g.door.search[v.channel]
	} else {
		w.b = append(w.b, site...)
		w.b = append(w.b, g.shop.spots[v.back].path...)
	}
	w.b = append(w.b, '"')
	w.text("search", search)
	w.text("title", here.title)
	w.key("url")
	w.b = append(w.b, '"')
	w.b = append(w.b, site...)
	w.b = append(w.b, here.path...)
	w.b = append(w.b, search...)
	w.b = append(w.b, '"')
}

// traits writes what is told of a person with an identify call.
func (g *Generator) traits(w *pen, v *visit, m memory, d *dice) {
	traits := w.openAs("traits")
	t := throwFor(g.config.Seed, uint64(v.who.number), forName)
	names := &stocks[countries[v.who.country].names]
	first, last := names.first[t.below(len(names.first))], names.last[t.below(len(names.last))]
	w.key("name")
	w.b = append(w.b, '"')
	w.b = append(w.b, first...)
	w.b = append(w.b, ' ')
	w.b = append(w.b, last...)
	if t.chance(.002) {
		w.b = append(w.b, ' ')
		w.b = append(w.b, g.shop.queries[g.shop.commonQueries()+t.below(len(ugly))]...)
	}
	w.b = append(w.b, '"')
	if !t.chance(.01) { // some have none
		w.key("email")
		w.b = append(w.b, '"')
		w.b = appendUserID(w.b, v.who.number)
		w.b = append(w.b, `@example.com"`...)
	}
	w.text("plan", plans[m.plan()].name)
	if v.next != signInIdentify {
		since := v.at
		if v.next == profileIdentify {
			since = max(g.comers.at(&v.who), v.at-1000*day)
		}
		w.key("createdAt")
		w.b = append(w.b, '"')
		w.b = g.ink.time(w.b, min(since, v.at))
		w.b = append(w.b, '"')
		address := w.openAs("address")
		w.text("city", countries[v.who.country].cities[v.who.city].name)
		w.text("country", countries[v.who.country].code)
		w.close(address)
		if t.chance(.6) {
			w.int("age", 16+t.skewed(70))
		}
		w.bool("newsletter", d.chance(.4))
		w.raw("tags", [...]string{`[]`, `["early"]`, `["vip","press"]`, `["beta","café","日本"]`}[t.skewed(4)])
	}
	if t.chance(.1) {
		w.raw("phone", "null")
	}
	w.close(traits)
}

// organizations is how many companies the members of the business plan belong to.
const organizations = 2_000

// group writes the company of a person.
func (g *Generator) group(w *pen, v *visit) {
	number := int(v.who.taste % organizations)
	d := throwFor(g.config.Seed, uint64(number), forCompany)
	w.label("groupId", "org-", number)
	traits := w.openAs("traits")
	w.label("name", companyWords[d.below(len(companyWords))]+" ", number)
	w.pick("industry", &d, "retail", "software", "education", "health", "media")
	w.int("employees", 1+d.skewed(5000))
	w.text("plan", plans[business].name)
	w.close(traits)
}
