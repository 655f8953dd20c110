package simulate

import (
	"encoding/binary"
	"net/netip"
)

// city is where a person lives.
type city struct {
	name     string
	zone     string  // IANA name of the time zone
	offset   int     // minutes east of UTC, the same the whole year: habits do not need daylight saving time
	people   float64 // weight within the country
	lat, lon float64
}

// country is where a person lives, speaks and pays.
type country struct {
	code    string // ISO 3166-1 alpha-2
	name    string
	people  float64 // weight among all
	buyers  float64 // how readily its people take a step of a funnel, 1 where most readily
	locales []string
	names   naming
	cities  []city
}

var countries = [...]country{
	{"US", "United States", 26, 1, []string{"en-US", "en-US", "en-US", "es-US"}, english, []city{
		{"New York", "America/New_York", -300, 5, 40.71, -74.01}, {"Chicago", "America/Chicago", -360, 3, 41.88, -87.63},
		{"Denver", "America/Denver", -420, 1, 39.74, -104.99}, {"San Francisco", "America/Los_Angeles", -480, 2, 37.77, -122.42},
		{"Los Angeles", "America/Los_Angeles", -480, 3, 34.05, -118.24}, {"Austin", "America/Chicago", -360, 1, 30.27, -97.74}}},
	{"GB", "United Kingdom", 9, .97, []string{"en-GB"}, english, []city{
		{"London", "Europe/London", 0, 6, 51.51, -0.13}, {"Manchester", "Europe/London", 0, 2, 53.48, -2.24}, {"Edinburgh", "Europe/London", 0, 1, 55.95, -3.19}}},
	{"DE", "Germany", 9, .95, []string{"de-DE", "de-DE", "de-DE", "en-US"}, german, []city{
		{"Berlin", "Europe/Berlin", 60, 4, 52.52, 13.41}, {"München", "Europe/Berlin", 60, 3, 48.14, 11.58},
		{"Hamburg", "Europe/Berlin", 60, 2, 53.55, 9.99}, {"Köln", "Europe/Berlin", 60, 2, 50.94, 6.96}}},
	{"FR", "France", 6, .88, []string{"fr-FR"}, french, []city{
		{"Paris", "Europe/Paris", 60, 6, 48.86, 2.35}, {"Lyon", "Europe/Paris", 60, 2, 45.76, 4.84}, {"Nîmes", "Europe/Paris", 60, 1, 43.84, 4.36}}},
	{"IN", "India", 8, .55, []string{"en-IN", "hi-IN"}, indian, []city{
		{"Mumbai", "Asia/Kolkata", 330, 3, 19.08, 72.88}, {"Bengaluru", "Asia/Kolkata", 330, 3, 12.97, 77.59}, {"Delhi", "Asia/Kolkata", 330, 3, 28.61, 77.21}}},
	{"BR", "Brazil", 6, .66, []string{"pt-BR"}, portuguese, []city{
		{"São Paulo", "America/Sao_Paulo", -180, 5, -23.55, -46.63}, {"Rio de Janeiro", "America/Sao_Paulo", -180, 3, -22.91, -43.17}, {"Manaus", "America/Manaus", -240, 1, -3.12, -60.02}}},
	{"CA", "Canada", 4, .96, []string{"en-CA", "en-CA", "fr-CA"}, english, []city{
		{"Toronto", "America/Toronto", -300, 4, 43.65, -79.38}, {"Montréal", "America/Toronto", -300, 2, 45.50, -73.57}, {"Vancouver", "America/Vancouver", -480, 2, 49.28, -123.12}}},
	{"ES", "Spain", 3.5, .8, []string{"es-ES", "ca-ES"}, spanish, []city{
		{"Madrid", "Europe/Madrid", 60, 4, 40.42, -3.70}, {"Barcelona", "Europe/Madrid", 60, 4, 41.39, 2.17}}},
	{"IT", "Italy", 3.5, .8, []string{"it-IT"}, italian, []city{
		{"Milano", "Europe/Rome", 60, 4, 45.46, 9.19}, {"Roma", "Europe/Rome", 60, 4, 41.90, 12.50}, {"Forlì", "Europe/Rome", 60, 1, 44.22, 12.04}}},
	{"NL", "Netherlands", 3, .98, []string{"nl-NL", "en-GB"}, german, []city{
		{"Amsterdam", "Europe/Amsterdam", 60, 3, 52.37, 4.90}, {"'s-Hertogenbosch", "Europe/Amsterdam", 60, 1, 51.69, 5.30}}},
	{"JP", "Japan", 4, .9, []string{"ja-JP"}, japanese, []city{
		{"Tokyo", "Asia/Tokyo", 540, 6, 35.68, 139.69}, {"Osaka", "Asia/Tokyo", 540, 3, 34.69, 135.50}}},
	{"MX", "Mexico", 3, .62, []string{"es-MX"}, spanish, []city{
		{"Ciudad de México", "America/Mexico_City", -360, 5, 19.43, -99.13}, {"Guadalajara", "America/Mexico_City", -360, 2, 20.67, -103.35}}},
	{"AU", "Australia", 3, .95, []string{"en-AU"}, english, []city{
		{"Sydney", "Australia/Sydney", 600, 4, -33.87, 151.21}, {"Melbourne", "Australia/Melbourne", 600, 3, -37.81, 144.96}, {"Perth", "Australia/Perth", 480, 1, -31.95, 115.86}}},
	{"PL", "Poland", 2, .75, []string{"pl-PL"}, polish, []city{
		{"Warszawa", "Europe/Warsaw", 60, 3, 52.23, 21.01}, {"Łódź", "Europe/Warsaw", 60, 1, 51.76, 19.46}, {"Kraków", "Europe/Warsaw", 60, 2, 50.06, 19.94}}},
	{"SE", "Sweden", 2, .97, []string{"sv-SE"}, nordic, []city{
		{"Stockholm", "Europe/Stockholm", 60, 4, 59.33, 18.07}, {"Göteborg", "Europe/Stockholm", 60, 2, 57.71, 11.97}}},
	{"CH", "Switzerland", 1.5, 1, []string{"de-CH", "fr-CH", "it-CH"}, german, []city{
		{"Zürich", "Europe/Zurich", 60, 3, 47.37, 8.54}, {"Genève", "Europe/Zurich", 60, 2, 46.20, 6.14}}},
	{"KR", "South Korea", 1.5, .9, []string{"ko-KR"}, korean, []city{
		{"Seoul", "Asia/Seoul", 540, 5, 37.57, 126.98}, {"Busan", "Asia/Seoul", 540, 2, 35.18, 129.08}}},
	{"TR", "Türkiye", 1.5, .6, []string{"tr-TR"}, turkish, []city{
		{"İstanbul", "Europe/Istanbul", 180, 4, 41.01, 28.98}, {"İzmir", "Europe/Istanbul", 180, 1, 38.42, 27.14}}},
	{"ID", "Indonesia", 1.5, .5, []string{"id-ID"}, english, []city{
		{"Jakarta", "Asia/Jakarta", 420, 4, -6.21, 106.85}, {"Makassar", "Asia/Makassar", 480, 1, -5.15, 119.43}}},
	{"ZA", "South Africa", 1, .6, []string{"en-ZA"}, english, []city{
		{"Johannesburg", "Africa/Johannesburg", 120, 2, -26.20, 28.05}, {"Cape Town", "Africa/Johannesburg", 120, 2, -33.92, 18.42}}},
	{"NG", "Nigeria", 1, .5, []string{"en-NG"}, english, []city{
		{"Lagos", "Africa/Lagos", 60, 3, 6.52, 3.38}}},
	{"AE", "United Arab Emirates", .8, .9, []string{"ar-AE", "en-US"}, arabic, []city{
		{"Dubai", "Asia/Dubai", 240, 3, 25.20, 55.27}}},
	{"NO", "Norway", .9, .98, []string{"nb-NO"}, nordic, []city{
		{"Oslo", "Europe/Oslo", 60, 3, 59.91, 10.75}, {"Tromsø", "Europe/Oslo", 60, 1, 69.65, 18.96}}},
	{"NP", "Nepal", .3, .5, []string{"ne-NP"}, indian, []city{
		{"Kathmandu", "Asia/Kathmandu", 345, 1, 27.72, 85.32}}},
}

