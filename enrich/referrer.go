package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// referrers tell where a visit came from.
type referrers struct {
	memory *arena
	known  *cache[site] // by host
}

// site is what is known of a host; of most, nothing.
type site struct{ kind, name string }

func newReferrers(memory *arena) referrers {
	return referrers{memory, newCache(2_000, 253, newDirectory().find)}
}

// apply names an event's referrer. An event on a page without one is direct; an event on no page has none.
func (r referrers) apply(e *event.Event) error {
	switch e.Page.Referrer {
	case "", "$direct": // the latter is how Rudder's browser SDK writes it
		if e.Page.URL != "" || e.Page.Path != "" {
			e.Referrer = event.Referrer{Kind: "direct"}
		}
		return nil
	}
	host, _, _ := split(e.Page.Referrer)
	if host == "" {
		return nil
	}
	host = r.memory.lower(host)
	e.Referrer = event.Referrer{Host: host, Kind: "link"}
	if strings.TrimPrefix(host, "www.") == strings.TrimPrefix(e.Page.Host, "www.") {
		e.Referrer.Kind = "internal"
	} else if s := r.known.get(host); s.kind != "" {
		e.Referrer.Kind, e.Referrer.Name = s.kind, s.name
	}
	return nil
}

// directory holds the sites that are known.
type directory struct {
	sites  map[string]site // by host
	brands map[string]site // by the name before a country's domain
}

func newDirectory() directory {
	d := directory{map[string]site{}, map[string]site{}}
	for _, s := range sites {
		for host := range strings.FieldsSeq(s.hosts) {
			if brand, found := strings.CutSuffix(host, ".*"); found {
				d.brands[brand] = s.site
			} else {
				d.sites[host] = s.site
			}
		}
	}
	return d
}

// find knows a host by itself, by a domain it is below, or by a brand under any country's domain.
func (d directory) find(host string) site {
	for domain := host; domain != ""; {
		if s, found := d.sites[domain]; found {
			return s
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	brand, country, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(host, "www."), "m."), ".")
	if isCountry(country) {
		return d.brands[brand]
	}
	return site{}
}

// isCountry tells whether a domain is com, a country's, or a country's for companies, such as de, co.uk or com.au.
func isCountry(domain string) bool {
	second, top, nested := strings.Cut(domain, ".")
	if nested {
		return len(top) == 2 && (second == "co" || second == "com")
	}
	return len(domain) == 2 || domain == "com"
}

