package simulate

import "strings"

// platform is what a visit is made with.
type platform uint8

const (
	desktop platform = iota
	mobileWeb
	iosApp
	androidApp
	server  // the shop's own back end, telling of a user
	crawler // a bot on the web site
)

// browsing: the platform is a web site in a browser, and not an app or a back end.
func (p platform) browsing() bool { return p == desktop || p == mobileWeb || p == crawler }

// app: the platform is an installed app.
func (p platform) app() bool { return p == iosApp || p == androidApp }

// release is a product whose versions come out one after another.
type release struct {
	first int   // version number at since
	since int64 // Unix milliseconds
	every int64 // milliseconds from one version to the next
}

const (
	day           = int64(24 * 60 * 60 * 1000) // in milliseconds, as all times in the simulator
	secondsPerDay = 24 * 60 * 60
)

var (
	unversioned release
	chrome      = release{120, 1_701_734_400_000, 30 * day} // 5 December 2023
	firefox     = release{121, 1_702_944_000_000, 28 * day} // 19 December 2023
	shopApp     = release{20, 1_672_617_600_000, 14 * day}  // 2 January 2023
)

// at returns the version that somebody who updates this much late has at a time.
func (r release) at(now, late int64) int {
	if r.every == 0 {
		return 0
	}
	return max(1, r.first+int((now-late-r.since)/r.every))
}

// browser is a kind of browser, or of crawler; {v} stands for its version in the user agent.
type browser struct {
	share   float64
	release release
	agent   string
}

const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "

var browsers = [crawler + 1][]browser{
	desktop: {
		{46, chrome, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/{v}.0.0.0 Safari/537.36"},
		{16, chrome, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + "Chrome/{v}.0.0.0 Safari/537.36"},
		{13, chrome, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0"},
		{11, unversioned, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"},
		{7, firefox, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
		{3, firefox, "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
		{2, chrome, "Mozilla/5.0 (X11; Linux x86_64) " + webkit + "Chrome/{v}.0.0.0 Safari/537.36"},
		{2, chrome, "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/{v}.0.0.0 Safari/537.36"},
	},
	mobileWeb: {
		{44, unversioned, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"},
		{38, chrome, "Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
		{8, chrome, "Mozilla/5.0 (Linux; Android 10; K) " + webkit + "SamsungBrowser/28.0 Chrome/{v}.0.0.0 Mobile Safari/537.36"},
		{6, unversioned, "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1"},
		{4, chrome, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{v}.0.0.0 Mobile/15E148 Safari/604.1"},
	},
	crawler: {
		{50, chrome, "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/{v}.0.0.0 Safari/537.36"},
		{25, unversioned, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"},
		{15, chrome, "Mozilla/5.0 (X11; Linux x86_64) " + webkit + "HeadlessChrome/{v}.0.0.0 Safari/537.36"},
		{10, unversioned, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"},
	},
}

// handset is a phone or tablet with the app on it.
type handset struct {
	share         float64
	maker, model  string
	system        []string // versions of its operating system
	width, height int
}

var handsets = [crawler + 1][]handset{
	iosApp: {
		{22, "Apple", "iPhone14,5", []string{"17.6.1", "18.5"}, 390, 844},
		{20, "Apple", "iPhone15,2", []string{"18.5", "18.6.2"}, 393, 852},
		{24, "Apple", "iPhone16,1", []string{"18.6.2", "26.1"}, 393, 852},
		{18, "Apple", "iPhone17,1", []string{"26.0.1", "26.1"}, 402, 874},
		{10, "Apple", "iPhone12,1", []string{"17.6.1", "18.3.2"}, 414, 896},
		{6, "Apple", "iPad13,18", []string{"17.7.2", "18.5"}, 820, 1180},
	},
	androidApp: {
		{18, "samsung", "SM-S921B", []string{"14", "15"}, 360, 780},
		{22, "samsung", "SM-A546B", []string{"13", "14"}, 384, 854},
		{14, "Google", "Pixel 8", []string{"14", "15", "16"}, 412, 915},
		{18, "Xiaomi", "Redmi Note 12", []string{"12", "13"}, 393, 873},
		{10, "motorola", "moto g(60)", []string{"11", "12"}, 412, 992},
		{8, "OnePlus", "CPH2581", []string{"14", "15"}, 412, 919},
		{10, "HUAWEI", "ELE-L29", []string{"10"}, 360, 780},
	},
}

// agent is a browser with all that can be written down beforehand.
type agent struct {
	release release
	parts   []string // the user agent cut at its versions, as inside a JSON string
}

// phone is a handset with all that can be written down beforehand.
type phone struct {
	device string   // the "device" member
	os     []string // the "os" member, and for Android the user agent
	screen string
}

// fleet is what everybody uses.
type fleet struct {
	agents      [crawler + 1][]agent
	agentShares [crawler + 1]weighted
	phones      [crawler + 1][]phone
	phoneShares [crawler + 1]weighted
}

func newFleet() *fleet {
	f := new(fleet)
	for on, list := range browsers {
		if len(list) == 0 {
			continue
		}
		f.agentShares[on] = newWeighted(list, func(b browser) float64 { return b.share })
		for _, b := range list {
			f.agents[on] = append(f.agents[on], agent{b.release, strings.Split(b.agent, "{v}")})
		}
	}
	for on, list := range handsets {
		if len(list) == 0 {
			continue
		}
		f.phoneShares[on] = newWeighted(list, func(h handset) float64 { return h.share })
		for _, h := range list {
			kind, system := "ios", "iOS"
			if platform(on) == androidApp {
				kind, system = "android", "Android"
			}
			p := phone{
				device: `"device":{"manufacturer":` + quoted(h.maker) + `,"model":` + quoted(h.model) + `,"type":"` + kind + `"}`,
				screen: screen(h.width, h.height),
			}
			for _, version := range h.system {
				os := `"os":{"name":"` + system + `","version":"` + version + `"}`
				if platform(on) == androidApp {
					os += `,"userAgent":` + quoted("Dalvik/2.1.0 (Linux; U; Android "+version+"; "+h.model+")")
				}
				p.os = append(p.os, os)
			}
			f.phones[on] = append(f.phones[on], p)
		}
	}
	return f
}

func screen(width, height int) string {
	b := appendInt([]byte(`"screen":{"width":`), width)
	b = appendInt(append(b, `,"height":`...), height)
	return string(append(b, '}'))
}
