package simulate

// action is what a person does next. Each but the first two sends one event.
type action uint8

const (
	leave action = iota
	join         // sign in or up, whichever the person can
	look         // the page or screen call
	appStarted
	pageViewed
	searchUsed
	listViewed
	productViewed
	productAdded
	productRemoved
	cartViewed
	couponApplied
	checkoutStarted
	paymentEntered
	orderCompleted
	productSaved
	productShared
	reviewSubmitted
	signUpIdentify
	signedUpTrack
	signInIdentify
	signedInTrack
	groupCall
	signedOut
	profileIdentify
	profileUpdated
	passwordChanged
	notificationOpened
	trialStarted
	planUpgraded
	planCancelled
	invoicePaid
	emailDelivered
	orderShipped
	ticketOpened
	videoPlayed
	errorShown
	actionCount
)

// edge leads from one action to another.
type edge struct {
	to     action
	weight float64
}

// deed is what is known of an action.
type deed struct {
	kind, name string  // as on the wire; a page call of an app is a screen call, and their names are the places'
	pause      float64 // mean milliseconds from the action before it to this one
	members    bool    // only those who are signed in do it
	next       []edge
}

// deeds is the map of the shop: what leads to what. Where the next action is a step of the funnel from looking to
// buying (see isStep), some are lost on the way, more or fewer by device, country and plan.
var deeds = [actionCount]deed{
	look:       {kind: "page", pause: 1_500, next: []edge{{pageViewed, 62}, {searchUsed, 12}, {listViewed, 12}, {leave, 14}}},
	appStarted: {kind: "track", name: "App Started", pause: 250, next: []edge{{pageViewed, 74}, {look, 26}}},
	pageViewed: {kind: "track", name: "Page Viewed", pause: 17_000, next: []edge{{pageViewed, 27}, {searchUsed, 20}, {listViewed, 15},
		{productViewed, 8}, {look, 3}, {videoPlayed, 2}, {cartViewed, 1.5}, {join, 5}, {profileIdentify, .5}, {passwordChanged, .55}, {ticketOpened, .5},
		{trialStarted, .4}, {planUpgraded, .25}, {planCancelled, .1}, {signedOut, .4}, {errorShown, .5}, {leave, 14}}},
	searchUsed: {kind: "track", name: "Search Used", pause: 13_000, next: []edge{{productViewed, 48}, {searchUsed, 16}, {listViewed, 8},
		{pageViewed, 12}, {errorShown, .5}, {leave, 16}}},
	listViewed: {kind: "track", name: "Product List Viewed", pause: 11_000, next: []edge{{productViewed, 48}, {searchUsed, 10}, {pageViewed, 18}, {listViewed, 9}, {leave, 15}}},
	productViewed: {kind: "track", name: "Product Viewed", pause: 15_000, next: []edge{{productAdded, 17}, {productViewed, 23}, {listViewed, 10},
		{searchUsed, 8}, {pageViewed, 17}, {productSaved, 3}, {productShared, 1}, {reviewSubmitted, .7}, {videoPlayed, 1}, {leave, 18}}},
	productAdded: {kind: "track", name: "Product Added", pause: 19_000, next: []edge{{cartViewed, 38}, {checkoutStarted, 16}, {productViewed, 24},
		{productRemoved, 3}, {pageViewed, 10}, {leave, 9}}},
	productRemoved: {kind: "track", name: "Product Removed", pause: 6_000, next: []edge{{cartViewed, 40}, {productViewed, 20}, {leave, 40}}},
	cartViewed: {kind: "track", name: "Cart Viewed", pause: 6_000, next: []edge{{checkoutStarted, 44}, {productRemoved, 9}, {couponApplied, 6},
		{productViewed, 15}, {pageViewed, 8}, {leave, 18}}},
	couponApplied: {kind: "track", name: "Coupon Applied", pause: 11_000, next: []edge{{checkoutStarted, 75}, {cartViewed, 12}, {leave, 13}}},
	checkoutStarted: {kind: "track", name: "Checkout Started", pause: 8_000, next: []edge{{paymentEntered, 70}, {cartViewed, 7}, {errorShown, 2},
		{leave, 21}}},
	paymentEntered:  {kind: "track", name: "Payment Info Entered", pause: 28_000, next: []edge{{orderCompleted, 84}, {errorShown, 4}, {leave, 12}}},
	orderCompleted:  {kind: "track", name: "Order Completed", pause: 9_000, next: []edge{{pageViewed, 45}, {leave, 55}}},
	productSaved:    {kind: "track", name: "Product Saved", pause: 6_000, members: true, next: []edge{{productViewed, 50}, {listViewed, 30}, {leave, 20}}},
	productShared:   {kind: "track", name: "Product Shared", pause: 10_000, next: []edge{{pageViewed, 50}, {leave, 50}}},
	reviewSubmitted: {kind: "track", name: "Review Submitted", pause: 45_000, members: true, next: []edge{{pageViewed, 60}, {leave, 40}}},

	signUpIdentify:  {kind: "identify", pause: 35_000, next: []edge{{signedUpTrack, 1}}},
	signedUpTrack:   {kind: "track", name: "Signed Up", pause: 120, next: []edge{{pageViewed, 80}, {searchUsed, 15}, {leave, 5}}},
	signInIdentify:  {kind: "identify", pause: 11_000, next: []edge{{signedInTrack, 1}}},
	signedInTrack:   {kind: "track", name: "Signed In", pause: 90, next: []edge{{pageViewed, 90}, {searchUsed, 10}}},
	groupCall:       {kind: "group", pause: 400, members: true, next: []edge{{pageViewed, 1}}},
	signedOut:       {kind: "track", name: "Signed Out", pause: 5_000, members: true, next: []edge{{leave, 1}}},
	profileIdentify: {kind: "identify", pause: 30_000, members: true, next: []edge{{profileUpdated, 1}}},
	profileUpdated:  {kind: "track", name: "Profile Updated", pause: 150, next: []edge{{pageViewed, 65}, {passwordChanged, 6}, {leave, 29}}},
	passwordChanged: {kind: "track", name: "Password Changed", pause: 24_000, members: true, next: []edge{{pageViewed, 70}, {leave, 30}}},

	notificationOpened: {kind: "track", name: "Notification Opened", pause: 900, next: []edge{{productViewed, 40}, {listViewed, 25}, {pageViewed, 25}, {leave, 10}}},
	trialStarted:       {kind: "track", name: "Trial Started", pause: 20_000, members: true, next: []edge{{pageViewed, 60}, {planUpgraded, 12}, {leave, 28}}},
	planUpgraded:       {kind: "track", name: "Plan Upgraded", pause: 25_000, members: true, next: []edge{{pageViewed, 70}, {leave, 30}}},
	planCancelled:      {kind: "track", name: "Plan Cancelled", pause: 40_000, members: true, next: []edge{{pageViewed, 30}, {leave, 70}}},
	invoicePaid:        {kind: "track", name: "Invoice Paid", pause: 5_000, next: []edge{{leave, 1}}},
	emailDelivered:     {kind: "track", name: "Email Delivered", pause: 5_000, next: []edge{{leave, 1}}},
	orderShipped:       {kind: "track", name: "Order Shipped", pause: 5_000, next: []edge{{leave, 1}}},
	ticketOpened:       {kind: "track", name: "Support Ticket Opened", pause: 80_000, members: true, next: []edge{{pageViewed, 50}, {leave, 50}}},
	videoPlayed:        {kind: "track", name: "Video Played", pause: 8_000, next: []edge{{pageViewed, 50}, {productViewed, 25}, {leave, 25}}},
	errorShown:         {kind: "track", name: "Error Shown", pause: 3_000, next: []edge{{pageViewed, 55}, {leave, 45}}},
}

