// How the pages look and behave whatever they show: before an answer, on paper, at every width, with everything open.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, broad, close, held, holds, phone, url, visit, wide } from './browser.mjs'

after(close)

const track = (event) => ({ event: { event } })
const month = { last: 30, unit: 'day', zone: 'UTC', interval: 'day' }
const span = { last: 30, unit: 'day', zone: 'UTC' }
const address = (path, question, more = '') => `${path}?q=${encodeURIComponent(JSON.stringify(question))}${more}`
const post = async (path, body) => {
  const response = await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Basic ${btoa('wkey:')}` }, body: JSON.stringify(body) })
  assert.ok(response.ok, `${path}: ${response.status}`)
  return response.json()
}
const long = 'An event whose name somebody made longer than any table, any picker and any telephone has room for'

before(async () => {
  const batch = []
  for (let day = 0; day < 6; day++) {
    for (let user = 0; user < 12 - day; user++) {
      for (const event of ['Look', 'Add', long].slice(0, 1 + (user % 3))) {
        batch.push({
          type: 'track', event, userId: `user-${user}-4f1c2f0e-7a52-4b53-9d52-0a3b6d1f9c11`, messageId: `${event}-${user}-${day}`,
          timestamp: new Date(Date.now() - day * 86_400_000 - 60_000).toISOString(), properties: { kind: user % 2 ? 'Shoes' : 'Hats', price: 10_000_000 + user },
        })
      }
    }
  }
  batch.push({ type: 'trakc', event: 'Dead', userId: 'user-0', messageId: 'dead' })
  await post('/v1/batch', { batch })
  for (let i = 0; i < 300; i++) {
    const [{ n }] = await post('/api/sql', { sql: 'select count(*) as n from events' })
    if (n === batch.length - 1) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail('the events do not arrive')
})

const asked = {
  trends: address('/trends', { range: month, series: [track('Look'), track(long)] }),
  table: address('/trends', { range: month, series: [track('Look'), track(long)] }, '&as=table'),
  funnels: address('/funnels', { range: span, steps: [track('Look'), track('Add')] }),
  retention: address('/retention', { range: month, start: track('Look'), return: track('Look') }),
  paths: address('/paths', { range: span }, '&as=table'),
}
const settled = (page) => page.locator('[aria-busy]').first().waitFor({ state: 'detached' })

test('a report’s frame stands before its answer: what is asked, how it is shown, and where the answer will be', async () => {
  for (const [path, field] of [['/trends', 'Series A'], ['/funnels', 'Step 1'], ['/retention', 'Event 1'], ['/paths', 'Event 0'], [asked.trends, 'Series A'], [asked.funnels, 'Step 1']]) {
    await visit({ path: null }, async (page) => {
      const go = await held(page)
      await page.goto(url + path)
      await page.locator('#answer .sketch').waitFor()
      await page.getByRole('combobox', { name: field, exact: true }).waitFor()
      assert.ok(await page.locator('#range select').count() > 0, 'the range')
      assert.equal(await page.locator('#range select').first().inputValue(), path === '/paths' ? '7d' : path === '/retention' ? '14d' : '30d')
      await page.getByRole('button', { name: 'Add to dashboard' }).waitFor()
      assert.equal(await page.locator('#answer .grid tbody tr, #answer .headline .value').count(), 0, 'nothing is known')
      if (path !== '/trends') {
        go()
        await settled(page)
        await page.locator('#answer .sketch').waitFor({ state: 'detached' })
        return
      }
      // What is pressed meanwhile is not lost.
      await page.getByLabel('Compare with the period before').check()
      assert.match(page.url(), /compare/)
      go()
      await page.locator('#answer .headline, #answer .grid').first().waitFor()
      await settled(page)
      assert.equal(await page.getByLabel('Compare with the period before').isChecked(), true)
      await page.locator('#answer .sketch').waitFor({ state: 'detached' })
    })
  }
})

test('the frames of the other pages do not wait for an answer either', async () => {
  const { id } = await post('/api/saved/dashboards', { name: 'Waits', body: { tiles: [] } })
  for (const [path, frame] of [
    ['/people', ['#range select', '#look input', '#filter button']], ['/events', ['#range select', '#find']], ['/pipeline', ['#range select', '.stages li']],
    ['/sql', ['#sql', '#schema-find']], ['/', ['#fact-door', '#chart']], [`/dashboards?id=${id}`, ['#actions button', '.card .sketch']],
  ]) {
    await visit({ path: null }, async (page) => {
      const go = await held(page)
      await page.goto(url + path)
      for (const selector of frame) await page.locator(selector).first().waitFor()
      go()
    })
  }
})

test('on paper there are numbers, charts and tables, black on white, and nothing to press', async () => {
  for (const [name, path] of Object.entries({ ...asked, people: '/people', events: `/events?type=track&event=${encodeURIComponent(long)}`, live: '/', pipeline: '/pipeline' })) {
    await visit({ path, scheme: 'dark' }, async (page) => {
      await page.locator('main table tbody tr').first().waitFor()
      await settled(page)
      const numbers = await page.locator('main tbody tr').first().innerText()
      // A sheet, or one that lies where a table is broad, less its margins.
      await page.setViewportSize({ width: (await page.locator('.grid.many').count()) ? 1030 : 703, height: 1000 })
      await page.emulateMedia({ media: 'print' })
      const seen = await page.evaluate(() => {
        const shown = (e) => e.checkVisibility({ checkVisibilityCSS: true })
        const all = (selector) => [...document.querySelectorAll(selector)].filter(shown)
        return {
          pressed: all('nav a, .bar, footer, .button, select, input:not(dialog input), summary').map((e) => e.outerHTML.slice(0, 80)),
          paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.querySelector('h1')).color,
          heads: all('main thead th').filter((e) => !e.textContent).length,
          cut: all('.grid-box, .flow, .rows').filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).map((e) => `${e.className} ${e.scrollWidth}>${e.clientWidth}`),
          charts: all('.chart canvas').map((e) => e.getBoundingClientRect().right - document.documentElement.clientWidth).filter((over) => over > 1),
        }
      })
      assert.deepEqual(seen, { pressed: [], paper: 'rgb(255, 255, 255)', ink: 'rgb(0, 0, 0)', heads: 0, cut: [], charts: [] }, name)
      assert.equal((await page.locator('main tbody tr').first().innerText()).split(/\s/)[0], numbers.split(/\s/)[0], 'the rows stay')
      if (asked[name]) assert.match(await page.locator('.only-print').innerText(), /UTC; complete up to/, 'what is asked is said')
      await page.emulateMedia({ media: 'screen' })
    })
  }
})

test('a chart is drawn anew for a print, in the light colours, and as it was afterwards', async () => {
  await visit({ path: asked.trends, scheme: 'dark' }, async (page) => {
    await page.locator('#answer canvas').first().waitFor()
    await settled(page)
    const width = () => page.locator('#answer canvas').first().evaluate((c) => c.clientWidth)
    const before = await width()
    await page.evaluate(() => addEventListener('beforeprint', () => {
      const canvas = document.querySelector('#answer canvas')
      window.printed = { width: canvas.style.width, ink: getComputedStyle(document.querySelector('h1')).color, paper: document.documentElement.hasAttribute('data-paper') }
    }))
    assert.ok((await page.pdf()).length > 5000)
    assert.deepEqual(await page.evaluate(() => window.printed), { width: '960px', ink: 'rgb(27, 28, 25)', paper: true })
    await page.waitForFunction((w) => document.querySelector('#answer canvas').clientWidth === w && !document.documentElement.hasAttribute('data-paper'), before)
  })
})

test('every table sorts, by the keyboard too, says so, and exports', async () => {
  await post('/api/saved/dashboards', { name: 'One', body: { tiles: [] } })
  await post('/api/tokens', { name: 'A script', scope: 'read' })
  await visit({ path: null }, async (page) => {
    for (const [path, open] of [
      ...Object.values(asked).map((p) => [p]), ['/people'], [`/events?type=track&event=Look`], ['/pipeline'], ['/sources'], ['/dashboards'], ['/settings'],
      ['/', (page) => page.locator('#figures summary').click()], [asked.trends, (page) => page.locator('#answer .figures summary').click()],
      [`/sql?sql=${encodeURIComponent('select event, count(*) as n from events group by 1')}`],
      [`${asked.trends}&point=${encodeURIComponent(JSON.stringify({ series: 0, bucket: 28 }))}`, (page) => page.locator('dialog tbody tr').first().waitFor()],
    ]) {
      await page.goto(url + path)
      await page.locator('main table tbody tr').first().waitFor()
      await settled(page)
      await open?.(page)
      const tables = page.locator((await page.locator('dialog[open]').count()) ? 'dialog table' : 'main table')
      for (let i = 0; i < await tables.count(); i++) {
        const one = tables.nth(i)
        if (!(await one.isVisible())) continue
        const what = `${path}, table ${i + 1}`
        const head = one.locator('thead th[aria-sort]').last()
        const was = await head.getAttribute('aria-sort')
        await head.getByRole('button').focus()
        await page.keyboard.press('Enter')
        const is = await head.getAttribute('aria-sort')
        assert.ok(is !== was && is !== 'none', `${what}: want it sorted; have ${was}, ${is}`)
        assert.equal(await one.locator('thead th:not([aria-sort="none"])[aria-sort]').count(), 1, `${what}: sorted by one column`)
        await page.getByRole('status').getByText(`Sorted by ${(await head.innerText()).trim()}, ${is}`).first().waitFor({ state: 'attached' })
        const scope = path.startsWith('/sql') ? page.locator('.result') : one.locator('xpath=ancestor::*[self::section or contains(@class,"tabled") or contains(@class,"figures")][1]')
        const save = scope.getByRole('button', { name: /^Export/ }).first()
        const file = page.waitForEvent('download')
        await save.click()
        assert.match((await file).suggestedFilename(), /\.(csv|json)$/, what)
      }
    }
  })
})

test('the catalog shows when things happened, and by when they arrived until that is counted', async () => {
  await visit({ path: null, allow: /status of 504/ }, async (page) => {
    let count
    let times = 0
    const counted = new Promise((resolve) => { count = resolve })
    await page.route('**/api/query/catalog', async (route) => {
      if (route.request().postDataJSON().by !== 'happened') return route.continue()
      times++
      await counted
      return times === 1 ? route.fulfill({ status: 504, json: { error: 'the question took over 30s', code: 'timeout' } }) : route.continue()
    })
    await page.goto(`${url}/events`)
    const look = page.locator('#list tbody tr').filter({ has: page.getByRole('button', { name: 'Look', exact: true }) })
    const bars = async () => (await look.locator('.spark path').getAttribute('d')).split('M').length - 1
    await page.locator('#by').getByText('By when they arrived. When they happened is being counted…').waitFor()
    assert.equal(await bars(), 1, 'all of it came today')
    count()
    await page.locator('#by').getByText('when they happened took too long to count').waitFor()
    assert.equal(await bars(), 1)
    await accessible(page)
    await page.locator('#by').getByRole('button', { name: 'Try again' }).click()
    await page.locator('#by').getByText('Volume and rows by when they happened; first and last seen by when they arrived.').waitFor()
    assert.equal(await bars(), 6, 'six days on which it was done')
    await accessible(page)
  })
})

test('the lines between rows are all there: no row begins within a pixel, where a head that stays in view would cover one', async () => {
  await visit({ path: '/people', viewport: phone }, async (page) => {
    const row = page.locator('#list .grid tbody tr')
    await row.first().waitFor()
    const heights = await row.evaluateAll((all) => all.map((r) => r.getBoundingClientRect().height))
    assert.ok(heights.length > 1 && heights.every(Number.isInteger), `${heights}`)
  })
})

test('on a telephone a long value of an answer to SQL does not lie over the next one', async () => {
  await visit({ path: `/sql?sql=${encodeURIComponent(`select '${long.slice(0, 50)}' as a, 1 as b`)}`, viewport: phone }, async (page) => {
    const cell = page.locator('.result tbody th').first()
    await cell.waitFor()
    const { wider, over } = await cell.evaluate((e) => ({ wider: e.scrollWidth > e.clientWidth, over: getComputedStyle(e).overflowX }))
    assert.ok(!wider || over === 'hidden', `want what is too long cut; have it ${over}`)
  })
})

// With names and ids that are long. The other pages and reports, whose tests are about them, are looked at there.
const rooms = ['/', '/dashboards', asked.trends, asked.table, asked.paths, '/people', `/events?type=track&event=${encodeURIComponent(long)}`, '/trace?id=Look-0-0']

test('every page is accessible and fits, on a telephone and on the widest screen, light and dark', async () => {
  await visit({ path: null }, async (page) => {
    for (const path of rooms) {
      await page.setViewportSize(broad)
      await page.goto(url + path)
      await page.locator('main h1').waitFor()
      await settled(page)
      await holds(page, `looks${path.replace(/\W+/g, '-').slice(0, 24)}`, { viewports: [broad, wide, phone] })
    }
  })
})

const opened = {
  'the people behind a number': [`${asked.trends}&point=${encodeURIComponent(JSON.stringify({ series: 0, bucket: 28 }))}`, (page) => page.locator('dialog tbody tr').first().waitFor()],
  'the dialog that saves': [asked.trends, (page) => page.getByRole('button', { name: 'Save', exact: true }).click()],
  'the dialog of dashboards': [asked.trends, (page) => page.getByRole('button', { name: 'Add to dashboard' }).click()],
  'a picker': [asked.trends, async (page) => {
    // The page opens and closes the builder by its width, a moment after that has changed.
    await page.waitForFunction(() => document.querySelector('#build').open === matchMedia('(min-width: 1100px)').matches)
    if (!(await page.locator('#build').evaluate((e) => e.open))) await page.locator('#build summary').click()
    await page.getByRole('combobox', { name: 'Series A' }).click()
    await page.locator('.picker-list [role="option"]').first().waitFor()
  }],
  'the table of a chart': [asked.trends, (page) => page.locator('#answer .figures summary').click()],
  'the minutes and an event': ['/', async (page) => {
    await page.locator('#figures summary').click()
    await page.locator('#rows li').first().click()
  }],
  'the examples of SQL': ['/sql', (page) => page.locator('.menu-box summary').click()],
  'what the warehouse refuses': [`/sql?sql=${encodeURIComponent('selec nothing')}`, (page) => page.getByRole('alert').waitFor()],
  'what cannot be asked': [address('/trends', { range: month, series: [track('Look')], formulas: ['A / Z'] }), (page) => page.getByRole('alert').waitFor()],
  'the forms of the settings': ['/settings', async (page) => { for (const one of await page.locator('.adding > summary').all()) await one.click() }],
  'an example of the API': ['/api', (page) => page.locator('.operation summary').first().click()],
}

for (const [name, [path, open]] of Object.entries(opened)) {
  test(`opened, it is accessible and fits too: ${name}`, async () => {
    await visit({ path, viewport: broad, allow: /status of 400/ }, async (page) => {
      await page.locator('main h1').waitFor()
      await settled(page)
      await holds(page, `open-${name.replace(/\W+/g, '-')}`, {
        viewports: [broad, phone], at: async (viewport) => { if (viewport === broad || name === 'a picker') await open(page) },
      })
    })
  })
}
