// The reports and the dashboards, built by clicking, as people build them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { accessible, api, broad, close, comes, fits, held, holds, number, phone, picture, send, text, url, visit, wide } from './browser.mjs'

after(close)

const noon = new Date()
noon.setUTCHours(11, 0, 0, 0)
const at = (day, hour) => new Date(noon.getTime() + (day * 24 + hour) * 3600_000).toISOString()

// 20 people look three days ago, 12 of them on the next day and 8 on the day after. Of the 20, 10 add and 5 of those buy,
// an hour after each other.
before(async () => {
  const did = []
  const track = (event, user, day, hour) => did.push({
    type: 'track', event, userId: `user-${user}`, messageId: `${event}-${user}-${day}`, timestamp: at(day, hour), properties: { kind: user % 4 ? 'Shoes' : 'Hats', price: 10 + user },
  })
  for (const [day, people] of [[-3, 20], [-2, 12], [-1, 8]]) for (let user = 0; user < people; user++) track('Look', user, day, 0)
  for (let user = 0; user < 10; user++) track('Add', user, -3, 1)
  for (let user = 0; user < 5; user++) track('Buy', user, -3, 2)
  await send(did)
})

/** choose picks from a field that finds by typing. */
async function choose(page, label, typed, option = typed) {
  const field = page.getByRole('combobox', { name: label, exact: true })
  await field.click()
  await field.fill(typed)
  await page.getByRole('option', { name: option }).first().click()
}
const settled = (page) => page.locator('[aria-busy]').first().waitFor({ state: 'detached' })

/** listed wants the list behind a number to be as long as the number is great. */
async function listed(page, want) {
  const dialog = page.getByRole('dialog')
  await dialog.locator('#behind-said').getByText(/^[\d,]+ (person|people)/).waitFor()
  const rows = dialog.locator('.grid tbody tr')
  assert.equal(number((await text(page, '#behind-said')).match(/^[\d,]+/)[0]), want, 'the number that the list says')
  assert.equal(await rows.count(), want, 'the length of the list')
  assert.match(await rows.first().locator('a').getAttribute('href'), /^\/people\?person=user-\d+$/)
  await accessible(page)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.waitForFunction(() => !location.search.includes('point='))
}
const address = (path, question, more = '') => `${path}?q=${encodeURIComponent(JSON.stringify(question))}${more}`
const dayOf = (n) => at(n, 0).slice(0, 10)
const week = { from: dayOf(-6), to: dayOf(1), zone: 'UTC' } // eight days, the fourth of them three days ago
const track = (event) => ({ event: { event } })

test('Trends: a breakdown is built by clicking, the address holds it, and each number has its people', async () => {
  await visit({ path: '/trends' }, async (page) => {
    await page.getByText('Look', { exact: true }).first().waitFor()
    assert.equal(await text(page, '#answer .headline .value'), '40', 'it begins with the most frequent event')
    await choose(page, 'Series A', 'Buy')
    await page.locator('#answer .headline').getByText('Buy').waitFor()
    await settled(page)
    assert.equal(await text(page, '#answer .headline .value'), '5')
    await page.locator('#answer .headline .value').click()
    await listed(page, 5)
    await choose(page, 'Series A', 'Look')
    await page.getByLabel('Measure of A').selectOption('People')
    await page.locator('#answer .headline').getByText('Look, people').waitFor()
    await page.getByRole('button', { name: 'Break down by…' }).click()
    await choose(page, 'Break down by property 1', 'kind')
    const rows = page.locator('#answer .lines-table tbody tr')
    await rows.nth(1).waitFor()
    const shown = Object.fromEntries(await rows.evaluateAll((list) => list.map((row) => [row.cells[0].textContent, row.cells[1].textContent])))
    assert.deepEqual(shown, { Shoes: '15', Hats: '5' })
    await rows.filter({ hasText: 'Hats' }).getByRole('button').click()
    await listed(page, 5)

    const there = page.url()
    await page.getByRole('radio', { name: 'Table' }).check()
    await page.locator('#answer thead th').nth(5).waitFor()
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export The trend in numbers as CSV' }).click()])
    assert.match(readFileSync(await saved.path(), 'utf8'), /^name,total,.*\r\n(.*\r\n)?Shoes,15,/)
    await page.goBack()
    assert.equal(page.url(), there, 'back undoes it')
    await page.reload()
    await rows.nth(1).waitFor()
    assert.match(await rows.allTextContents().then((list) => list.join()), /Shoes15/)
  })
})