// sites are hosts that people come from. A host stands for those below it, and the longest counts; one that ends in .*
// stands, alone or behind www or m, for a brand under any country's domain.
var sites = [...]struct {
	site
	hosts string
}{
	{site{"search", "Google"}, "google.* news.google.com images.google.com com.google.android.googlequicksearchbox com.google.android.gms"},
	{site{"search", "Bing"}, "bing.com"},
	{site{"search", "DuckDuckGo"}, "duckduckgo.com com.duckduckgo.mobile.android"},
	{site{"search", "Yahoo"}, "yahoo.* search.yahoo.com search.yahoo.co.jp"},
	{site{"search", "Yandex"}, "yandex.* ya.ru"},
	{site{"search", "Baidu"}, "baidu.com"},
	{site{"search", "Ecosia"}, "ecosia.org"},
	{site{"search", "Qwant"}, "qwant.com"},
	{site{"search", "Startpage"}, "startpage.com"},
	{site{"search", "Brave"}, "search.brave.com"},
	{site{"search", "Naver"}, "search.naver.com naver.com"},
	{site{"search", "Daum"}, "search.daum.net"},
	{site{"search", "Seznam"}, "seznam.cz"},
	{site{"search", "Sogou"}, "sogou.com"},
	{site{"search", "360 Search"}, "so.com"},
	{site{"search", "Ask"}, "ask.com"},
	{site{"search", "Kagi"}, "kagi.com"},
	{site{"search", "Mojeek"}, "mojeek.com"},
	{site{"search", "Swisscows"}, "swisscows.com"},
	{site{"search", "AOL"}, "search.aol.com"},
	{site{"search", "You.com"}, "you.com"},
	{site{"search", "Perplexity"}, "perplexity.ai"},
	{site{"search", "ChatGPT"}, "chatgpt.com chat.openai.com"},
	{site{"search", "Claude"}, "claude.ai"},
	{site{"search", "Gemini"}, "gemini.google.com"},
	{site{"search", "Copilot"}, "copilot.microsoft.com"},
	{site{"search", "DeepSeek"}, "chat.deepseek.com"},
	{site{"search", "Le Chat"}, "chat.mistral.ai"},

	{site{"email", "Gmail"}, "mail.google.com com.google.android.gm"},
	{site{"email", "Outlook"}, "outlook.live.com outlook.office.com outlook.office365.com outlook.com com.microsoft.office.outlook"},
	{site{"email", "Yahoo Mail"}, "mail.yahoo.com mail.yahoo.co.jp com.yahoo.mobile.client.android.mail"},
	{site{"email", "AOL Mail"}, "mail.aol.com"},
	{site{"email", "Proton Mail"}, "mail.proton.me"},
	{site{"email", "Fastmail"}, "app.fastmail.com"},
	{site{"email", "Yandex Mail"}, "mail.yandex.ru mail.yandex.com"},
	{site{"email", "Mail.ru"}, "e.mail.ru"},
	{site{"email", "QQ Mail"}, "mail.qq.com"},
	{site{"email", "NetEase Mail"}, "mail.163.com mail.126.com"},
	{site{"email", "Zoho Mail"}, "mail.zoho.com mail.zoho.eu mail.zoho.in"},
	{site{"email", "HEY"}, "app.hey.com"},
	{site{"email", "Naver Mail"}, "mail.naver.com"},
	{site{"email", "GMX"}, "navigator.gmx.net navigator.gmx.com"},

	{site{"social", "Facebook"}, "facebook.com fb.com fb.me com.facebook.katana"},
	{site{"social", "Messenger"}, "messenger.com m.me"},
	{site{"social", "Instagram"}, "instagram.com com.instagram.android"},
	{site{"social", "Threads"}, "threads.net threads.com"},
	{site{"social", "X"}, "x.com twitter.com t.co com.twitter.android"},
	{site{"social", "LinkedIn"}, "linkedin.com lnkd.in com.linkedin.android"},
	{site{"social", "Reddit"}, "reddit.com redd.it com.reddit.frontpage"},
	{site{"social", "YouTube"}, "youtube.com youtu.be com.google.android.youtube"},
	{site{"social", "TikTok"}, "tiktok.com com.zhiliaoapp.musically"},
	{site{"social", "Pinterest"}, "pinterest.* pin.it com.pinterest"},
	{site{"social", "Snapchat"}, "snapchat.com"},
	{site{"social", "Bluesky"}, "bsky.app"},
	{site{"social", "Mastodon"}, "mastodon.social mastodon.online mstdn.social fosstodon.org hachyderm.io"},
	{site{"social", "Tumblr"}, "tumblr.com"},
	{site{"social", "VK"}, "vk.com vk.ru"},
	{site{"social", "OK"}, "ok.ru"},
	{site{"social", "Weibo"}, "weibo.com weibo.cn"},
	{site{"social", "WeChat"}, "weixin.qq.com wechat.com"},
	{site{"social", "Zhihu"}, "zhihu.com"},
	{site{"social", "Quora"}, "quora.com"},
	{site{"social", "Hacker News"}, "news.ycombinator.com"},
	{site{"social", "Lobsters"}, "lobste.rs"},
	{site{"social", "Product Hunt"}, "producthunt.com"},
	{site{"social", "Discord"}, "discord.com discordapp.com"},
	{site{"social", "Telegram"}, "t.me web.telegram.org org.telegram.messenger"},
	{site{"social", "WhatsApp"}, "whatsapp.com wa.me com.whatsapp"},
	{site{"social", "Slack"}, "app.slack.com com.slack"},
	{site{"social", "Teams"}, "teams.microsoft.com teams.live.com"},
	{site{"social", "Twitch"}, "twitch.tv"},
	{site{"social", "Vimeo"}, "vimeo.com"},
	{site{"social", "XING"}, "xing.com"},
	{site{"social", "LINE"}, "line.me"},
	{site{"social", "Nextdoor"}, "nextdoor.com"},
}
