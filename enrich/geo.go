package enrich

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/spoorhq/spoor/event"
)

// addresses knows of IP addresses what the steps geo and privacy need, by a file in MaxMind's format; without a file it
// knows no places.
type addresses struct {
	db    *maxminddb.Reader
	known *cache[address]
}

// address is what is known of an address. An error that the file gave is remembered like a place.
type address struct {
	geo     event.Geo
	err     error
	network string // the first 24 bits of IPv4, the first 48 of IPv6; "": it is no address
}

// geoRecord is what is read of a file's record: the shape of MaxMind's City and Country databases, which others keep
// to. Names are in English.
type geoRecord struct {
	Country      named   `maxminddb:"country"`
	Subdivisions []named `maxminddb:"subdivisions"`
	City         named   `maxminddb:"city"`
}

type named struct {
	ISOCode string `maxminddb:"iso_code"`
	Names   struct {
		English string `maxminddb:"en"`
	} `maxminddb:"names"`
}

// probes is how many networks of a file are read in search of a country before it is refused.
const probes = 1000

// openAddresses opens a file, which must not be altered in place, only replaced, while it is open. path "": no file.
func openAddresses(path string) (*addresses, error) {
	a := &addresses{}
	a.known = newCache(10_000, 45, a.learn)
	if path == "" {
		return a, nil
	}
	db, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("geo file %s: %w", path, err)
	}
	if err := probe(db); err != nil {
		return nil, errors.Join(fmt.Errorf("geo file %s: %w", path, err), db.Close())
	}
	a.db = db
	return a, nil
}

// probe tells whether a file knows countries at all: files of networks' owners or of proxies have the same format.
func probe(db *maxminddb.Reader) error {
	n := 0
	for network := range db.Networks() {
		var r geoRecord
		if err := network.Decode(&r); err != nil {
			return err
		}
		if r.Country.ISOCode != "" {
			return nil
		}
		if n++; n == probes {
			break
		}
	}
	return fmt.Errorf("its type is %s, and none of its first %d networks has country.iso_code; a City or Country database is needed",
		db.Metadata.DatabaseType, n)
}

// geo fills in the event's place, where the SDK named none. Region and city are added to a country that the SDK did name
// only where the file agrees on it.
func (a *addresses) geo(e *event.Event) error {
	if a.db == nil || e.IP == "" || e.Geo.Region != "" || e.Geo.City != "" {
		return nil
	}
	found := a.known.get(e.IP)
	if e.Geo.Country == "" || e.Geo.Country == found.geo.Country {
		e.Geo = found.geo
	}
	return found.err
}

// learn reads an address and looks it up.
func (a *addresses) learn(text string) address {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return address{}
	}
	ip = ip.Unmap()
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	found := address{network: netip.PrefixFrom(ip, bits).Masked().Addr().String()}
	if a.db != nil && (ip.Is4() || a.db.Metadata.IPVersion != 4) {
		found.geo, found.err = a.find(ip)
	}
	return found
}

func (a *addresses) find(ip netip.Addr) (event.Geo, error) {
	var r geoRecord
	if err := a.db.Lookup(ip).Decode(&r); err != nil {
		return event.Geo{}, fmt.Errorf("geo file: %w", err)
	}
	found := event.Geo{Country: r.Country.ISOCode, City: r.City.Names.English}
	if len(r.Subdivisions) > 0 {
		found.Region = r.Subdivisions[0].Names.English
	}
	return found, nil
}

func (a *addresses) close() error {
	if a.db == nil {
		return nil
	}
	return a.db.Close()
}