test('Trends: a press on the chart opens who is behind the point, and so do the keys', async () => {
  await visit({ path: address('/trends', { range: { ...week, interval: 'day' }, series: [track('Look')] }, '&as=bar') }, async (page) => {
    const chart = page.locator('#answer .chart')
    await chart.locator('canvas').first().waitFor()
    await settled(page)
    await chart.focus()
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
    await listed(page, 20)
    const box = await chart.boundingBox()
    // The axis stands at the left.
    await page.mouse.click(box.x + 40 + ((box.width - 50) * 3.5) / 8, box.y + box.height - 40)
    await listed(page, 20)
    assert.match(await text(page, '#answer .note'), /not over/)
  })
})

test('Trends: what is chosen while the people are being closed is kept, and back leads to the report as it was', async () => {
  const path = address('/trends', { range: { ...week, interval: 'day' }, series: [track('Look')] }, '&as=bar')
  await visit({ path }, async (page) => {
    const chart = page.locator('#answer .chart')
    await chart.locator('canvas').first().waitFor()
    await settled(page)
    const there = page.url()
    await chart.focus()
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('dialog').locator('.grid tbody tr').first().waitFor()
    await page.evaluate(() => {
      document.querySelector('dialog[open]').close()
      return new Promise((resolve) => {
        // The dialog tells that it is closed in a task of its own, and the browser goes back in yet another one.
        document.querySelector('dialog').addEventListener('close', () => {
          document.querySelector('input[name=as][value=table]').click()
          resolve()
        }, { once: true })
      })
    })
    await page.waitForFunction(() => { const q = new URLSearchParams(location.search); return !q.has('point') && q.get('as') === 'table' })
    await page.locator('#answer thead th').nth(5).waitFor()
    assert.equal(await page.locator('dialog[open]').count(), 0)
    await page.goBack()
    assert.equal(page.url(), there)
    assert.ok(await page.getByRole('radio', { name: 'Bar' }).isChecked())
  })
  // The same before the dialog has told that it is closed: what was chosen is no step to go back from.
  await visit({ path }, async (page) => {
    const chart = page.locator('#answer .chart')
    await chart.locator('canvas').first().waitFor()
    await settled(page)
    await chart.focus()
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('dialog').locator('.grid tbody tr').first().waitFor()
    await page.evaluate(() => {
      document.querySelector('dialog[open]').close()
      document.querySelector('input[name=as][value=table]').click()
    })
    await page.locator('#answer thead th').nth(5).waitFor()
    await page.waitForFunction(() => { const q = new URLSearchParams(location.search); return !q.has('point') && q.get('as') === 'table' })
    assert.equal(await page.locator('dialog').count(), 0)
  })
})

test('Trends: an answer is shown another way while the next is awaited', async () => {
  await visit({ path: address('/trends', { range: { ...week, interval: 'day' }, series: [track('Look')] }) }, async (page) => {
    await page.locator('#answer canvas').first().waitFor()
    await settled(page)
    const go = await held(page, '**/api/query/trend')
    await page.getByRole('button', { name: 'Add a series' }).click()
    await page.locator('#answer [aria-busy], #answer[aria-busy]').first().waitFor({ state: 'attached' })
    await page.getByRole('radio', { name: 'Table' }).check()
    await page.locator('#answer thead th').nth(5).waitFor()
    assert.equal(await page.locator('#answer tbody tr').count(), 1)
    go()
    await page.locator('#answer tbody tr').nth(1).waitFor()
  })
})

