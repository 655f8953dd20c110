package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// botWords are, in lower case, what the user agents of programs hold and those of people's browsers and apps do not.
// HTTP libraries that apps use on phones, such as okhttp, CFNetwork and Dart, are missing for that reason.
var botWords = [...]string{
	// Crawlers, and what assistants fetch.
	"crawl", "spider", "slurp", "archiver", "archive.org", "mediapartners", "googleother", "google-inspectiontool", "google-read-aloud",
	"google-safety", "apis-google", "duckduckgo-favicons", "chatgpt-user", "claude-user", "claude-web", "perplexity-user", "meta-external",
	"mistralai-user", "cohere-ai", "anthropic-ai",
	// Previews of links.
	"facebookexternalhit", "facebookcatalog", "whatsapp/", "preview", "embedly", "slack-imgproxy", "vkshare", "iframely", "feedfetcher", "feedly",
	// Watchers and measurers.
	"pingdom", "uptime", "statuscake", "site24x7", "catchpoint", "dynatrace", "datadog", "newrelic", "synthetic", "monitoring", "healthcheck",
	"kube-probe", "googlehc", "zabbix", "nagios", "checkly", "lighthouse", "pagespeed", "ptst/", "gtmetrix", "netcraft", "scanner", "validator",
	// Browsers without a person.
	"headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver", "cypress/", "electron-fetch",
	// Tools and the HTTP libraries of servers.
	"curl/", "libcurl", "wget", "httpie/", "postman", "insomnia", "python", "aiohttp", "httpx/", "urllib", "scrapy", "go-http-client",
	"apache-httpclient", "java/", "jakarta", "libwww-perl", "lwp::", "faraday", "guzzle", "axios/", "node-fetch", "undici", "superagent", "fetcher",
	"jmeter", "apachebench", "http://", "https://", "www.",
}

// indexBot finds what tells a program in a user agent in lower case; -1: nothing. A browser that is driven without a
// screen is a program.
func indexBot(lower *haystack) int {
	if at := indexBotWord(lower.text); at >= 0 {
		return at
	}
	for _, word := range botWords {
		if at := lower.index(word); at >= 0 {
			return at
		}
	}
	return -1
}

// indexBotWord finds bot or bots at the end of a word, as in Googlebot/2.1 and AdsBot-Google; Cubot makes phones.
func indexBotWord(lower string) int {
	for from := 0; ; {
		i := strings.Index(lower[from:], "bot")
		if i < 0 {
			return -1
		}
		at := from + i
		from = at + len("bot")
		rest := strings.TrimPrefix(lower[from:], "s")
		if !strings.HasSuffix(lower[:at], "cu") && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
			return at
		}
	}
}

// productAt gives the product token around ua[at], with its version; of a token that is an address, the first product
// of the user agent if that is not what every browser claims to be.
func productAt(ua, lower string, at int) event.Software {
	inToken := func(c byte) bool { return strings.IndexByte(" ;,()[]+/", c) < 0 }
	start, end := at, at
	for start > 0 && inToken(ua[start-1]) {
		start--
	}
	for end < len(ua) && inToken(ua[end]) {
		end++
	}
	if token := lower[start:end]; token == "http:" || token == "https:" || strings.Contains(token, "www.") || strings.Contains(token, "@") {
		start, end = 0, 0
		for end < len(ua) && inToken(ua[end]) {
			end++
		}
	}
	name := ua[start:end]
	if name == "Mozilla" {
		return event.Software{}
	}
	v := ""
	if after, found := strings.CutPrefix(ua[end:], "/"); found {
		v = version(after)
	}
	return event.Software{Name: name, Version: v}
}
