// A browser for the tests of this folder, and what they all want of a page.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

export const url = process.env.SPOOR_URL
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const pictures = process.env.SPOOR_SCREENSHOTS

export const wide = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }
export const broad = { width: 2560, height: 1440 }

const browser = chromium.launch({
  executablePath: process.env.SPOOR_CHROMIUM,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

/** close ends the browser, when a file's tests are done. */
export const close = async () => (await browser).close()

/** api asks the server, and wants that it does not refuse. */
export async function api(path, body, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(url + path, { method, headers: { 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) })
  const answer = await response.text()
  assert.ok(response.ok, answer)
  return answer === '' ? null : JSON.parse(answer)
}

/** send tells the server of events, all that it has, and waits until they are in the warehouse. */
export async function send(events) {
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Basic ${btoa('wkey:')}` }, body: JSON.stringify({ batch: events }),
  })
  assert.equal(response.status, 200)
  for (let i = 0; i < 200; i++) {
    const [{ n }] = await api('/api/sql', { sql: 'select count(*) as n from events' })
    if (n === events.length) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail('the events do not arrive')
}

/**
 * visit opens a page, lets act use it, and wants of every page: no complaint on the console, no request to another host.
 * allow is a pattern of complaints that are meant to be; path null: act opens the pages.
 */
export async function visit(options, act) {
  const { path = '/', scheme = 'light', viewport = wide, allow = null, ...rest } = options
  const context = await (await browser).newContext({ viewport, colorScheme: scheme, timezoneId: 'Europe/Vienna', locale: 'de-AT', ...rest })
  const complaints = []
  const strays = []
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.text()} (on ${message.page()?.url()})`)
  })
  context.on('weberror', (error) => complaints.push(String(error.error().stack)))
  context.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) strays.push(request.url())
  })
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    if (path !== null) await page.goto(url + path)
    await act(page, context)
    assert.deepEqual(complaints.filter((text) => !allow?.test(text)), [], 'complaints on the console')
    assert.deepEqual(strays, [], 'requests to other hosts')
  } finally {
    await context.close()
  }
}

/** held keeps every answer to a path's pattern back, until it is let go. */
export async function held(page, pattern = '**/api/**') {
  let go
  const gate = new Promise((resolve) => { go = resolve })
  await page.route(pattern, async (route) => {
    await gate
    await route.continue().catch(() => {}) // the page asks no more
  })
  return go
}

/** picture keeps what the page looks like, where somebody wants to see it. */
export async function picture(page, name, fullPage = true) {
  if (!pictures) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage })
}

/**
 * accessible wants axe-core to find nothing serious; in colour alone where the rest of the page was looked at as it is.
 * axe-core is loaded once a page.
 */
export async function accessible(page, { colourOnly = false } = {}) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe)
  const { violations } = await page.evaluate((only) => window.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: ['color-contrast', 'link-in-text-block'] } : {}) }), colourOnly)
  const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact))
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`), [], 'axe-core')
}

/**
 * holds wants that a page which is open fits and is accessible at each width, in the dark and in the light. It is turned
 * from one to the next and not loaded anew; who wants to know how it loads, visits it so. What is called by name is kept as
 * a picture; audited are the widths at which axe-core looks, at(viewport) prepares the page for one.
 */
export async function holds(page, name, { viewports = [phone, wide], audited = viewports, at = null } = {}) {
  for (const viewport of viewports) {
    await page.setViewportSize(viewport)
    await at?.(viewport)
    for (const scheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme: scheme })
      await fits(page)
      // The light changes colours, and nothing else of what axe-core looks at.
      if (audited.includes(viewport)) await accessible(page, { colourOnly: scheme === 'light' })
      await picture(page, `${name}-${viewport.width}-${scheme}`)
    }
  }
}

/** fits wants no horizontal scrolling, once what is drawn by size has been drawn anew. */
export async function fits(page) {
  const wider = () => {
    const wide = document.documentElement.clientWidth
    return [...document.querySelectorAll('body *')].filter((e) => {
      const box = e.getBoundingClientRect()
      if (!(box.width > 0 && box.right > wide + 1)) return false
      // What lies in a box that scrolls or cuts by itself does not widen the page.
      for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== 'visible') return false
      return getComputedStyle(e).position !== 'absolute'
    }).map((e) => `${e.tagName}.${e.className} in ${e.parentElement.className}`)
  }
  let over = await page.evaluate(wider)
  for (let i = 0; over.length > 0 && i < 50; i++) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))))
    over = await page.evaluate(wider)
  }
  assert.deepEqual(over, [], `wider than the page: ${page.url()}`)
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'horizontal scrolling')
}

/**
 * comes waits until what check asserts is so, for a page that shows a moment after what was pressed; what does not come
 * is told as check told it last.
 */
export async function comes(check) {
  for (const end = Date.now() + 60_000; ;) {
    try {
      return await check()
    } catch (err) {
      if (Date.now() > end) throw err
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** text gives an element's text. */
export const text = async (page, selector) => (await page.locator(selector).first().textContent()).trim()

/** number reads a number as it is written: 1,234 */
export const number = (written) => Number(written.replaceAll(',', ''))