test('Trends: a formula, a filter and the period before; what cannot be is said with its field', async () => {
  await visit({ path: '/trends', allow: /status of 400/ }, async (page) => {
    await page.locator('#answer .headline .value').waitFor()
    await page.getByRole('button', { name: 'Add a series' }).click()
    await page.locator('#answer .lines-table tbody tr').nth(1).waitFor()
    await page.getByRole('button', { name: 'Add a formula' }).click()
    await page.getByLabel('Formula 1', { exact: true }).fill('B / A * 100')
    await page.keyboard.press('Enter')
    await page.locator('#answer .lines-table').getByText('B / A * 100').waitFor()
    assert.match((await page.locator('#answer .lines-table tbody tr').allTextContents()).join(), /B \/ A \* 10025/, '10 of 40')
    await page.getByLabel('Compare with the period before').check()
    await page.locator('#answer .lines-table').getByText('Before').waitFor()
    await page.getByLabel('Measure of A').selectOption('Sum of')
    await page.getByText('Choose the property whose numbers series A is about.').waitFor()
    await choose(page, 'Property of A', 'price')
    await page.locator('#answer .lines-table').getByText('Look, sum of price').waitFor()
    await page.getByLabel('Formula 1', { exact: true }).fill('B / C')
    await page.keyboard.press('Enter')
    const fault = page.getByRole('alert')
    await fault.waitFor()
    assert.match(await fault.textContent(), /formulas\[0\].*C/)
    await accessible(page)
  })
})

test('Funnels: steps are chosen by clicking; who came and who dropped can be seen', async () => {
  await visit({ path: address('/funnels', { range: week, steps: [track('Look'), track('Add')] }) }, async (page) => {
    await page.locator('.funnel-step').nth(1).waitFor()
    await page.getByRole('button', { name: 'Add a step' }).click()
    await page.locator('.funnel-step').nth(2).waitFor()
    await choose(page, 'Step 3', 'Buy')
    await page.locator('.funnel-step').nth(2).getByText('Buy').waitFor()
    await settled(page)
    const rows = await page.locator('#answer .lines-table tbody tr').evaluateAll((list) => list.map((row) => [...row.cells].slice(0, 6).map((c) => c.textContent)))
    assert.deepEqual(rows, [['1. Look', '20', '–', '100%', '10', '–'], ['2. Add', '10', '50.0%', '50.0%', '5', '1 h'], ['3. Buy', '5', '50.0%', '25.0%', '0', '1 h']].map((r, i) => {
      const have = rows[i]
      return [r[0], r[1], r[2], r[3], r[4], have[5]]
    }))
    assert.match(await text(page, '#answer .headline'), /25\.0%.*5 of 20 people/)
    await page.locator('.funnel-step').nth(1).getByRole('button', { name: '10 dropped before Add' }).click()
    await listed(page, 10)
    await page.locator('.funnel-step').nth(2).getByRole('button', { name: '5 people came to Buy' }).click()
    await listed(page, 5)
    await page.getByRole('button', { name: 'Break down by…' }).click()
    await choose(page, 'Break down by property 1', 'kind')
    await page.locator('#answer .lines-table').getByText('Hats').waitFor()
    await settled(page)
    await page.getByRole('button', { name: '5 of Hats came to Look' }).click()
    await listed(page, 5)
    await page.getByRole('button', { name: 'Move up Step 3' }).click()
    await page.locator('.funnel-step').nth(1).getByText('Buy').waitFor()
  })
})