// crawling is what bots do.
var crawling = []edge{{pageViewed, 40}, {listViewed, 15}, {productViewed, 35}, {look, 8}, {leave, 2}}

// isStep: the action is a step of the funnel from looking to buying.
func isStep(a action) bool {
	switch a {
	case productAdded, checkoutStarted, orderCompleted:
		return true
	}
	return false
}

// ease is the share of a funnel's steps that a platform lets through.
var ease = [crawler + 1]float64{desktop: 1, iosApp: .93, androidApp: .86, mobileWeb: .68, crawler: 1}

// longest is how many actions a visit has at most.
const longest = 250

// ways holds the deeds ready for choosing.
type ways struct {
	next  [actionCount]weighted
	crawl weighted
	waits *waits
}

func newWays(waits *waits) *ways {
	w := &ways{waits: waits, crawl: newWeighted(crawling, func(e edge) float64 { return e.weight })}
	for a, d := range deeds {
		if len(d.next) > 0 {
			w.next[a] = newWeighted(d.next, func(e edge) float64 { return e.weight })
		}
	}
	return w
}

// visit is a session under way. There is one for each person on the site at a time, so it is small.
type visit struct {
	who     person
	at      int64 // when the next action is done
	dice    dice
	order   uint32    // the order that is shipped, or was completed
	cart    [4]uint16 // products
	here    uint16    // spots: where the person is
	back    uint16    // and was before
	product uint16
	query   uint16
	next    action
	then    action // what signing in or up interrupted
	on      platform
	device  uint8
	channel uint8
	inCart  uint8
	steps   uint8
	landed  bool // the landing page is still the page
}