// Network is a range of addresses and the place its people are in.
type Network struct {
	Prefix              netip.Prefix
	Country             string // ISO 3166-1 alpha-2
	CountryName         string
	City                string
	TimeZone            string
	Latitude, Longitude float64
}

// Networks lists every range that simulated people have addresses in, IPv4 and IPv6 for each city. All are reserved,
// 198.18.0.0/15 for benchmarks (RFC 2544) and 2001:db8::/32 for documentation (RFC 3849), so that no address is
// anybody's; a geo database that knows them can be built from this list.
func Networks() []Network {
	var list []Network
	number := 0
	for _, c := range countries {
		for _, at := range c.cities {
			for _, prefix := range []netip.Prefix{prefix4(number), prefix6(number)} {
				list = append(list, Network{
					Prefix: prefix, Country: c.code, CountryName: c.name, City: at.name,
					TimeZone: at.zone, Latitude: at.lat, Longitude: at.lon,
				})
			}
			number++
		}
	}
	return list
}

// prefix4 gives city number n 1,024 addresses; there is room for 128 cities.
func prefix4(n int) netip.Prefix {
	base := uint32(198)<<24 | uint32(18)<<16 | uint32(n)<<10
	return netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, base))), 22)
}

func prefix6(n int) netip.Prefix {
	base := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(n >> 8), byte(n)}
	return netip.PrefixFrom(netip.AddrFrom16(base), 48)
}

// appendAddress writes the address of somebody in city number n, chosen by 64 random bits.
func appendAddress(b []byte, n int, random uint64) []byte {
	if random&7 == 0 { // one in eight has IPv6
		address := prefix6(n).Addr().As16()
		binary.BigEndian.PutUint16(address[6:], uint16(random>>8))
		binary.BigEndian.PutUint64(address[8:], scramble(random))
		return netip.AddrFrom16(address).AppendTo(b)
	}
	address := prefix4(n).Addr().As4()
	host := uint16(random>>8)%1022 + 1
	address[2] |= byte(host >> 8)
	address[3] = byte(host)
	return netip.AddrFrom4(address).AppendTo(b)
}