test('Retention: who comes back is asked by clicking, as a table and as a curve', async () => {
  await visit({ path: address('/retention', { range: { ...week, to: dayOf(0), interval: 'day' }, start: track('Look'), return: track('Add') }) }, async (page) => {
    await page.locator('.retention tbody tr').first().waitFor()
    await choose(page, 'Event 2', 'Look')
    await page.locator('#answer .headline').getByText('60.0%').waitFor()
    await settled(page)
    const cells = page.locator('.retention tbody tr').nth(4).locator('th, td')
    assert.deepEqual((await cells.allTextContents()).slice(1, 5), ['20', '100%', '60%', '40%'])
    await cells.nth(3).getByRole('button').click()
    await listed(page, 12)
    await cells.nth(4).getByRole('button').click()
    await listed(page, 8)
    // And those who were lost, beside them.
    await cells.nth(3).getByRole('button').press('Enter')
    await page.getByRole('dialog').getByRole('radio', { name: 'Did not: 8' }).press('Space')
    await page.getByRole('heading', { name: /, not back in day 1$/ }).waitFor()
    await page.waitForFunction(() => location.search.includes('lost'))
    await page.reload()
    await page.getByRole('radio', { name: 'Did not: 8', checked: true }).waitFor()
    await listed(page, 8)
    await page.getByRole('radio', { name: 'Curve' }).check()
    await page.locator('#answer canvas').first().waitFor()
    await page.locator('#answer .chart').focus()
    for (const key of ['Home', 'ArrowRight']) await page.keyboard.press(key)
    await page.getByText('Day 1: All 60.0%').waitFor({ state: 'attached' })
    await page.reload()
    await page.locator('#answer canvas').first().waitFor()
    await page.getByRole('radio', { name: 'Table' }).check()
    await page.getByRole('button', { name: 'Break down by…' }).click()
    await choose(page, 'Break down by property 1', 'kind')
    await page.getByLabel('Of which group').selectOption('Hats')
    await comes(async () => assert.deepEqual((await cells.allTextContents()).slice(1, 3), ['5', '100%']))
  })
})

test('Paths: what comes after an event is followed by clicking; nodes and links have their people', async () => {
  await visit({ path: address('/paths', { range: week, gap: { length: 2, unit: 'hour' } }) }, async (page) => {
    await page.locator('.way-node').first().waitFor()
    await choose(page, 'Event 0', 'Add')
    await page.locator('#answer .headline').getByText('paths from Add').waitFor()
    await settled(page)
    assert.equal(await text(page, '#answer .headline .value'), '10')
    await page.getByRole('button', { name: /^Buy, step 1: 5 paths of 5 people/ }).press('Enter')
    await listed(page, 5)
    await page.getByRole('button', { name: /^Nothing more, step 1: 5 paths of 5 people/ }).click()
    await listed(page, 5)
    await page.getByRole('button', { name: 'Add → Buy: 5 paths of 5 people' }).press('Enter')
    await listed(page, 5)
    await accessible(page)
    await page.getByLabel('Direction').selectOption('what people did before')
    await page.locator('#answer .headline').getByText('paths to Add').waitFor()
    await page.getByRole('button', { name: /^Look, step 1: 10 paths of 10 people/ }).waitFor()
    await page.getByRole('radio', { name: 'Table' }).check()
    const row = page.locator('#answer .grid').first().locator('tbody tr').first()
    await comes(async () => assert.deepEqual((await row.locator('th, td').allTextContents()).slice(1), ['Add', 'Look', '10', '100%', '10']))
    await row.getByRole('button').click()
    await listed(page, 10)
  })
})