// choose sets what v does next, and when. It returns false when the visit is over.
func (w *ways) choose(v *visit, m memory) bool {
	done := v.next
	v.next = w.follow(v, m)
	if v.next == leave || v.steps == longest {
		return false
	}
	pause := deeds[v.next].pause
	if done == appStarted && v.next == look {
		pause = 150
	}
	if v.on == crawler {
		pause = 1_100
	}
	v.at += 40 + int64(w.waits.draw(&v.dice, pause))
	return true
}

// follow returns what comes after v.next.
func (w *ways) follow(v *visit, m memory) action {
	if v.on == crawler {
		return crawling[w.crawl.draw(&v.dice)].to
	}
	switch done := v.next; done {
	case look:
		if v.steps == 1 {
			return appStarted // the first thing a page does is to tell of itself
		}
	case appStarted, notificationOpened:
		if m&signedUp != 0 && !m.signedIn(v.device) && v.dice.chance(.7) {
			return signInIdentify
		}
		if done == appStarted && v.on.app() && v.steps == 1 && v.dice.chance(.14) {
			return notificationOpened
		}
	case signedUpTrack:
		if v.who.plan == business {
			return groupCall
		}
		fallthrough
	case signedInTrack, groupCall:
		if v.then != leave {
			resumed := v.then
			v.then = leave
			return resumed
		}
	case checkoutStarted:
		if !m.signedIn(v.device) && v.dice.chance(.8) {
			if a := joining(&v.who, m); a != pageViewed {
				v.then = paymentEntered
				return a
			}
		}
	}
	edges := deeds[v.next].next
	return v.possible(edges[w.next[v.next].draw(&v.dice)].to, m)
}

// possible returns the action if it can be done, and otherwise what is done instead.
func (v *visit) possible(a action, m memory) action {
	if isStep(a) && !v.dice.chance(float64(v.who.readily)*ease[v.on]) {
		if v.dice.chance(.5) {
			return leave
		}
		return pageViewed
	}
	in := m.signedIn(v.device)
	if deeds[a].members && !in {
		return pageViewed
	}
	switch a {
	case join:
		if in {
			return pageViewed
		}
		return joining(&v.who, m)
	case productRemoved, couponApplied, checkoutStarted:
		if v.inCart == 0 {
			return pageViewed
		}
	case trialStarted:
		if m.plan() != free {
			return pageViewed
		}
	case planUpgraded:
		if m.plan() == business {
			return pageViewed
		}
	case planCancelled:
		if m.plan() == free {
			return pageViewed
		}
	}
	return a
}

// joining returns how somebody who is not signed in gets in, or pageViewed if not at all.
func joining(p *person, m memory) action {
	switch {
	case m&signedUp != 0:
		return signInIdentify
	case p.member:
		return signUpIdentify
	}
	return pageViewed
}
