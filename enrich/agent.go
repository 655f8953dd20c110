package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// agent is what a user agent tells. Of an app's HTTP library, such as okhttp or CFNetwork, that is mostly nothing.
type agent struct {
	os      event.Software
	browser event.Software // of a bot: the bot
	device  string         // one of the device types
	model   string
}

// product is a product token of user agents and who it stands for.
type product struct{ token, name string }

// browsers are looked for in this order: whoever builds on another's browser names that one too, and comes first.
var browsers = [...]product{
	{"FBAV/", "Facebook"}, {"Instagram ", "Instagram"}, {"musical_ly_", "TikTok"}, {"BytedanceWebview/", "TikTok"}, {"Snapchat/", "Snapchat"},
	{"Pinterest/", "Pinterest"}, {"LinkedInApp/", "LinkedIn"}, {"MicroMessenger/", "WeChat"}, {"Line/", "LINE"}, {"KAKAOTALK ", "KakaoTalk"},
	{"Slack/", "Slack"}, {"GSA/", "Google App"},
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edge/", "Edge"},
	{"Opera Mini/", "Opera Mini"}, {"OPR/", "Opera"}, {"OPT/", "Opera"}, {"OPiOS/", "Opera"}, {"OPX/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"}, {"YaBrowser/", "Yandex Browser"}, {"Vivaldi/", "Vivaldi"}, {"UCBrowser/", "UC Browser"},
	{"MiuiBrowser/", "Mi Browser"}, {"HuaweiBrowser/", "Huawei Browser"}, {"HeyTapBrowser/", "HeyTap Browser"}, {"VivoBrowser/", "vivo Browser"},
	{"MQQBrowser/", "QQ Browser"}, {"QQBrowser/", "QQ Browser"}, {"Whale/", "Whale"}, {"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"},
	{"Brave/", "Brave"}, {"Silk/", "Silk"}, {"Ecosia ios@", "Ecosia"}, {"AvastSecureBrowser/", "Avast Secure Browser"}, {"Avast/", "Avast Secure Browser"},
	{"Electron/", "Electron"}, {"FxiOS/", "Firefox"}, {"Focus/", "Firefox Focus"}, {"SeaMonkey/", "SeaMonkey"}, {"PaleMoon/", "Pale Moon"},
	{"Firefox/", "Firefox"}, {"CriOS/", "Chrome"},
}

// parseAgent reads a user agent.
func parseAgent(ua string) agent {
	written, lower := newHaystack(ua), newHaystack(new(arena).lower(ua))
	a := agent{os: parseOS(written)}
	if at := indexBot(lower); at >= 0 {
		a.browser, a.device = productAt(ua, lower.text, at), deviceBot
		return a
	}
	if isBrowser(ua) {
		a.browser = parseBrowser(written)
	}
	a.device = parseDevice(written, lower, a.os.Name)
	if a.os.Name == "Android" {
		a.model = androidModel(ua)
	}
	for _, model := range [...]string{"iPhone", "iPad", "iPod"} {
		if a.os.Name == "iOS" && strings.Contains(ua, model) {
			a.model = model
			break
		}
	}
	return a
}

// windowsVersions names what Windows calls itself; 11 calls itself 10.
var windowsVersions = [...]product{{"10.0", "10"}, {"6.3", "8.1"}, {"6.2", "8"}, {"6.1", "7"}, {"6.0", "Vista"}, {"5.2", "XP"}, {"5.1", "XP"}}