test('Dashboards: a report is saved to one, which is arranged by keys, and loaded again from its address', async () => {
  await visit({ path: '/trends' }, async (page) => {
    await page.locator('#answer .headline .value').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByLabel('Name').fill('How many look')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.locator('#saved-name').getByText('How many look').waitFor()
    await page.getByRole('button', { name: 'Add to dashboard' }).click()
    await page.getByLabel('Name of the new dashboard').fill('The shop')
    await accessible(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click()
    await page.getByRole('button', { name: 'Open it' }).click()
    await page.getByRole('heading', { name: 'The shop' }).waitFor()
    const cards = page.locator('.card')
    await cards.first().locator('.headline .value').waitFor()
    assert.equal(await text(page, '.card .headline .value'), '40')

    // Another one, and one that can't be answered: it fails in its own card.
    const id = new URL(page.url()).searchParams.get('id')
    const { documents } = await api('/api/saved/dashboards')
    const shop = documents.find((d) => d.id === id)
    const numbers = await api('/api/saved/reports', { name: 'In numbers', body: { question: 'trend', view: 'number', params: { range: { ...week, interval: 'day' }, series: [track('Buy')] } } })
    const gone = await api('/api/saved/reports', { name: 'Gone', body: { question: 'trend', params: { range: week, series: [track('Buy')] } } })
    const put = await fetch(`${url}/api/saved/dashboards/${id}`, {
      method: 'PUT', headers: { 'If-Match': `"${shop.version}"` }, body: JSON.stringify({ name: shop.name, body: { tiles: [...shop.body.tiles, { report: numbers.id }, { report: gone.id }] } }),
    })
    assert.equal(put.status, 200)
    await fetch(`${url}/api/saved/reports/${gone.id}`, { method: 'DELETE' })
    await page.reload()
    await cards.nth(2).getByText('not saved any more').waitFor()
    assert.equal(await text(page, '.card .big-number .value'), '5')
    assert.equal(await text(page, '.card .headline .value'), '40')

    await page.getByRole('button', { name: 'Arrange' }).click()
    // Two moves at once: the second is of what the first has made.
    const moved = []
    page.on('response', (r) => { if (r.request().method() === 'PUT') moved.push(r.status()) })
    await page.getByRole('button', { name: 'Move earlier: In numbers' }).evaluate((b) => b.click())
    await page.getByRole('button', { name: 'Move later: In numbers' }).evaluate((b) => b.click())
    await comes(async () => assert.deepEqual(moved, [200, 200]))
    await page.getByRole('button', { name: 'Move later: How many look' }).focus()
    const kept = page.waitForResponse((r) => r.request().method() === 'PUT')
    await page.keyboard.press('Enter')
    assert.equal((await kept).status(), 200)
    await page.getByText('How many look is number 2 of 3').waitFor({ state: 'attached' })
    const named = (want, why) => comes(async () => assert.deepEqual(await page.locator('.card h3').allTextContents(), want, why))
    await named(['In numbers', 'How many look', 'A report that was removed'])
    const dropped = page.waitForResponse((r) => r.request().method() === 'PUT')
    await cards.nth(1).dragTo(cards.nth(0), { sourcePosition: { x: 60, y: 12 }, targetPosition: { x: 60, y: 12 } })
    assert.equal((await dropped).status(), 200)
    await page.reload()
    await cards.nth(1).waitFor()
    await named(['How many look', 'In numbers'], 'it is kept')
    const asked = page.waitForResponse((r) => r.request().method() === 'PUT')
    await page.getByLabel('How often it is asked anew').selectOption('Every minute')
    assert.equal((await asked).status(), 200)
    assert.equal((await api('/api/saved/dashboards')).documents.find((d) => d.id === id).body.refresh, 60)
    await cards.first().getByRole('link', { name: 'How many look' }).click()
    await page.locator('#saved-name').getByText('How many look').waitFor()
    await page.locator('#answer .headline .value').getByText('40').waitFor()
  })
})

test('Dashboards: the people behind a number of each kind of card are opened, by the mouse and by keys', async () => {
  const kinds = { by: ['properties.kind'] }
  const steps = [track('Look'), track('Add')]
  const daily = { ...week, to: dayOf(0), interval: 'day' }
  const reports = [
    ['Lines', 'trend', 'line', { range: daily, series: [track('Look'), track('Add')] }],
    ['Numbers', 'trend', 'number', { range: daily, series: [track('Buy')] }],
    ['Steps', 'funnel', '', { range: week, steps, breakdown: kinds }],
    ['Back', 'retention', 'table', { range: daily, start: track('Look'), return: track('Look') }],
    ['Ways', 'paths', 'flow', { range: week, from: track('Add'), gap: { length: 2, unit: 'hour' } }],
  ]
  const tiles = []
  for (const [name, question, view, params] of reports) tiles.push({ report: (await api('/api/saved/reports', { name, body: { question, params, ...(view ? { view } : {}) } })).id })
  const { id } = await api('/api/saved/dashboards', { name: 'Drilled', body: { tiles } })
  await visit({ path: `/dashboards?id=${id}` }, async (page) => {
    const of = (name) => page.locator('.card').filter({ has: page.getByRole('heading', { name, exact: true }) })
    const lines = of('Lines').locator('.chart')
    await lines.locator('canvas').first().waitFor()
    await settled(page)
    await lines.focus()
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key)
    await of('Lines').getByText('Enter opens Add').waitFor({ state: 'attached' })
    await page.keyboard.press('Enter')
    await listed(page, 10)
    await lines.focus()
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowUp', 'Enter']) await page.keyboard.press(key)
    await listed(page, 20)
    await of('Numbers').getByRole('button', { name: '5', exact: true }).click()
    await listed(page, 5)
    await of('Steps').getByRole('button', { name: 'Shoes: 15 came to Look' }).press('Enter')
    await listed(page, 15)
    await of('Back').getByRole('button', { name: /day 1: 12 of 20/ }).click()
    await page.getByRole('dialog').getByRole('radio', { name: 'Did not: 8' }).check()
    await page.waitForFunction(() => location.search.includes('lost'))
    // A link to the list is the list.
    const there = page.url()
    await page.goto(there)
    await page.getByRole('heading', { name: /, not back in day 1$/ }).waitFor()
    await listed(page, 8)
    assert.equal(await page.locator('.card').count(), 5)
    await of('Ways').getByRole('button', { name: 'Add → Buy: 5 paths of 5 people' }).press('Enter')
    await listed(page, 5)
    await settled(page)
    await accessible(page)
    await page.keyboard.press('Escape')

    // Each card gives its whole answer as a file, whatever it has room for.
    const files = {}
    for (const [name] of reports) {
      for (const kind of ['CSV', 'JSON']) {
        const waits = page.waitForEvent('download')
        await of(name).getByRole('button', { name: `Export ${name} as ${kind}` }).press('Enter')
        const file = await waits
        assert.match(file.suggestedFilename(), new RegExp(`^${name.toLowerCase()}-.*\\.${kind.toLowerCase()}$`))
        files[`${name} ${kind}`] = readFileSync(await file.path(), 'utf8')
      }
    }
    const rows = (name) => JSON.parse(files[`${name} JSON`])
    assert.deepEqual(rows('Lines').map((r) => [r.name, r.total]), [['Look', 40], ['Add', 10]])
    assert.equal(Object.values(rows('Lines')[0]).filter((v) => typeof v === 'number').reduce((a, b) => a + b), 80, 'the total, and the days that make it')
    assert.deepEqual(rows('Numbers').map((r) => r.total), [5])
    assert.deepEqual(rows('Steps').map((r) => [r.name, r['step 1']]), [['Shoes', 15], ['Hats', 5]])
    assert.deepEqual(rows('Back').filter((r) => r.people === 20).map((r) => r['period 1']), [0.6, 0.6], 'those of the day, and all')
    assert.deepEqual(rows('Ways').filter((r) => r.to === 'Buy').map((r) => [r.from, r.paths]), [['Add', 5]])
    assert.match(files['Steps CSV'], /^name,step 1,step 2,conversion,median\r\nShoes,15,/)
    await of('Steps').getByRole('link', { name: 'Steps' }).press('Enter')
    await page.locator('#saved-name').getByText('Steps').waitFor()
    await page.locator('#answer .funnel-step').first().waitFor()
  })
})

