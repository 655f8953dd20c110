// Uses @segment/analytics-next in Chromium as a visitor of a shop does who leaves the page in the middle of things, and
// prints what happened as one line of JSON. Then it waits, with the browser open, until standard input ends, so that
// requests that outlive their page are not cut off.
//
//   node segment-browser.mjs SPOOR default|batching CHROMIUM
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const [spoor, delivery, executablePath] = process.argv.slice(2)

const options = {
  // The whole of what a site sets with the default delivery: the settings that Spoor serves tell the SDK the rest.
  default: { cdnURL: spoor },
  // The SDK's own batching, and the collector named outright.
  batching: {
    cdnURL: spoor,
    integrations: {
      'Segment.io': {
        apiHost: new URL(spoor).host + '/v1',
        protocol: 'http',
        deliveryStrategy: { strategy: 'batching', config: { size: 100, timeout: 60_000 } },
      },
    },
  },
}[delivery]

const bundle = await build({
  entryPoints: [new URL('page.mjs', import.meta.url).pathname],
  bundle: true,
  write: false,
  logLevel: 'error',
})
const titles = { '/shop': 'The shop', '/thanks': 'Thanks' }
const site = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://site')
  if (pathname === '/page.js') {
    response.setHeader('Content-Type', 'text/javascript')
    response.end(bundle.outputFiles[0].contents)
    return
  }
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.end(`<!doctype html><html lang="en"><title>${titles[pathname] ?? ''}</title><link rel="icon" href="data:,">
<script>window.options = ${JSON.stringify(options)}</script><script src="/page.js"></script>`)
})
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
const shop = `http://127.0.0.1:${site.address().port}`

const profile = await mkdtemp(join(tmpdir(), 'spoor-sdk-'))
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  locale: 'de-AT',
  timezoneId: 'Europe/Vienna',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
try {
  // Without a network but loopback a browser says that it is offline, and the SDK waits.
  await browser.addInitScript(() => Object.defineProperty(Navigator.prototype, 'onLine', { get: () => true }))
  const complaints = []
  const strays = []
  browser.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
  browser.on('weberror', (error) => complaints.push(String(error.error())))
  browser.on('request', (request) => {
    if (![spoor, shop].includes(new URL(request.url()).origin) && !request.url().startsWith('data:')) strays.push(request.url())
  })

  const page = await browser.newPage()
  await page.goto(`${shop}/shop?utm_source=newsletter&utm_campaign=spring`)
  const anonymousId = await page.evaluate(async () => {
    await analytics.page('Catalog', 'Shoes', { size: 42 })
    await analytics.track('Product Viewed', { sku: 'A-1', price: 39.95, tags: ['a', 'b'] })
    await analytics.alias('ada')
    await analytics.identify('ada', { email: 'ada@example.com', plan: 'pro' })
    await analytics.group('acme', { seats: 3 })
    await analytics.screen('Settings', { dark: true })
    await analytics.track('Order Completed', { revenue: 12, note: 'Grüße \u{1F98C}', nested: { deep: [1, { x: null }] } })
    return (await analytics.user()).anonymousId()
  })
  // The visitor looks at another tab for a moment. A headless browser has none, so the page hears what it would hear. The
  // SDK's batching sends what it holds when the page is hidden and keeps it all the same: it will send it again.
  await page.evaluate(() => {
    for (const state of ['hidden', 'visible']) {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }
  })
  // Not awaited: the page is on its way out while the SDK hears of them.
  await Promise.all([
    page.waitForURL('**/thanks'),
    page.evaluate(() => {
      for (let i = 1; i <= 3; i++) analytics.track('Left', { i })
      location.href = '/thanks'
    }),
  ])
  await page.evaluate(async () => {
    await analytics.page('Thanks')
  })
  const userAgent = await page.evaluate(() => navigator.userAgent)
  // The last page is left for a place where no SDK can make good what was forgotten.
  await page.goto('about:blank')

  console.log(JSON.stringify({ shop, anonymousId, userAgent, complaints, strays }))
  for await (const _ of process.stdin);
} finally {
  await browser.close()
  await rm(profile, { recursive: true, force: true })
  site.close()
}
