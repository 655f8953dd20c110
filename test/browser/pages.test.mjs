// The pages that look into the line and into the tables, used as people use them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { accessible, broad, close, comes, holds, phone, picture, text, url, visit, wide } from './browser.mjs'

after(close)

let sent = 0
async function post(key, events) {
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Basic ${btoa(`${key}:`)}` }, body: JSON.stringify({ batch: events }),
  })
  assert.equal(response.status, 200, await response.text())
  sent += events.length
}
const sql = async (query) => (await fetch(`${url}/api/sql`, { method: 'POST', body: JSON.stringify({ sql: query }) })).json()

before(async () => {
  const track = (n, more = {}) => ({ type: 'track', event: n % 3 ? 'Look' : 'Buy', userId: `user-${n % 7}`, messageId: `m-${n}`, properties: { n, what: n % 2 ? 'Shoes' : 'Hats', price: 9.5 + n }, ...more })
  await post('wkey', Array.from({ length: 60 }, (_, n) => track(n)))
  await post('wkey', [track(5), { type: 'identify', userId: 'user-1', anonymousId: 'device-1', messageId: 'i-1', traits: { name: 'Ada King', plan: 'pro' } },
    { type: 'track', event: 'Look', anonymousId: 'device-1', messageId: 'a-1', properties: { n: 1 } }, { type: 'track', userId: 'user-2', messageId: 'nameless' }])
  for (let i = 0; i < 200; i++) {
    const [{ n }] = await sql("select count(*) as n from events")
    const [{ dead }] = await sql("select count(*) as dead from dead_letters where message_id = 'nameless'")
    if (n === 62 && dead === 1) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail('the events do not arrive')
})

const pages = {
  '/sql?sql=select+event%2C+count(*)+as+n+from+events+group+by+1+order+by+2+desc': (page) => page.locator('.grid tbody tr').first().waitFor(),
  '/sql': (page) => page.getByText('Ask the warehouse anything').waitFor(),
  '/pipeline?range=24h&reason=unknown_type&source=web': (page) => page.locator('#letters .letter').first().waitFor(),
  '/trace?id=m-5': (page) => page.locator('#searched').getByText('Looked through').waitFor(),
  '/trace': (page) => page.getByText('Paste the message id').waitFor(),
  '/sources': (page) => page.locator('#way-text').getByText('curl').waitFor(),
  '/events?type=track&event=Look': (page) => page.locator('#properties .grid tbody tr').first().waitFor(),
  '/settings': (page) => page.locator('#tokens .empty').waitFor(),
  '/api': (page) => page.locator('.operation').first().waitFor(),
  '/people': (page) => page.locator('#list .grid tbody tr').first().waitFor(),
  '/people?person=user-1': (page) => page.locator('.did').first().waitFor(),
  '/people?search=nobody+of+that+name': (page) => page.getByText('Nobody in this range').waitFor(),
}

const broadToo = ['/sql', '/sources', '/settings', '/api', '/pipeline?range=24h&reason=unknown_type&source=web'] // the others: looks.test.mjs

test('every page is accessible and fits, in any light and at any width', async () => {
  await visit({ path: null, scheme: 'dark' }, async (page) => {
    for (const [path, ready] of Object.entries(pages)) {
      await page.setViewportSize(phone)
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.goto(url + path)
      await ready(page)
      await page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
      await holds(page, path.replace(/\W+/g, '-').slice(1, 30), { viewports: broadToo.includes(path) ? [phone, wide, broad] : [phone, wide] })
    }
  })
})

test('the pages have their names in the navigation, which a narrow screen opens by a button', async () => {
  await visit({ path: '/sql', viewport: phone }, async (page) => {
    const nav = page.getByRole('navigation', { name: 'Pages' })
    assert.equal(await nav.isVisible(), false)
    await page.getByRole('button', { name: 'All pages' }).click()
    await nav.getByRole('link', { name: 'Pipeline' }).waitFor()
    await accessible(page)
    await picture(page, 'menu-390', false)
    await page.keyboard.press('Escape')
    assert.equal(await nav.isVisible(), false)
    await page.getByRole('button', { name: 'All pages' }).click()
    await nav.getByRole('link', { name: 'Trace' }).click()
    await page.getByRole('heading', { level: 1, name: 'Trace' }).waitFor()
  })
})

test('SQL: run by the keyboard, sorted, charted, exported; the address is the statement', async () => {
  await visit({ path: '/sql' }, async (page) => {
    const editor = page.getByRole('textbox', { name: 'SQL' })
    await editor.fill('select event, count(*) as n, 9007199254740993 as large from events where event is not null group by 1 order by 2')
    await editor.press('Control+Enter')
    const first = page.locator('#result .grid tbody tr').first()
    await first.waitFor()
    assert.match(await text(page, '#result-said'), /^2 rows in /)
    assert.deepEqual(await first.locator('th, td').allTextContents(), ['Buy', '20', '9007199254740993'], 'to the digit')
    await page.locator('#result').getByRole('button', { name: 'n', exact: true }).click()
    assert.equal(await first.locator('th').textContent(), 'Look', 'the greatest first')
    assert.equal(await page.locator('#result th[aria-sort="descending"]').textContent(), 'n')
    await page.getByRole('radio', { name: 'Chart' }).check()
    await page.locator('#result canvas').first().waitFor()
    await page.locator('#result .chart').focus()
    await page.keyboard.press('End')
    await page.getByText('Look: n 41').waitFor({ state: 'attached' })

    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as CSV' }).click()])
    assert.equal(readFileSync(await saved.path(), 'utf8'), 'event,n,large\nBuy,20,9007199254740993\nLook,41,9007199254740993\n')
    const [parquet] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as Parquet' }).click()])
    assert.equal(readFileSync(await parquet.path()).subarray(0, 4).toString(), 'PAR1')

    const address = page.url()
    await editor.fill('select 1 as one')
    await editor.press('Control+Enter')
    await page.locator('#result').getByText('1 row in').waitFor()
    await page.goBack()
    await page.locator('#result').getByText('2 rows in').waitFor()
    assert.equal(page.url(), address)
    assert.match(await editor.inputValue(), /^select event, count/)
  })
})

test('SQL: what cannot be is said, and what takes long can be cancelled', async () => {
  await visit({ path: '/sql', allow: /status of 400/ }, async (page) => {
    const editor = page.getByRole('textbox', { name: 'SQL' })
    await editor.fill('drop table events')
    await page.getByRole('button', { name: 'Run' }).click()
    const fault = page.getByRole('alert').filter({ hasText: 'The warehouse refuses the statement' })
    await fault.waitFor()
    assert.match(await fault.textContent(), /only one SELECT/)
    await accessible(page)
    await editor.fill('select count(*) from range(3000000) a, range(3000000) b where a.range + b.range = 7')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Cancelled.').waitFor()
    await editor.fill('select range as n from range(5000)')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.locator('#result-said').getByText('1,000 rows of more').waitFor()
  })
})

test('SQL: names are found at the side, and put into the statement', async () => {
  await visit({ path: '/sql' }, async (page) => {
    const editor = page.getByRole('textbox', { name: 'SQL' })
    await editor.fill('select ')
    await page.getByPlaceholder('Find a table or a column').fill('event_look')
    await page.locator('#schema').getByRole('button', { name: /price/ }).click()
    assert.equal(await editor.inputValue(), 'select price')
  })
})

test('Pipeline: the ledger adds up, an audit proves it, and a dead letter is replayed', async () => {
  await visit({ path: '/pipeline' }, async (page) => {
    await page.locator('#ledger-sum').getByText('accepted =').waitFor()
    const sums = async () => (await text(page, '#ledger-sum')).match(/\d[\d,]*/g).map(Number)
    assert.deepEqual(await sums(), [69, 62, 1, 6], '64 sent, of them one twice and one without a name, and five letters of old')
    await page.getByRole('button', { name: 'Audit this range' }).click()
    assert.match(await text(page, '#audit-result'), /Nothing is missing/)

    await page.locator('#dead').getByRole('button', { name: 'unknown_type' }).click()
    await page.locator('#letters').getByText('got tracks').waitFor()
    assert.match(page.url(), /reason=unknown_type/)
    await page.getByRole('button', { name: 'Replay…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Replay dead letters' })
    await dialog.getByText('4 events would load now.').waitFor()
    assert.deepEqual(await dialog.locator('tbody tr').first().locator('th, td').allTextContents(), ['unknown_type', '5', '4', '0', '1', '0'])
    await accessible(page)
    await picture(page, 'replay-1440', false)
    assert.equal((await sql("select count(*) as n from events where event = 'Revived'"))[0].n, 0, 'a dry run does nothing')
    await dialog.getByRole('button', { name: 'Replay 4 events' }).click()
    await page.getByText('4 events are on the stream').waitFor()
    await comes(async () => assert.equal((await sql("select count(*) as n from events where event = 'Revived'"))[0].n, 4))
    await page.reload()
    await page.locator('#letters').getByText('loaded since').first().waitFor()
    await page.locator('#ledger-sum').getByText('accepted =').waitFor()
    assert.deepEqual(await sums(), [73, 66, 1, 6])
    await page.getByRole('button', { name: 'Replay…' }).click()
    await dialog.getByText('None of them would load now').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Audit this range' }).click()
    assert.match(await text(page, '#audit-result'), /Nothing is missing/)
  })
})

test('Pipeline: another site cannot make a browser replay', async () => {
  const response = await fetch(`${url}/api/replay`, { method: 'POST', headers: { Origin: 'https://evil.example' }, body: '{"dry_run":false}' })
  assert.equal(response.status, 403)
  assert.equal((await response.json()).code, 'cross_site')
})

test('Trace: a row and its retry, a dead letter, and nothing', async () => {
  await visit({ path: '/trace' }, async (page) => {
    const field = page.getByRole('searchbox', { name: 'Message id' })
    await field.fill('m-5')
    await field.press('Enter')
    await page.locator('#verdict[data-verdict="loaded"]').waitFor()
    await page.getByText('dropped as a duplicate').waitFor()
    assert.equal(await page.locator('.steps > li').count(), 3)
    await field.fill('nameless')
    await page.getByRole('button', { name: 'Trace' }).click()
    await page.locator('#verdict[data-verdict="dead"]').waitFor()
    await page.locator('.steps').getByText('missing_event').first().waitFor()
    await field.fill('never sent')
    await field.press('Enter')
    await page.locator('#verdict[data-verdict="unknown"]').waitFor()
    await page.goBack()
    await page.locator('#verdict[data-verdict="dead"]').waitFor()
    // An id that tells when it was made (RFC 9562, version 7: noon of the 23rd of November 2025) is looked for since, and then everywhere.
    await field.fill('019ab095-d200-7000-8000-000000000001')
    await field.press('Enter')
    await page.locator('#looked').getByText(/came since .*22 Nov 2025.* was looked through\. The id was made at .*23 Nov 2025/).waitFor()
    await page.getByRole('button', { name: 'Look through all' }).click()
    await page.locator('#looked').waitFor({ state: 'detached' })
    await page.locator('#verdict[data-verdict="unknown"]').waitFor()
  })
})

test('Sources: what is copied arrives, and is seen to', async () => {
  await visit({ path: '/sources', permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
    await page.locator('#list').getByRole('button', { name: 'app' }).click()
    await page.getByText('Waiting for the first event of app…').waitFor()
    assert.equal(await text(page, '#key'), 'akey')
    for (const way of ['Python', 'Go', 'Ruby', 'Java', 'iOS', 'Android', 'A picture']) {
      await page.getByRole('radio', { name: way, exact: true }).check()
      await page.locator('#way-text').getByText(/akey/).waitFor()
    }
    await page.getByRole('radio', { name: 'From a terminal' }).check()
    await page.getByRole('button', { name: 'Copy the snippet' }).click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    const { execFileSync } = await import('node:child_process')
    execFileSync('sh', ['-c', `${copied} --silent --fail-with-body`], { encoding: 'utf8' })
    await page.getByText('It arrives: Hello Spoor').waitFor()
    await page.locator('#check-sub a').click()
    await page.locator('#verdict').waitFor()
  })
})

test('Events: from the catalog to what a name carries', async () => {
  await visit({ path: '/events' }, async (page) => {
    await page.getByRole('searchbox', { name: 'Find an event' }).fill('buy')
    await comes(async () => assert.deepEqual(await page.locator('#list tbody tr th').allTextContents(), ['Buy']))
    await page.locator('#list').getByRole('button', { name: 'Buy' }).click()
    await page.locator('#properties tbody tr').first().waitFor()
    const rows = await page.locator('#properties tbody tr').evaluateAll((all) => all.map((row) => [...row.cells].slice(0, 3).map((c) => c.textContent)))
    assert.deepEqual(rows.map(([name]) => name).sort(), ['properties.n', 'properties.price', 'properties.what'])
    assert.deepEqual(rows.find(([name]) => name === 'properties.what').slice(1), ['string', '0%'])
    assert.match(page.url(), /event=Buy/)
    await page.locator('#one-links').getByRole('link', { name: 'SQL' }).click()
    await page.locator('#result-said').getByText('20 rows').waitFor()
  })
})

test('People: found, filtered, and one of them with what a device did before', async () => {
  await visit({ path: '/people' }, async (page) => {
    await page.locator('#list tbody tr').first().waitFor()
    assert.equal(await page.locator('#list tbody tr').count(), 9, 'seven users, who was brought to life, and the sender of a snippet')
    await page.getByRole('searchbox', { name: 'Find' }).fill('king')
    await page.getByRole('button', { name: 'Find', exact: true }).click()
    await page.locator('#list').getByText('1 person').waitFor()
    await page.locator('#list').getByRole('link', { name: 'user-1' }).click()
    await page.getByRole('heading', { name: 'Ada King' }).waitFor()
    await page.locator('.devices').getByText('device-1').waitFor()
    assert.equal(await page.locator('.did').count(), 11, 'nine of its own, the identify call, and what the device did')
    await page.locator('.did summary').first().click()
    await page.locator('.did pre').waitFor()
    await page.goBack()
    await page.getByRole('searchbox', { name: 'Find' }).fill('')
    await page.getByRole('button', { name: 'Find', exact: true }).click()
    await page.getByRole('button', { name: 'Filter' }).click()
    const property = page.getByRole('combobox', { name: 'Property' })
    await property.fill('plan')
    await page.getByRole('option', { name: 'plan' }).first().click()
    await page.getByRole('textbox', { name: 'Value' }).or(page.getByRole('combobox', { name: 'Value' })).fill('pro')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.locator('#list').getByText('1 person').waitFor()
    const address = page.url()
    assert.match(decodeURIComponent(address), /"field":"person\.plan"/)
    await page.goto(address)
    await page.locator('#list').getByText('1 person').waitFor()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.locator('#list').getByText('9 people').waitFor()
  })
})

test('a token is made, used and taken back', async () => {
  await visit({ path: '/settings', permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
    await page.getByText('New token').click()
    await page.locator('#token-form [name="name"]').fill('Report')
    await page.getByRole('button', { name: 'Make token' }).click()
    const token = await page.getByRole('dialog').locator('code').textContent()
    assert.match(token, /^spoor_[a-z0-9]{16}_[A-Z2-7]+$/)
    await accessible(page)
    await page.getByRole('button', { name: 'Done' }).click()
    const asked = (path) => fetch(url + path, { headers: { Authorization: `Bearer ${token}` } }).then((r) => r.status)
    assert.equal(await asked('/api/version'), 200)
    assert.equal(await asked('/api/tokens'), 403)
    await page.getByRole('button', { name: 'Revoke Report' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.locator('#tokens .empty').waitFor()
    assert.equal(await asked('/api/version'), 401)
  })
})