test('Dashboards: a card that gets no answer says so in itself, and can ask again', async () => {
  const report = (name, event) => api('/api/saved/reports', { name, body: { question: 'trend', params: { range: { ...week, interval: 'day' }, series: [track(event)] } } })
  const [fine, slow] = [await report('Fine', 'Look'), await report('Slow', 'Buy')]
  const { id } = await api('/api/saved/dashboards', { name: 'Two', body: { tiles: [{ report: fine.id }, { report: slow.id }] } })
  await visit({ path: '/dashboards', allow: /status of 504/ }, async (page) => {
    let fail = true
    await page.route('**/api/query/trend', (route) => (fail && route.request().postData().includes('Buy')
      ? route.fulfill({ status: 504, json: { error: 'the question took over 60 s', code: 'timeout' } }) : route.continue()))
    await page.goto(`${url}/dashboards?id=${id}`)
    const [first, second] = [page.locator('.card').nth(0), page.locator('.card').nth(1)]
    await second.getByRole('alert').getByText('the question took over 60 s').waitFor()
    await first.locator('.headline .value').getByText('40').waitFor()
    assert.equal(await first.getByRole('alert').count(), 0)
    await accessible(page)
    fail = false
    await second.getByRole('button', { name: 'Try again' }).click()
    await second.locator('.headline .value').getByText('5', { exact: true }).waitFor()
    assert.equal(await page.getByRole('alert').count(), 0)
  })
})

