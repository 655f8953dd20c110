package simulate

// properties writes those of a track call.
func (g *Generator) properties(w *pen, v *visit, m memory, d *dice) {
	properties := w.openAs("properties")
	switch v.next {
	case appStarted:
		w.bool("cold_start", d.chance(.7))
		w.int("launch_ms", 120+int(g.ways.waits.draw(d, 600)))
		w.raw("from_background", "false")
	case pageViewed:
		if v.on.app() {
			w.text("path", g.shop.spots[v.here].path)
		}
		w.int("load_ms", 60+int(g.ways.waits.draw(d, 700)))
		w.raw("scroll_depth", [...]string{"0", "0.25", "0.5", "0.75", "0.9", "1"}[d.below(6)])
	case searchUsed:
		g.searchUsed(w, v, d)
	case listViewed:
		w.text("category", g.shop.categories[max(0, int(v.here)-g.shop.firstList)])
		w.pick("sort", d, "popular", "price_asc", "price_desc", "new")
		w.int("page", 1+d.skewed(8))
		w.key("products")
		for i, open := 0, byte('['); i < 3; i++ {
			w.b = append(w.b, open, '"')
			w.b = append(w.b, g.shop.products[d.skewed(productCount)].id...)
			w.b = append(w.b, '"')
			open = ','
		}
		w.b = append(w.b, ']')
	case productViewed:
		g.product(w, v)
		w.bool("in_stock", d.chance(.94))
	case productAdded, productRemoved:
		g.product(w, v)
		w.text("brand", g.shop.products[v.product].brand)
		w.int("quantity", 1+d.skewed(4))
	case cartViewed:
		w.int("items", int(v.inCart))
		w.money("value", g.value(v))
		w.text("currency", "USD")
	case couponApplied:
		w.text("coupon", couponCodes[d.below(len(couponCodes))])
		w.money("discount", g.value(v)/10)
		w.text("currency", "USD")
	case checkoutStarted, paymentEntered, orderCompleted:
		g.order(w, v, m, d)
	case productSaved:
		w.text("product_id", g.shop.products[v.product].id)
		w.pick("list", d, "saved", "gifts", "home")
	case productShared:
		w.text("product_id", g.shop.products[v.product].id)
		w.pick("via", d, "link", "whatsapp", "email", "x")
	case reviewSubmitted:
		w.text("product_id", g.shop.products[v.product].id)
		w.int("rating", 5-d.skewed(5))
		w.text("text", g.remark(d))
	default:
		g.memberProperties(w, v, m, d)
	}
	if d.chance(.0015) {
		g.oddity(w, d)
	}
	w.close(properties)
}

func (g *Generator) searchUsed(w *pen, v *visit, d *dice) {
	if d.chance(.002) {
		w.raw("query", "null")
	} else {
		w.text("query", g.shop.queries[v.query])
	}
	results := 0
	if d.chance(.92) {
		results = 1 + d.skewed(400)
	}
	switch u := d.unit(); {
	case u < .01: // forgotten
	case u < .012:
		w.label("results", "", results)
	default:
		w.int("results", results)
	}
	w.int("took_ms", 8+int(g.ways.waits.draw(d, 60)))
	if d.chance(.35) {
		filters := w.openAs("filters")
		w.text("category", g.shop.categories[d.below(len(g.shop.categories))])
		price := w.openAs("price")
		w.int("max", 10*(1+d.below(40)))
		w.close(price)
		w.close(filters)
	}
}

