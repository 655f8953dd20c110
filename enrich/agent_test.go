package enrich

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spoorhq/spoor/event"
)

// agents are user agents and what is read of them: device, operating system, browser or bot, model.
var agents = []struct{ ua, want string }{
	// Desktop browsers.
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "desktop|Windows 10|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "desktop|macOS 10.15.7|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "desktop|Linux|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "desktop|ChromeOS 14541.0.0|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", "desktop|macOS 10.15.7|Safari 26.1|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "desktop|Windows 10|Firefox 145.0|"},
	{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "desktop|Linux|Firefox 145.0|"},
	{"Mozilla/5.0 (X11; FreeBSD amd64; rv:145.0) Gecko/20100101 Firefox/145.0", "desktop|BSD|Firefox 145.0|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "desktop|Windows 10|Edge 142.0.0.0|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0", "desktop|Windows 10|Opera 125.0.0.0|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Vivaldi/7.6.3797.63", "desktop|Windows 10|Vivaldi 7.6.3797.63|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 YaBrowser/25.10.0.0 Safari/537.36", "desktop|Windows 10|Yandex Browser 25.10.0.0|"},
	{"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "desktop|Windows 7|Internet Explorer 11.0|"},
	{"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)", "desktop|Windows 7|Internet Explorer 8.0|"},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.6613.186 Electron/32.2.7 Safari/537.36", "desktop|Linux|Electron 32.2.7|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.39.95 Chrome/126.0.6478.234 Electron/31.4.0 Safari/537.36", "desktop|Windows 10|Slack 4.39.95|"},
	// Phones and tablets.
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", "mobile|Android 10|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "tablet|Android 10|Chrome 142.0.0.0|"},
	{"Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "tablet|Android 14|Chrome 142.0.0.0|SM-X910"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "mobile|iOS 18.6|Safari 26.1|iPhone"},
	{"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1", "tablet|iOS 16.6|Safari 16.6|iPad"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1", "mobile|iOS 18.6|Chrome 142.0.7444.77|iPhone"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15", "mobile|iOS 18.6|Firefox 145.0|iPhone"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 EdgiOS/142.0.3595.66 Mobile/15E148 Safari/604.1", "mobile|iOS 18.6|Edge 142.0.3595.66|iPhone"},
	{"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "mobile|Android 15|Firefox 145.0|"},
	{"Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0", "tablet|Android 15|Firefox 145.0|"},
	{"Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.102 Mobile Safari/537.36 EdgA/142.0.3595.66", "mobile|Android 10|Edge 142.0.3595.66|HD1913"},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "mobile|Android 10|Samsung Internet 28.0|"},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 OPR/92.0.0.0", "mobile|Android 10|Opera 92.0.0.0|"},
	{"Mozilla/5.0 (Linux; U; Android 13; en-US; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36", "mobile|Android 13|UC Browser 13.4.0.1306|SM-G991B"},
	{"Mozilla/5.0 (Linux; U; Android 14; en-us; 2201116PG Build/UKQ1) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.12.0-gn", "mobile|Android 14|Mi Browser 14.12.0|2201116PG"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "mobile|iOS 17.5|DuckDuckGo 7|iPhone"},
	{"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16", "mobile|Android|Opera Mini 36.2.2254|"},
	{"Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", "mobile|Android 13|Chrome 142.0.0.0|CUBOT X70"},
	{"Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "mobile|KaiOS 2.5|Firefox 48.0|"},
	// Web views and the browsers in apps.
	{"Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A.230901.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.102 Mobile Safari/537.36", "mobile|Android 13|Chrome WebView 142.0.7444.102|Pixel 7"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "mobile|iOS 18.6|Safari WebView|iPhone"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 331.0.3.29.93 (iPhone14,5; iOS 17_5; en_US; en; scale=3.00; 1170x2532; 602127811)", "mobile|iOS 17.5|Instagram 331.0.3.29.93|iPhone"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F79 [FBAN/FBIOS;FBAV/465.0.1.41.103;FBBV/602060281;FBDV/iPhone14,5;FBMD/iPhone]", "mobile|iOS 17.5|Facebook 465.0.1.41.103|iPhone"},
	{"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.53 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/465.0.0.40.81;]", "mobile|Android 14|Facebook 465.0.0.40.81|SM-S918B"},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/323.0.647062479 Mobile/15E148 Safari/604.1", "mobile|iOS 17.5|Google App 323.0.647062479|iPhone"},
	// Apps: their libraries say little, and are no bots.
	{"okhttp/4.12.0", "|||"},
	{"MyApp/1.2.3 CFNetwork/1568.100.1 Darwin/24.0.0", "|||"},
	{"Dart/3.4 (dart:io)", "|||"},
	{"Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)", "mobile|Android 13||SM-A536B"},
	{"MyApp/3.1 (com.example.app; build:7; iOS 17.5.1) Alamofire/5.9.1", "|||"},
	{"MyApp/3.1 (iPhone; iOS 17.5.1; Scale/3.00)", "mobile|iOS 17.5.1||iPhone"},
	// What hangs on a wall, stands below it or is worn.
	{"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36", "tv|Tizen 6.0||"},
	{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36 WebAppManager", "tv|webOS|Chrome 79.0.3945.79|"},
	{"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7273; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/88.0.4324.152 Mobile Safari/537.36", "tv|Android 9|Chrome WebView 88.0.4324.152|AFTMM"},
	{"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15", "console|PlayStation|Safari 13.0|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36 Edge/44.18363.8131", "console|Xbox|Edge 44.18363.8131|"},
	{"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474", "console|Nintendo||"},
	{"MyApp/1.0 (Apple Watch; watchOS 10.5; Scale/2.00)", "watch|watchOS 10.5||"},
	{"AppleTV11,1/11.1", "tv|tvOS||"},
	// Programs.
	{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot||Googlebot 2.1|"},
	{"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.59 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot|Android 6.0.1|Googlebot 2.1|"},
	{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", "bot||bingbot 2.0|"},
	{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "bot||GPTBot 1.2|"},
	{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "bot||ClaudeBot 1.0|"},
	{"AdsBot-Google (+http://www.google.com/adsbot.html)", "bot||AdsBot-Google|"},
	{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot||facebookexternalhit 1.1|"},
	{"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "bot||Slackbot-LinkExpanding|"},
	{"TelegramBot (like TwitterBot)", "bot||TelegramBot|"},
	{"WhatsApp/2.23.20.0", "bot||WhatsApp 2.23.20.0|"},
	{"LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", "bot||LinkedInBot 1.0|"},
	{"Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "bot||UptimeRobot 2.0|"},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36", "bot|Linux|HeadlessChrome 156.0.0.0|"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 Chrome-Lighthouse", "bot|Windows 10|Chrome-Lighthouse|"},
	{"curl/8.5.0", "bot||curl 8.5.0|"},
	{"Wget/1.21.4", "bot||Wget 1.21.4|"},
	{"python-requests/2.32.3", "bot||python-requests 2.32.3|"},
	{"Go-http-client/2.0", "bot||Go-http-client 2.0|"},
	{"axios/1.7.2", "bot||axios 1.7.2|"},
	{"Apache-HttpClient/4.5.14 (Java/17.0.9)", "bot||Apache-HttpClient 4.5.14|"},
	{"SomeReader/2 (+https://reader.example.com/about)", "bot||SomeReader 2|"},
	{"Mozilla/5.0 (compatible; +https://example.com)", "bot|||"},
	// Nothing.
	{"", "|||"},
	{"x", "|||"},
	{"Mozilla/5.0", "|||"},
	{"\u0130stanbul (((", "|||"},
}

func (a agent) String() string {
	software := func(s event.Software) string { return strings.TrimSpace(s.Name + " " + s.Version) }
	return fmt.Sprintf("%s|%s|%s|%s", a.device, software(a.os), software(a.browser), a.model)
}

func TestParseAgent(t *testing.T) {
	t.Parallel()
	for _, test := range agents {
		if have := parseAgent(test.ua).String(); have != test.want {
			t.Errorf("%s\n\twant %s\n\thave %s", test.ua, test.want, have)
		}
	}
}

func FuzzParseAgent(f *testing.F) {
	for _, test := range agents {
		f.Add(test.ua)
	}
	types := []string{"", deviceDesktop, deviceMobile, deviceTablet, deviceTV, deviceConsole, deviceWatch, deviceBot}
	f.Fuzz(func(t *testing.T, ua string) {
		a := parseAgent(ua)
		known := false
		for _, d := range types {
			known = known || d == a.device
		}
		if !known {
			t.Errorf("device type cannot be %q", a.device)
		}
		for _, text := range []string{a.os.Name, a.os.Version, a.browser.Name, a.browser.Version, a.model} {
			if utf8.ValidString(ua) && !utf8.ValidString(text) {
				t.Errorf("%q makes %q", ua, text)
			}
		}
		if strings.Trim(a.os.Version+a.browser.Version, "0123456789.") != "" {
			for _, w := range windowsVersions {
				if w.name == a.os.Version {
					return
				}
			}
			t.Errorf("%q has versions %q and %q", ua, a.os.Version, a.browser.Version)
		}
	})
}
