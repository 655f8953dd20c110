// How soon a page's frame stands, and whether it waits for an answer: its title, what is chosen, and where the chart or
// the table will be. It asks a server that has data, such as spoor demo:
//
//     SPOOR_URL=http://127.0.0.1:8080 SPOOR_CHROMIUM=/usr/bin/chromium node test/browser/paint.mjs [runs] [ms that answers are held back]
//
// Each page is loaded with nothing kept from before, so often as it is asked, first as it is and then with every answer of
// the API held back. Nothing here fails for being slow: reports.test.mjs holds that the frame does not wait.
import { close, url, visit } from './browser.mjs'

const [runs = 5, held = 3000] = process.argv.slice(2).map(Number)

const report = ['#range option', '#build input, #build select', '#tools button', '#answer .sketch, #answer .drawn:not(.unasked)']
const dashboards = await fetch(`${url}/api/saved/dashboards`).then((r) => r.json())
const dashboard = dashboards.documents[0]?.id
const pages = {
  Trends: ['/trends', report], Funnels: ['/funnels', report], Retention: ['/retention', report], Paths: ['/paths', report],
  ...(dashboard ? { Dashboard: [`/dashboards?id=${dashboard}`, ['#actions button', '.card']] } : {}),
  Live: ['/', ['#fact-door dt', '#chart']], People: ['/people', ['#range option', '#look input', '#filter button']], Events: ['/events', ['#range option', '#find']],
  Pipeline: ['/pipeline', ['#range option', '.stages li']], SQL: ['/sql', ['#painted span', '#ask button', '#schema-find']], Trace: ['/trace', ['#look button']],
}

/** watch runs in the page, from its beginning on: it notes the frame before which everything was there. */
function watch(selectors) {
  const seen = (selector) => [...document.querySelectorAll(selector)].some((e) => e.tagName === 'OPTION' || e.checkVisibility?.() || e.closest('details:not([open])'))
  const look = () => {
    if (!document.querySelector('h1') || !selectors.every(seen)) return requestAnimationFrame(look)
    // The next frame is the one in which it is painted.
    requestAnimationFrame((now) => { window.frameStood = now })
  }
  requestAnimationFrame(look)
}

async function once(path, selectors, hold) {
  let times
  await visit({ path: '/api/openapi.json', allow: /./ }, async (page) => {
    if (hold) await page.route('**/api/**', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, hold))
      await route.continue().catch(() => {}) // the page is gone
    })
    await page.addInitScript(watch, selectors)
    await page.goto(url + path, { waitUntil: 'commit' })
    times = await page.evaluate(() => new Promise((resolve) => {
      const first = new Promise((paint) => new PerformanceObserver((list) => {
        for (const e of list.getEntriesByName('first-contentful-paint')) paint(e.startTime)
      }).observe({ type: 'paint', buffered: true }))
      const stood = () => (window.frameStood ? first.then((paint) => resolve([paint, window.frameStood])) : setTimeout(stood, 10))
      stood()
    }))
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })
  return times
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const ms = (list) => `${Math.round(median(list))} | ${Math.round(Math.max(...list))}`

console.log(`| page | first contentful paint, median | slowest | frame stands, median | slowest | answers held back ${held / 1000} s: paint, median | slowest | frame, median | slowest |`)
console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|')
for (const [name, [path, selectors]] of Object.entries(pages)) {
  const cells = []
  for (const hold of [0, held]) {
    const all = []
    for (let i = 0; i < runs; i++) all.push(await once(path, selectors, hold))
    cells.push(ms(all.map(([paint]) => paint)), ms(all.map(([, frame]) => frame)))
  }
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
await close()
