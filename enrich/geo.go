package enrich

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/spoorhq/spoor/event"
)

// places knows where addresses are, by a file in MaxMind's format; without a file it knows none.
type places struct {
	db    *maxminddb.Reader
	cache *cache[place]
}

// place is where one address is; an error that the file gave is remembered like a place.
type place struct {
	geo event.Geo
	err error
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

// openPlaces opens a file, which must not be altered in place, only replaced, while it is open. path "": no file.
func openPlaces(path string) (*places, error) {
	p := &places{}
	if path == "" {
		return p, nil
	}
	db, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("geo file %s: %w", path, err)
	}
	if err := probe(db); err != nil {
		return nil, errors.Join(fmt.Errorf("geo file %s: %w", path, err), db.Close())
	}
	p.db = db
	p.cache = newCache(10_000, 45, p.find)
	return p, nil
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

// apply fills in the event's place, where the SDK named none. Region and city are added to a country that the SDK did
// name only where the file agrees on it.
func (p *places) apply(e *event.Event) error {
	if p.db == nil || e.IP == "" || e.Geo.Region != "" || e.Geo.City != "" {
		return nil
	}
	found := p.cache.get(e.IP)
	if e.Geo.Country == "" || e.Geo.Country == found.geo.Country {
		e.Geo = found.geo
	}
	return found.err
}

func (p *places) find(ip string) place {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return place{} // not the file's fault, and privacy says what it is
	}
	address = address.Unmap()
	if p.db.Metadata.IPVersion == 4 && !address.Is4() {
		return place{}
	}
	var r geoRecord
	if err := p.db.Lookup(address).Decode(&r); err != nil {
		return place{err: fmt.Errorf("geo file: %w", err)}
	}
	found := event.Geo{Country: r.Country.ISOCode, City: r.City.Names.English}
	if len(r.Subdivisions) > 0 {
		found.Region = r.Subdivisions[0].Names.English
	}
	return place{geo: found}
}

func (p *places) close() error {
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}
