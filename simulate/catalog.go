package simulate

import (
	"encoding/json"
	"net/url"
	"strings"
)

// site is where the web site of the simulated shop stands.
const site = "https://example.com"

// spot is a place on the site or in the app. Its texts are as inside a JSON string.
type spot struct {
	path, search, title string
}

// product is a thing for sale. Its texts are as inside a JSON string.
type product struct {
	id, name, brand, category string
	cents                     int
}

// shop is all there is to look at. The spots stand in one row: pages, then categories, products and searches.
type shop struct {
	spots       []spot
	products    []product
	queries     []string // as inside a JSON string
	categories  []string
	firstList   int
	firstGoods  int
	firstSearch int
}

// Pages that some actions lead to.
const (
	homePage = iota
	cartPage
	checkoutPage
	paymentPage
	thanksPage
	signUpPage
	signInPage
	accountPage
	securityPage
	plansPage
	helpPage
	firstOpenPage // from here on pages that anybody may come upon
)

var pages = [...]spot{
	homePage: {"/", "", "Good things for home and away"}, cartPage: {"/cart", "", "Your cart"},
	checkoutPage: {"/checkout", "", "Checkout"}, paymentPage: {"/checkout/payment", "", "Payment"},
	thanksPage: {"/checkout/thanks", "", "Thank you"}, signUpPage: {"/join", "", "Create your account"},
	signInPage: {"/login", "", "Log in"}, accountPage: {"/account", "", "Your account"},
	securityPage: {"/account/security", "", "Password and security"}, plansPage: {"/plans", "", "Plans and prices"},
	helpPage:      {"/help", "", "How can we help?"},
	firstOpenPage: {"/new", "", "Just in"}, {"/sale", "", "Sale: up to 60% off"}, {"/gifts", "", "Gifts for everybody"}, {"/journal", "", "Journal"},
	{"/journal/how-to-choose-a-lamp", "", "How to choose a lamp"}, {"/journal/seven-small-kitchens", "", "Seven small kitchens"},
	{"/journal/café-society", "", "Café society: our favourite cups"}, {"/journal/packing-light", "", "Packing light"},
	{"/about", "", "About us"}, {"/jobs", "", "Jobs"}, {"/stores", "", "Stores near you"}, {"/help/shipping", "", "Shipping"},
	{"/help/returns", "", "Returns & refunds"}, {"/account/orders", "", "Your orders"}, {"/account/saved", "", "Saved for later"}, {"/gift-cards", "", "Gift cards"},
}

var (
	materials  = [...]string{"Oak", "Linen", "Walnut", "Steel", "Wool", "Cotton", "Cork", "Bamboo", "Ceramic", "Leather", "Glass", "Paper"}
	manners    = [...]string{"Nordic", "Classic", "Tiny", "Folding", "Everyday", "Weekend", "Round", "Tall", "Soft", "Travel", "Quiet", "Sunday", "Field", "Harbour"}
	brandNames = [...]string{"Halden", "Moss & Co", "Kiln", "Ålesund", "Fjord \"Original\"", "Tern", "Baker's", "Ōkami", "North Nine", "Pelle"}
	kinds      = [...]struct {
		category string
		things   []string
		low, top int // prices in cents
	}{
		{"Lamps", []string{"Desk Lamp", "Floor Lamp", "Lantern", "Night Light"}, 1900, 24900},
		{"Kitchen", []string{"Kettle", "Cutting Board", "Bowl", "Mug", "Pan"}, 900, 14900},
		{"Furniture", []string{"Chair", "Stool", "Shelf", "Side Table"}, 5900, 89900},
		{"Bags", []string{"Backpack", "Tote", "Duffel", "Pouch"}, 1900, 29900},
		{"Textiles", []string{"Throw", "Cushion", "Rug", "Towel"}, 1400, 34900},
		{"Garden", []string{"Planter", "Watering Can", "Trowel"}, 700, 8900},
		{"Stationery", []string{"Notebook", "Pen Case", "Calendar"}, 400, 4900},
		{"Outdoor", []string{"Tent", "Sleeping Mat", "Camp Stove", "Bottle"}, 1500, 59900},
		{"Toys & Games", []string{"Puzzle", "Blocks", "Kite"}, 900, 7900},
		{"Bath", []string{"Soap Dish", "Bath Mat", "Mirror"}, 700, 15900},
	}
	queryWords = [...]string{"lamp", "desk", "oak chair", "gift", "backpack", "tent 2 person", "wool throw", "mug", "sale", "kettle", "rug 160x230",
		"notebook", "cushion", "travel", "small shelf", "bottle", "lampe", "chaise", "stuhl", "regalo", "tazza", "椅子", "лампа", "mochila", "pan 28cm", "bowl set"}
	queryEnds   = [...]string{"", "", "", " white", " under 50", " for kids", " black friday"}
	couponCodes = [...]string{"WELCOME10", "SUMMER-15", "FREESHIP", "comeback_20", "STAFF"}
)

// productCount is how many products the shop has.
const productCount = 1_500

func newShop(seed uint64) *shop {
	s := new(shop)
	for _, p := range pages {
		s.spots = append(s.spots, newSpot(p.path, "", p.title))
	}
	s.firstList = len(s.spots)
	for _, k := range kinds {
		s.categories = append(s.categories, escaped(k.category))
		s.spots = append(s.spots, newSpot("/c/"+slug(k.category), "", k.category))
	}
	s.firstGoods = len(s.spots)
	for i := range productCount {
		d := throwFor(seed, uint64(i), forProduct)
		kind := kinds[d.below(len(kinds))]
		name := manners[d.below(len(manners))] + " " + materials[d.below(len(materials))] + " " + kind.things[d.below(len(kind.things))]
		u := d.unit()
		cents := kind.low + int(u*u*float64(kind.top-kind.low))
		if d.chance(.7) {
			cents = cents/100*100 + 90
		}
		id := string(appendInt([]byte("sku-"), 1000+i))
		s.products = append(s.products, product{
			id: id, name: escaped(name), brand: escaped(brandNames[d.below(len(brandNames))]), category: escaped(kind.category), cents: cents,
		})
		s.spots = append(s.spots, newSpot("/p/"+id[len("sku-"):], "", name))
	}
	s.firstSearch = len(s.spots)
	for _, word := range queryWords {
		for _, end := range queryEnds {
			s.addQuery(word + end)
		}
	}
	for _, text := range ugly {
		s.addQuery(text)
	}
	return s
}

// commonQueries is how many queries are what people usually type; the rest is ugly.
func (s *shop) commonQueries() int { return len(s.queries) - len(ugly) }

func (s *shop) addQuery(text string) {
	s.queries = append(s.queries, escaped(text))
	s.spots = append(s.spots, newSpot("/search", "?q="+url.QueryEscape(text), "Search: "+text))
}

func newSpot(path, search, title string) spot {
	return spot{path: escaped((&url.URL{Path: path}).EscapedPath()), search: escaped(search), title: escaped(title)}
}

func slug(text string) string {
	return strings.ToLower(strings.NewReplacer(" & ", "-", " ", "-").Replace(text))
}

// quoted returns text as a JSON string.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// escaped returns text as inside a JSON string, without the quotes.
func escaped(text string) string {
	text = quoted(text)
	return text[1 : len(text)-1]
}