func parseOS(h *haystack) event.Software {
	ua, has := h.text, h.has
	switch {
	case has("Windows Phone"):
		return event.Software{Name: "Windows Phone", Version: versionAfter(ua, "Windows Phone ")}
	case has("Xbox"):
		return event.Software{Name: "Xbox"}
	case has("PlayStation"):
		return event.Software{Name: "PlayStation"}
	case has("Nintendo"):
		return event.Software{Name: "Nintendo"}
	case has("AppleTV"), has("Apple TV"), has("tvOS"):
		return event.Software{Name: "tvOS", Version: versionAfter(ua, "tvOS ", "tvOS/", "CPU OS ")}
	case has("watchOS"), has("Watch OS"):
		return event.Software{Name: "watchOS", Version: versionAfter(ua, "watchOS ", "watchOS/", "Watch OS ", "Watch OS/")}
	case has("iPhone"), has("iPad"), has("iPod"):
		return event.Software{Name: "iOS", Version: versionAfter(ua, "iPhone OS ", "CPU OS ", "iOS ", "iPadOS ")}
	case has("Tizen"):
		return event.Software{Name: "Tizen", Version: versionAfter(ua, "Tizen ")}
	case has("Web0S"), has("webOS"):
		return event.Software{Name: "webOS"}
	case has("KAIOS"):
		return event.Software{Name: "KaiOS", Version: versionAfter(ua, "KAIOS/")}
	case has("OpenHarmony"), has("HarmonyOS"):
		return event.Software{Name: "HarmonyOS", Version: versionAfter(ua, "OpenHarmony ", "HarmonyOS ")}
	case has("Android"):
		return event.Software{Name: "Android", Version: versionAfter(ua, "Android ")}
	case has("CrOS "):
		_, after, _ := strings.Cut(ua, "CrOS ")
		_, after, _ = strings.Cut(after, " ") // the processor
		return event.Software{Name: "ChromeOS", Version: version(after)}
	case has("Windows"):
		v := versionAfter(ua, "Windows NT ")
		for _, w := range windowsVersions {
			if v == w.token {
				v = w.name
			}
		}
		return event.Software{Name: "Windows", Version: v}
	case has("Mac OS X"), has("Macintosh"):
		return event.Software{Name: "macOS", Version: versionAfter(ua, "Mac OS X ")}
	case has("FreeBSD"), has("OpenBSD"), has("NetBSD"):
		return event.Software{Name: "BSD"}
	case has("Linux"), has("X11"):
		return event.Software{Name: "Linux"}
	}
	return event.Software{}
}

func parseBrowser(h *haystack) event.Software {
	ua, has := h.text, h.has
	for _, b := range browsers {
		if has(b.token) {
			return event.Software{Name: b.name, Version: versionAfter(ua, b.token)}
		}
	}
	switch {
	case has("Chrome/") && has("; wv)"):
		return event.Software{Name: "Chrome WebView", Version: versionAfter(ua, "Chrome/")}
	case has("Chrome/"):
		return event.Software{Name: "Chrome", Version: versionAfter(ua, "Chrome/")}
	case has("MSIE "):
		return event.Software{Name: "Internet Explorer", Version: versionAfter(ua, "MSIE ")}
	case has("Trident/"):
		return event.Software{Name: "Internet Explorer", Version: versionAfter(ua, "rv:")}
	case strings.HasPrefix(ua, "Opera/"):
		return event.Software{Name: "Opera", Version: versionAfter(ua, "Version/", "Opera/")}
	case has("Android") && has("Version/"):
		return event.Software{Name: "Android Browser", Version: versionAfter(ua, "Version/")}
	case has("Safari/") && has("Version/"):
		return event.Software{Name: "Safari", Version: versionAfter(ua, "Version/")}
	case has("AppleWebKit/") && (has("iPhone") || has("iPad") || has("iPod") || has("Macintosh")):
		return event.Software{Name: "Safari WebView"}
	}
	return event.Software{}
}

// screens tell, in lower case, the devices that call themselves by what they run.
var screens = [...]product{
	{"playstation", deviceConsole}, {"xbox", deviceConsole}, {"nintendo", deviceConsole},
	{"smart-tv", deviceTV}, {"smarttv", deviceTV}, {"smart tv", deviceTV}, {"appletv", deviceTV}, {"apple tv", deviceTV}, {"tvos", deviceTV},
	{"googletv", deviceTV}, {"google tv", deviceTV}, {"android tv", deviceTV}, {"androidtv", deviceTV}, {"bravia", deviceTV},
	{"; aft", deviceTV}, {"crkey", deviceTV}, {"hbbtv", deviceTV}, {"roku", deviceTV}, {"web0s", deviceTV}, {"netcast", deviceTV}, {"viera", deviceTV},
	{"apple watch", deviceWatch}, {"watchos", deviceWatch}, {"watch os", deviceWatch}, {"wear os", deviceWatch},
	{"ipad", deviceTablet}, {"tablet", deviceTablet}, {"kindle", deviceTablet}, {"playbook", deviceTablet},
	{"iphone", deviceMobile}, {"ipod", deviceMobile}, {"windows phone", deviceMobile}, {"kaios", deviceMobile}, {"opera mini", deviceMobile},
}

