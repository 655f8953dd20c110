// The whole product in a browser: a page that waits, the first event, and what follows.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { accessible, close, comes, held, holds, number, phone, picture, text, url, visit, wide } from './browser.mjs'

after(close)

/** post sends events to the door, as an SDK does. */
async function post(key, events) {
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Basic ${btoa(`${key}:`)}` },
    body: JSON.stringify({ batch: events }),
  })
  assert.equal(response.status, 200, await response.text())
}

let sent = 0
const track = (event, more = {}) => ({ type: 'track', event, userId: 'ada', messageId: `m-${++sent}`, properties: { n: sent, what: 'Shoes' }, ...more })

async function sql(query) {
  const response = await fetch(`${url}/api/sql`, { method: 'POST', body: JSON.stringify({ sql: query }) })
  const answer = await response.text()
  assert.equal(response.status, 200, answer)
  return JSON.parse(answer)
}

/** settled waits until the chart says that the warehouse has so many and that nothing is in flight. */
const settled = (page, n) => page.locator(`#chart[data-settled="${n}"][data-flying="0"]`).waitFor()

/** listens waits until what is accepted from now on is shown. */
const listens = (page) => page.locator('#rows[data-stream=open]').waitFor()

test('an empty page teaches, in any light and on a telephone', async () => {
  await visit({ scheme: 'dark', viewport: phone }, async (page) => {
    await page.locator('#welcome').waitFor()
    assert.equal(await page.locator('#live').isVisible(), false)
    assert.match(await text(page, '#welcome-title'), /Waiting for the first event/)
    await page.waitForFunction(() => document.title === 'Waiting · Spoor')
    const snippets = await page.locator('.snippet pre').allTextContents()
    assert.equal(snippets.length, 3)
    for (const snippet of snippets) {
      assert.ok(snippet.includes(url), `names this server: ${snippet}`)
      assert.match(snippet, /'wkey:?'/, 'the first source')
    }
    await holds(page, 'empty')
  })
})

test('what is copied works, and the page changes by itself', async () => {
  await visit({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
    await page.getByRole('button', { name: 'Copy: From a terminal' }).click()
    await page.getByText('Copied').waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    const { execFileSync } = await import('node:child_process')
    const answer = execFileSync('sh', ['-c', `${copied} --silent --fail-with-body`], { encoding: 'utf8' })
    assert.match(answer, /success/)
    sent++
    await page.locator('#live').waitFor()
    assert.equal(await page.locator('#welcome').isVisible(), false)
    await settled(page, 1)
    assert.equal(await text(page, '#rows li .name'), 'Hello Spoor')
    await page.locator('#names').getByText('Hello Spoor').waitFor()
  })
})

test('the chart is what the warehouse counts', async () => {
  await visit({}, async (page) => {
    await page.locator('#live').waitFor()
    for (let i = 0; i < 5; i++) {
      await post('wkey', Array.from({ length: 200 }, () => track(i % 2 ? 'Buy' : 'Look')))
      await post('akey', Array.from({ length: 50 }, () => track('Start')))
    }
    const repeated = track('Buy')
    await post('wkey', [repeated, { type: 'track', userId: 'ada', messageId: 'dead-1' }])
    await post('wkey', [repeated])
    await settled(page, sent)
    for (const fact of ['duplicates', 'dead']) await page.locator(`#fact-${fact} [data-value]`).getByText('1', { exact: true }).waitFor()
    const [{ n }] = await sql('select count(*) as n from events')
    assert.equal(n, sent)
    assert.match(await text(page, '#minutes-total'), new RegExp(`^${n.toLocaleString('en')} in the warehouse`))

    await page.getByText('The minutes as a table').click()
    const rows = await page.locator('#figures tbody tr').evaluateAll((all) => all.map((row) => [...row.cells].map((c) => c.textContent)))
    assert.equal(rows.length, 60)
    const column = (i) => rows.reduce((sum, row) => sum + number(row[i]), 0)
    assert.equal(column(1), n, 'together')
    assert.equal(column(2), n, 'in the warehouse')
    assert.equal(column(3), 0, 'in flight')
    assert.equal(column(4), 1, 'duplicates')
    assert.equal(column(5), 1, 'dead letters')

    const facts = await page.locator('.facts > div').evaluateAll((all) => Object.fromEntries(all.map((f) => [f.id, f.querySelector('[data-value]').textContent])))
    assert.equal(facts['fact-hour'], n.toLocaleString('en'))
    assert.equal(facts['fact-duplicates'], '1')
    assert.equal(facts['fact-dead'], '1')
    assert.equal(facts['fact-flight'], '0')
    assert.equal(facts['fact-door'], 'Open')
    assert.match(facts['fact-complete'], /^\d\d:\d\d:\d\d$/)
    await page.locator('#fact-complete').getByText('up to date').waitFor()

    for (const [by, names] of [['source', ['web', 'app']], ['name', ['Look', 'Buy', 'Start', 'Hello Spoor']]]) {
      await page.locator(`#by input[value=${by}]`).check({ force: true })
      await comes(async () => {
        const legend = await page.locator('#legend button').evaluateAll((all) => all.map((b) => [b.children[1].textContent, b.children[2].title]))
        assert.deepEqual(legend.map(([name]) => name), [...names, 'in flight'])
        assert.equal(legend.reduce((sum, [, total]) => sum + number(total), 0), n, `by ${by}`)
      })
    }
    assert.match(page.url(), /by=name/, 'what is chosen is in the address')
    const listed = await page.locator('#sources tbody tr').evaluateAll((all) => all.map((row) => [row.cells[0].textContent, ...[2, 3, 4].map((i) => row.cells[i].textContent)]))
    assert.deepEqual(listed, [['web', '1,002', '1', '1'], ['app', '250', '0', '0']])
    assert.match(await page.title(), /^[\d.,]+\/s · Spoor$/)
    await picture(page, 'busy-table-1440')
  })
})

test('a page that is opened later has the last events, and its choice of chart', async () => {
  await visit({ path: '/?by=name' }, async (page) => {
    await page.locator('#rows li').nth(20).waitFor()
    assert.equal(await page.locator('#by input[value=name]').isChecked(), true)
    const keys = await page.locator('#rows li').evaluateAll((all) => all.map((li) => li.dataset.key))
    assert.equal(new Set(keys).size, keys.length, 'no event twice')

    // What comes while the tab is hidden is there when it is looked at again, in its place.
    const become = (state) => page.evaluate((state) => {
      Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
    await become('hidden')
    await post('wkey', [track('While hidden')])
    for (const began = Date.now(); (await sql(`select count(*) as n from events`))[0].n < sent; ) {
      assert.ok(Date.now() - began < 60_000, 'the event is loaded')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await become('visible')
    await page.waitForFunction(() => document.querySelector('#rows li .name').textContent === 'While hidden')
    const times = await page.locator('#rows li').evaluateAll((all) => all.map((li) => Number(li.dataset.at)))
    assert.deepEqual(times, times.toSorted((a, b) => b - a), 'the newest first')
  })
})

test('what comes before the page listens is shown', async () => {
  await visit({ path: null }, async (page) => {
    const go = await held(page, '**/api/tail*')
    await page.goto(url)
    await page.locator('#rows li').nth(20).waitFor()
    await post('wkey', [track('While it connects')])
    await comes(async () => assert.equal((await sql('select count(*) as n from events'))[0].n, sent))
    go()
    await page.waitForFunction(() => document.querySelector('#rows li .name').textContent === 'While it connects')
    const keys = await page.locator('#rows li').evaluateAll((all) => all.map((li) => li.dataset.key))
    assert.equal(new Set(keys).size, keys.length, 'no event twice')
  })
})

test('the newest can be paused, and go on', async () => {
  await visit({}, async (page) => {
    const rows = page.locator('#rows li')
    await rows.nth(20).waitFor()
    await listens(page)
    const pause = page.locator('#pause')
    assert.equal(await text(page, '#pause'), 'Pause')
    await pause.click()
    const before = await rows.first().getAttribute('data-key')
    await post('wkey', Array.from({ length: 7 }, () => track('While paused')))
    await page.getByText('Resume · 7 new').waitFor()
    assert.equal(await rows.first().getAttribute('data-key'), before)
    assert.equal(await pause.getAttribute('aria-pressed'), 'true')
    await pause.click()
    await page.waitForFunction(() => document.querySelectorAll('#rows li').length && document.querySelector('#rows li .name').textContent === 'While paused')
    assert.equal(await text(page, '#pause'), 'Pause')
  })
})

test('an event opens to its JSON, and the list waits while it is read', async () => {
  await visit({}, async (page) => {
    await page.locator('#rows li').nth(5).waitFor()
    await listens(page)
    const first = page.locator('#rows li .line').first()
    await first.click()
    const shown = JSON.parse(await page.locator('#rows pre').textContent())
    assert.equal(shown.source, 'web')
    assert.ok(shown.properties.n)
    assert.equal(await first.getAttribute('aria-expanded'), 'true')
    await post('wkey', [track('Read on')])
    await page.getByText('Resume · 1 new').waitFor()
    await accessible(page)
    await page.locator('#rows [aria-expanded=true]').click()
    await page.waitForFunction(() => document.querySelector('#rows li .name').textContent === 'Read on')
    assert.equal(await page.locator('#rows pre').count(), 0)
  })
})

test('the newest can be filtered, and the filter is in the address', async () => {
  await visit({}, async (page) => {
    const names = () => page.locator('#rows li .name').allTextContents()
    const only = (want) => page.waitForFunction((want) => {
      const names = [...document.querySelectorAll('#rows li .name')].map((e) => e.textContent)
      return names.length > 0 && names.every((n) => n === want)
    }, want)
    await page.locator('#rows li').nth(5).waitFor()
    await page.getByRole('searchbox', { name: 'Text' }).fill('NEEDLE')
    await page.waitForURL(/text=NEEDLE/)
    await listens(page)
    await page.getByText('Nothing that fits has come in the last hour.').waitFor()
    await post('wkey', [track('Hay'), track('Found', { properties: { where: 'a needle in it' } }), track('Hay')])
    await only('Found')
    await page.getByRole('searchbox', { name: 'Text' }).fill('')
    await page.waitForURL((u) => !u.search.includes('text'))

    await page.locator('select[name=source]').selectOption('app')
    await only('Start')
    await post('wkey', [track('Not of the app')])
    await post('akey', [track('Start')])
    await only('Start')
    await page.locator('select[name=source]').selectOption('')

    await page.locator('#names').getByRole('button', { name: 'Buy' }).click()
    await only('Buy')
    assert.equal(await page.getByRole('combobox', { name: 'Name' }).inputValue(), 'Buy')
    await page.getByRole('combobox', { name: 'Name' }).fill('')

    await page.getByText('Refused only').click()
    await page.waitForURL(/refused=1/)
    await listens(page)
    await post('wkey', [track('Fine'), { type: 'track', userId: 'eve', messageId: 'dead-2' }])
    await page.locator('#rows .refused').waitFor()
    assert.match(await text(page, '#rows .refused'), /refused: missing_event/)
    assert.equal((await names()).length, 1)

    await page.reload()
    await page.waitForURL(/refused=1/)
    assert.equal(await page.locator('input[name=refused]').isChecked(), true)
  })
})

test('everything is reached with the keyboard, and is seen to be', async () => {
  await visit({}, async (page) => {
    await page.locator('#rows li').nth(3).waitFor()
    const reached = new Set()
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      const found = await page.evaluate(() => {
        const e = document.activeElement
        const of = e.matches('.switch input') ? e.nextElementSibling : e
        const style = getComputedStyle(of)
        const box = of.getBoundingClientRect()
        return {
          name: e.id || e.className || e.name || e.tagName,
          ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1.5,
          seen: box.width > 0 && box.height > 0,
        }
      })
      if (found.name === 'BODY') break
      assert.ok(found.ringed && found.seen, `the focus is seen on ${found.name}`)
      reached.add(found.name)
      if (found.name === 'line') break
    }
    for (const name of ['skip', 'brand', 'theme', 'by', 'chart', 'link-like', 'pause', 'text', 'name', 'source', 'refused', 'rows', 'line']) {
      assert.ok(reached.has(name), `Tab reaches ${name}; it reached ${[...reached]}`)
    }
    await page.keyboard.press('Enter')
    await page.locator('#rows pre').waitFor()

    await page.locator('#chart').focus()
    await page.keyboard.press('End')
    assert.match(await text(page, '#chart-said'), /under way: [\d,]+ events/)
    await page.locator('.tip').waitFor()
    await page.keyboard.press('Home')
    assert.match(await text(page, '#chart-said'), /^\d\d:\d\d: 0 events/)
    await page.locator('.tip').waitFor()
  })
})

test('a part of the chart can be hidden', async () => {
  await visit({}, async (page) => {
    const web = page.locator('#legend button').first()
    await web.waitFor()
    await web.click()
    assert.equal(await web.getAttribute('aria-pressed'), 'false')
    await web.click()
    assert.equal(await web.getAttribute('aria-pressed'), 'true')
  })
})

test('the theme is the system’s until another is chosen, and is kept', async () => {
  await visit({ scheme: 'dark' }, async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await paper()
    const button = page.locator('#theme')
    assert.equal(await button.getAttribute('aria-label'), 'Theme: as the system')
    await button.click()
    assert.equal(await button.getAttribute('aria-label'), 'Theme: light')
    const light = await paper()
    assert.notEqual(light, dark)
    await page.reload()
    assert.equal(await paper(), light)
    await button.click()
    assert.equal(await paper(), dark)
  })
})

test('a busy page holds in any light and on a telephone', async () => {
  await visit({ scheme: 'dark', viewport: phone }, async (page) => {
    await page.locator('#rows li').nth(5).waitFor()
    await page.locator('#chart canvas').waitFor()
    await page.locator('#names tbody tr').first().waitFor()
    await holds(page, 'busy', { viewports: [phone, wide, { width: 768, height: 1024 }, { width: 2560, height: 1440 }], audited: [phone, wide] })
  })
})
