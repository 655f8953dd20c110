package enrich

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/spoorhq/spoor/event"
)

// network is a network in a geo file and what the file says of it.
type network struct {
	cidr   string
	record mmdbtype.DataType
}

func text(s string) mmdbtype.DataType { return mmdbtype.String(s) }

func names(english string) mmdbtype.Map {
	return mmdbtype.Map{"names": mmdbtype.Map{"en": text(english), "de": text("auf Deutsch")}}
}

func inCity(country, region, city string) mmdbtype.DataType {
	m := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": text(country), "names": mmdbtype.Map{"en": text("a country")}}, "city": names(city)}
	if region != "" {
		m["subdivisions"] = mmdbtype.Slice{names(region), names("a smaller one")}
	}
	return m
}

// city is a file of cities.
var city = []network{
	{"203.0.113.0/25", inCity("DE", "Land Berlin", "Berlin")},
	{"203.0.113.128/25", inCity("SG", "", "Singapore")},
	{"198.51.100.0/24", mmdbtype.Map{"country": mmdbtype.Map{"iso_code": text("FR")}}},
	{"2001:db8:1::/48", inCity("JP", "Tokyo", "Chiyoda")},
	{"192.0.2.0/28", mmdbtype.Map{"country": text("not a map")}},
	{"10.0.0.0/8", inCity("US", "California", "San Francisco")},
}

// geoFile writes a file in MaxMind's format.
func geoFile(t testing.TB, networks []network) string { return geoFileOf(t, 6, networks) }

func geoFileOf(t testing.TB, ipVersion int, networks []network) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IPVersion: ipVersion, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range networks {
		_, cidr, err := net.ParseCIDR(n.cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(cidr, n.record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "geo.mmdb")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGeo(t *testing.T) {
	t.Parallel()
	p := open(t, Options{GeoFile: geoFile(t, city)})
	for _, test := range []struct{ context, want, marks string }{
		{`{"ip":"203.0.113.7"}`, "DE|Land Berlin|Berlin", ""},
		{`{"ip":"::ffff:203.0.113.7"}`, "DE|Land Berlin|Berlin", ""},
		{`{"ip":"203.0.113.200"}`, "SG||Singapore", ""},
		{`{"ip":"198.51.100.1"}`, "FR||", ""},
		{`{"ip":"2001:db8:1:2::3"}`, "JP|Tokyo|Chiyoda", ""},
		{`{"ip":"192.0.2.200"}`, "||", ""},
		{`{"ip":"nowhere"}`, "||", "ip:unreadable"},
		{`{}`, "||", ""},
		{`{"ip":"203.0.113.7","location":{"country":"AT","region":"Tirol"}}`, "AT|Tirol|", ""},
		{`{"ip":"203.0.113.7","location":{"country":"AT"}}`, "AT||", ""},
		{`{"ip":"203.0.113.7","location":{"country":"DE"}}`, "DE|Land Berlin|Berlin", ""},
		{`{"ip":"203.0.113.7","location":{"city":"Potsdam"}}`, "||Potsdam", ""},
		{`{"ip":"192.0.2.1"}`, "||", "geo:failed"},
		{`{"ip":"192.0.2.1"}`, "||", "geo:failed"},
	} {
		e := read(t, event.Request{}, `{"type":"page","userId":"u","context":`+test.context+`}`)
		p.Apply(e)
		if have := strings.Join([]string{e.Geo.Country, e.Geo.Region, e.Geo.City}, "|"); have != test.want || e.Marks() != test.marks {
			t.Errorf("%s: want %s %s; have %s %s", test.context, test.want, test.marks, have, e.Marks())
		}
	}
	if s := p.Stats().Steps[7]; s.Step != "geo" || s.Failed != 2 || s.First == nil {
		t.Errorf("want geo to have failed on two events; have %+v", s)
	}
}

// TestGeoFileOfIPv4 asks a file that knows one kind of address about both.
func TestGeoFileOfIPv4(t *testing.T) {
	t.Parallel()
	p := open(t, Options{GeoFile: geoFileOf(t, 4, city[:1])})
	for ip, want := range map[string]event.Geo{"203.0.113.7": {Country: "DE", Region: "Land Berlin", City: "Berlin"},
		"::ffff:203.0.113.7": {Country: "DE", Region: "Land Berlin", City: "Berlin"}, "2001:db8::1": {}} {
		e := read(t, event.Request{}, `{"type":"page","userId":"u","context":{"ip":"`+ip+`"}}`)
		p.Apply(e)
		if e.Geo != want || e.Marks() != "" {
			t.Errorf("%s: want %+v; have %+v %s", ip, want, e.Geo, e.Marks())
		}
	}
}

func TestGeoFileIsRefused(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	if err := os.WriteFile(broken, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	owners := geoFile(t, []network{{"203.0.113.0/24", mmdbtype.Map{"autonomous_system_organization": text("An Owner")}}})
	for path, want := range map[string]string{
		broken: "geo file " + broken + ": ",
		owners: "geo file " + owners + ": its type is Test, and none of its first 1 networks has country.iso_code",
	} {
		if _, err := New(Options{GeoFile: path}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want %s; have %v", want, err)
		}
	}
}