func parseDevice(written, lower *haystack, os string) string {
	// Windows says Tablet PC of machines with an old component, whatever they are.
	if os == "Windows" {
		return deviceDesktop
	}
	for _, s := range screens {
		if lower.has(s.token) {
			return s.name
		}
	}
	switch os {
	case "Android":
		// A browser without Mobile is how Android's tablets are told from its phones.
		if isBrowser(written.text) && !written.has("Mobile") && !written.has("VR") {
			return deviceTablet
		}
		return deviceMobile
	case "HarmonyOS":
		return deviceMobile
	case "Tizen":
		if written.has("Mobile") {
			return deviceMobile
		}
		return deviceTV
	case "macOS", "Linux", "ChromeOS", "BSD":
		return deviceDesktop
	}
	return ""
}

// androidModel gives the device's name: what follows the version in the first brackets and is not one of the words
// that browsers put there. Chrome says K for all of them.
func androidModel(ua string) string {
	_, details, _ := strings.Cut(ua, "Android")
	details, _, _ = strings.Cut(details, ")")
	_, details, _ = strings.Cut(details, ";")
	for part := range strings.SplitSeq(details, ";") {
		part, _, _ = strings.Cut(part, "Build/")
		part = strings.TrimSpace(part)
		switch {
		case part == "", part == "K", part == "U", part == "wv", part == "Mobile", part == "Tablet", part == "HarmonyOS":
		case strings.HasPrefix(part, "rv:"), strings.HasPrefix(part, "Opera Mini/"):
		case len(part) == 2, len(part) == 5 && (part[2] == '-' || part[2] == '_'): // a language
		default:
			return part
		}
	}
	return ""
}

// versionAfter gives the version behind the first of the tokens that has one.
func versionAfter(ua string, tokens ...string) string {
	for _, token := range tokens {
		if _, after, found := strings.Cut(ua, token); found {
			if v := version(after); v != "" {
				return v
			}
		}
	}
	return ""
}

// version gives the numbers, joined by dots, that s begins with. Apple joins them by low lines.
func version(s string) string {
	end := 0
	for end < len(s) && ('0' <= s[end] && s[end] <= '9' || end > 0 && (s[end] == '.' || s[end] == '_')) {
		end++
	}
	return strings.TrimRight(strings.ReplaceAll(s[:end], "_", "."), ".")
}

// haystack is a text that many words are looked for in, most of which are not there: a word whose first or last two
// bytes are nowhere in the text is known to be missing without a look. Words are two bytes or more.
type haystack struct {
	text  string
	pairs [1024 / 64]uint64 // a bit for each two bytes in the text, many to a bit
}

func newHaystack(text string) *haystack {
	h := &haystack{text: text}
	for i := 1; i < len(text); i++ {
		word, bit := pair(text[i-1:])
		h.pairs[word] |= bit
	}
	return h
}

// pair gives the place of the bit for the first two bytes of s.
func pair(s string) (word int, bit uint64) {
	at := (int(s[0])*37 + int(s[1])) % 1024
	return at / 64, 1 << (at % 64)
}

func (h *haystack) hasPair(s string) bool {
	word, bit := pair(s)
	return h.pairs[word]&bit != 0
}

// index gives the first place of a word, or -1.
func (h *haystack) index(word string) int {
	if !h.hasPair(word) || !h.hasPair(word[len(word)-2:]) {
		return -1
	}
	return strings.Index(h.text, word)
}

func (h *haystack) has(word string) bool { return h.index(word) >= 0 }