// memberProperties writes the properties of what people do with their accounts, and of what the back end tells.
func (g *Generator) memberProperties(w *pen, v *visit, m memory, d *dice) {
	switch v.next {
	case signedUpTrack:
		w.pick("method", d, "password", "password", "google", "apple")
		w.text("plan", plans[m.plan()].name)
	case signedInTrack:
		w.pick("method", d, "password", "password", "google", "apple", "magic_link")
		w.bool("remembered", d.chance(.8))
	case profileUpdated:
		w.raw("fields", [...]string{`["name"]`, `["address","phone"]`, `["newsletter"]`, `[]`}[d.below(4)])
	case passwordChanged:
		w.pick("reason", d, "chosen", "chosen", "forgotten", "expired", "leaked")
		w.int("strength", 1+d.below(4))
		w.bool("other_devices_signed_out", d.chance(.5))
		if d.chance(.4) {
			w.raw("last_changed", "null")
		} else {
			w.date("last_changed", v.at-int64(1+d.below(900))*day)
		}
	case notificationOpened:
		w.label("notification_id", "push-", d.below(400))
		w.pick("topic", d, "sale", "back_in_stock", "delivery", "price_drop")
		w.int("delay_s", int(g.ways.waits.draw(d, 5400)))
	case trialStarted:
		w.text("plan", plans[1+d.below(2)].name)
		w.int("days", 14)
		w.date("ends_on", v.at+14*day)
	case planUpgraded:
		w.text("from", plans[m.plan()].name)
		w.text("to", plans[m.plan()+1].name)
		w.money("price", plans[m.plan()+1].cents)
		w.text("currency", "USD")
		w.bool("yearly", d.chance(.3))
	case planCancelled:
		w.text("plan", plans[m.plan()].name)
		w.int("months", 1+d.skewed(40))
		w.text("comment", g.remark(d))
	case invoicePaid:
		w.label("invoice_id", "inv-", int(d.next()>>40))
		w.text("plan", plans[m.plan()].name)
		w.money("amount", plans[m.plan()].cents)
		w.text("currency", "USD")
		w.date("period_start", v.at-30*day)
		w.date("period_end", v.at)
	case emailDelivered:
		w.label("email_id", "m-", int(d.next()>>40))
		w.pick("template", d, "weekly", "weekly", "price_drop", "welcome", "win_back")
		w.pick("provider", d, "ses", "postmark")
	case orderShipped:
		w.label("order_id", "o-", int(v.order))
		w.pick("carrier", d, "DHL", "UPS", "La Poste", "Royal Mail")
		w.label("tracking", "00340", int(d.next()>>24))
		w.raw("weight_kg", [...]string{"0.4", "1.25", "2", "7.5", "12.062"}[d.below(5)])
	case ticketOpened:
		w.pick("topic", d, "delivery", "refund", "account", "other")
		w.int("priority", 1+d.below(3))
		w.text("subject", g.remark(d))
	case videoPlayed:
		w.label("video_id", "v", 100+d.skewed(60))
		w.int("seconds", 1+int(g.ways.waits.draw(d, 40)))
		w.bool("autoplay", d.chance(.5))
		w.pick("quality", d, "480p", "720p", "1080p")
	case errorShown:
		w.raw("code", [...]string{"404", "500", "503", "422"}[d.skewed(4)])
		w.text("message", g.remark(d))
		w.bool("fatal", d.chance(.05))
	}
}

// product writes the product that v is about.
func (g *Generator) product(w *pen, v *visit) {
	p := &g.shop.products[v.product]
	w.text("product_id", p.id)
	w.text("name", p.name)
	w.text("category", p.category)
	w.money("price", p.cents)
	w.text("currency", "USD")
}

// value returns what is in the cart, in cents.
func (g *Generator) value(v *visit) int {
	sum := 0
	for _, p := range v.cart[:v.inCart] {
		sum += g.shop.products[p].cents
	}
	return sum
}

// order writes an order on its way from the cart to the payment.
func (g *Generator) order(w *pen, v *visit, m memory, d *dice) {
	value := g.value(v)
	w.label("order_id", "o-", int(v.order))
	if v.next == paymentEntered {
		w.pick("method", d, "card", "card", "card", "paypal", "invoice", "apple_pay")
		w.int("step", 2)
		return
	}
	w.money("value", value)
	w.text("currency", "USD")
	if v.next == orderCompleted {
		discount, shipping := 0, 490
		if d.chance(.12) {
			discount = value / 10
			w.text("coupon", couponCodes[d.below(len(couponCodes))])
		} else if d.chance(.3) {
			w.raw("coupon", "null")
		}
		if value >= 10_000 {
			shipping = 0
		}
		w.money("revenue", value-discount)
		w.money("shipping", shipping)
		w.money("tax", (value-discount)/5)
		w.money("total", value-discount+shipping+(value-discount)/5)
		w.bool("first_order", m&ordered == 0)
		w.date("deliver_on", v.at+int64(2+d.below(6))*day)
		address := w.openAs("shipping_address")
		w.text("city", countries[v.who.country].cities[v.who.city].name)
		w.text("country", countries[v.who.country].code)
		w.close(address)
	}
	w.key("products")
	open := byte('[')
	for i := range v.inCart {
		one := &g.shop.products[v.cart[i]]
		w.b = append(w.b, open)
		item := w.open()
		w.text("product_id", one.id)
		w.money("price", one.cents)
		w.int("quantity", 1)
		w.close(item)
		open = ','
	}
	w.b = append(w.b, ']')
}

// remarks is what people write, and programs.
var remarks = [...]string{"Works as it should.", "Too small for me, but pretty", "Where is my order?", "Très bien, merci", "Could not load",
	"Gibt es das auch in Blau?", "Never again", "It's lovely \u2764", "too expensive", "timeout after 3000 ms", "なかなか良い", "ok"}

// remark returns free text, as inside a JSON string.
func (g *Generator) remark(d *dice) string {
	if d.chance(.05) {
		return g.shop.queries[g.shop.commonQueries()+d.below(len(ugly))]
	}
	return remarks[d.below(len(remarks))]
}

// oddity writes something that nobody planned for.
func (g *Generator) oddity(w *pen, d *dice) {
	switch d.below(7) {
	case 0:
		w.text("note", g.shop.queries[g.shop.commonQueries()+d.below(len(ugly))])
	case 1:
		w.int("schlüssel 🔑", 1)
	case 2:
		w.raw("big", "9007199254740993")
	case 3:
		w.raw("huge", "1.5e300")
	case 4:
		w.raw("deep", `{"a":{"b":{"c":[[1,"2",null],{"d":true}]}}}`)
	case 5:
		w.text("Mixed Case.with-punctuation", "")
	case 6:
		w.raw("missing", "null")
	}
}