test('a fault can be tried again where that can help, and nowhere else', async () => {
  const again = (page) => page.locator('#answer').getByRole('button', { name: 'Try again' })
  await visit({ path: address('/trends', { range: week, series: [track('Look')], formulas: ['A / Z'] }), allow: /status of (4|5)\d\d/ }, async (page) => {
    await page.locator('#answer').getByRole('alert').waitFor()
    assert.equal(await again(page).count(), 0, 'what cannot be asked, as the server itself says it')
    let fault
    await page.route('**/api/query/trend', (route) => route.fulfill({ status: fault[0], json: { error: `this is ${fault[1]}`, code: fault[1] } }))
    const cases = [[400, 'invalid', 0], [400, 'bad_request', 0], [400, 'bad_sql', 0], [403, 'scope', 0], [413, 'too_large', 0], [404, 'not_found', 0], [504, 'timeout', 1], [500, 'failed', 1], [503, 'busy', 1], [401, 'unauthorized', 1]]
    for (const [status, code, want] of cases) {
      fault = [status, code]
      await page.getByRole('button', { name: 'Refresh' }).click()
      await page.locator('#answer').getByRole('alert').getByText(`this is ${code}`).waitFor()
      assert.equal(await again(page).count(), want, code)
    }
  })
})

test('Dashboards: who has none is taught, and can begin with one press', async () => {
  for (const d of (await api('/api/saved/dashboards')).documents) await fetch(`${url}/api/saved/dashboards/${d.id}`, { method: 'DELETE' })
  await visit({ path: '/dashboards' }, async (page) => {
    await page.getByText('A dashboard shows saved reports side by side').waitFor()
    await accessible(page)
    await page.getByRole('button', { name: 'Make a first one' }).click()
    await page.getByRole('heading', { name: 'What happens' }).waitFor()
    await page.locator('.card .headline .value').first().waitFor()
    assert.equal(await page.locator('.card').count(), 6)
    await page.locator('.card .funnel-step').first().waitFor()
    await page.locator('.card .retention tbody tr').first().waitFor()
    await settled(page)
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme })
      await accessible(page)
    }
    await picture(page, 'dashboard')
    await page.setViewportSize(phone)
    await fits(page)
    const cut = await page.locator('.card .funnel').evaluateAll((all) => all.filter((f) => f.scrollWidth > f.clientWidth + 1).length)
    assert.equal(cut, 0, 'on a telephone a card’s funnel stands whole, step below step')
    await picture(page, 'dashboard-390')
  })
})

const reports = {
  '/trends': (page) => page.locator('#answer .headline .value').waitFor(),
  [address('/trends', { range: { ...week, interval: 'day' }, series: [track('Look')], breakdown: { by: ['properties.kind'] }, compare: true }, '&as=area')]: (page) => page.locator('#answer .lines-table tbody tr').nth(1).waitFor(),
  [address('/trends', { range: { ...week, interval: 'day' }, series: [track('Nothing of this name')] })]: (page) => page.getByText('Nothing of this in the range').waitFor(),
  [address('/funnels', { range: week, steps: [track('Look'), track('Add'), track('Buy')], breakdown: { by: ['properties.kind'] } })]: (page) => page.locator('.funnel-step').nth(2).waitFor(),
  [address('/retention', { range: { ...week, interval: 'day' }, start: track('Look'), return: track('Look') })]: (page) => page.locator('.retention tbody tr').first().waitFor(),
  [address('/paths', { range: week, from: track('Look') })]: (page) => page.locator('.way-node').first().waitFor(),
}

test('every report is accessible and fits, in any light and at any width', async () => {
  await visit({ path: null, scheme: 'dark' }, async (page) => {
    for (const [path, ready] of Object.entries(reports)) {
      await page.setViewportSize(phone)
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.goto(url + path)
      await ready(page)
      await settled(page)
      await page.locator('#build summary').click()
      await holds(page, path.replace(/\W+/g, '-').slice(1, 24), { viewports: /^.(funnels|retention)/.test(path) ? [phone, wide, broad] : [phone, wide] })
    }
  })
})
