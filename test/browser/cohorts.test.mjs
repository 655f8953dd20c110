// What people did and the cohorts that they are in, as filters that are built by clicking, and by the keyboard alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, api, broad, close, held, holds, number, phone, send, text, url, visit, wide } from './browser.mjs'

after(close)

// 12 people look, the first 6 of them twice, and the first 4 buy: hats or shoes.
before(async () => {
  const at = (hours) => new Date(Date.now() - hours * 3600_000).toISOString()
  const did = []
  const track = (event, user, hours, kind) => did.push({ type: 'track', event, userId: `user-${user}`, messageId: `${event}-${user}-${hours}`, timestamp: at(hours), properties: { kind } })
  for (let user = 0; user < 12; user++) track('Look', user, 5, user % 2 ? 'Shoes' : 'Hats')
  for (let user = 0; user < 6; user++) track('Look', user, 4, user % 2 ? 'Shoes' : 'Hats')
  for (let user = 0; user < 4; user++) track('Buy', user, 3, user === 0 ? 'Hats' : 'Shoes')
  for (let user = 0; user < 12; user++) did.push({ type: 'identify', userId: `user-${user}`, messageId: `i-${user}`, timestamp: at(6), traits: { plan: user < 9 ? 'free' : 'pro' } })
  await send(did)
})

/** finder is a field that finds by typing. */
const finder = (scope, name) => scope.getByRole('combobox', { name, exact: true })

/** choose picks from a field that finds by typing. */
async function choose(field, typed) {
  await field.click()
  await field.fill(typed)
  await field.page().getByRole('option', { name: typed }).first().click()
}
const people = (page) => page.locator('#answer .headline .value')
const settled = (page) => page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
const where = (page) => new URL(page.url()).searchParams.get('q') && JSON.parse(new URL(page.url()).searchParams.get('q')).where

/** shows waits until the report's number is what it should be. */
async function shows(page, want) {
  await page.waitForFunction((n) => document.querySelector('#answer .headline .value')?.textContent === n && !document.querySelector('[aria-busy]'), want)
}

/** listed wants the list behind the number to be as long as it is great. */
async function listed(page) {
  await settled(page)
  const want = number(await text(page, '#answer .headline .value'))
  await people(page).click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('#behind-said').getByText(/^[\d,]+ (person|people)/).waitFor()
  assert.equal(await dialog.locator('.grid tbody tr').count(), want, 'the length of the list')
  return dialog
}
const lookers = (more = '') => `/trends?q=${encodeURIComponent(JSON.stringify({ range: { last: 3, unit: 'day', zone: 'UTC', interval: 'day' }, series: [{ event: { event: 'Look' }, measure: { of: 'people' } }] }))}${more}`

test('Filters: what people did is said by clicking; the address holds it, and a fault names its field', async () => {
  await visit({ path: lookers() }, async (page) => {
    await shows(page, '12')
    const build = page.locator('#where')
    await build.getByRole('button', { name: 'Did…' }).click()
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'What they did', 'the event is asked for')
    await choose(finder(build, 'What they did'), 'Buy')
    await shows(page, '4')
    assert.deepEqual({ ...where(page).all[0].did.range, zone: '' }, { last: 30, unit: 'day', zone: '' }, 'the last 30 days, at first')
    await build.getByRole('button', { name: 'Only where…' }).click()
    await choose(finder(build, 'Property'), 'kind')
    const value = finder(build, 'Value')
    await choose(value, 'Shoes')
    await shows(page, '3')
    assert.equal(await finder(build, 'Property').inputValue(), 'kind', 'the line stays as it is while it is built')
    await build.getByLabel('Did, or did not').selectOption('Did not do')
    await shows(page, '9')
    await build.getByLabel('Did, or did not').selectOption('Did')
    await choose(finder(build, 'What they did'), 'Look')
    await shows(page, '6')
    await build.getByLabel('How often').selectOption('exactly')
    await build.getByLabel('How many times').first().fill('2')
    await build.getByLabel('How many times').first().press('Tab')
    await shows(page, '3')
    await (await listed(page)).press('Escape')
    const there = page.url()

    // What cannot be is said beside its field, and nothing is asked.
    await build.getByLabel('How often').selectOption('between')
    await build.getByLabel('And at most how many times').fill('1')
    await build.getByLabel('And at most how many times').press('Tab')
    await build.getByRole('alert').getByText('At most how many times must be a whole number, and no less than 2.').waitFor()
    assert.equal(await build.getByLabel('And at most how many times').getAttribute('aria-invalid'), 'true')
    await accessible(page)
    await build.getByLabel('And at most how many times').fill('3')
    await build.getByLabel('And at most how many times').press('Tab')
    assert.equal(await build.getByRole('alert').count(), 0)
    await build.getByLabel('When', { exact: true }).selectOption('from … to …')
    await build.getByLabel('First day').fill('2026-01-02')
    await build.getByLabel('Last day').fill('2026-01-01')
    await build.getByRole('alert').getByText('The last day cannot be before the first.').waitFor()
    await build.getByLabel('Last day').fill('2026-01-03')
    await page.getByText('Nothing of this in the range').waitFor()
    await build.getByLabel('When', { exact: true }).selectOption('at any time')
    await shows(page, '3')
    assert.deepEqual(where(page).all[0].did, { event: { event: 'Look' }, at_least: 2, at_most: 3, where: { all: [{ field: 'properties.kind', op: '=', values: ['Shoes'] }] } })
    await page.goto(there)
    await shows(page, '3')
    assert.equal(await build.getByLabel('How often').inputValue(), 'exact')
    assert.equal(await finder(build, 'What they did').inputValue(), 'Look')
  })
})

test('Filters: the same by the keyboard alone, in an or-group, of one series', async () => {
  await visit({ path: lookers() }, async (page) => {
    await shows(page, '12')
    const series = page.getByRole('group', { name: 'Series A' })
    const press = (...keys) => keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve())
    await series.getByRole('button', { name: 'Did…' }).focus()
    await press('Enter')
    await page.keyboard.type('Buy')
    await page.getByRole('option', { name: 'Buy' }).waitFor()
    await press('ArrowDown', 'Enter')
    await shows(page, '4')
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'What they did', 'the focus stays where it is')
    await press('Tab', 'Tab', 'Tab') // × and how often
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'How many times')
    await page.keyboard.press('ArrowUp')
    await page.getByText('Nothing of this in the range').waitFor()
    await page.keyboard.press('ArrowDown')
    await shows(page, '4')
    await series.getByRole('button', { name: 'Add a filter' }).focus()
    await press('Enter')
    await page.keyboard.type('plan')
    await page.getByRole('option', { name: 'plan' }).first().waitFor()
    await press('ArrowDown', 'Enter')
    assert.equal(await finder(series, 'Property').inputValue(), 'plan')
    await finder(series, 'Value').fill('pro')
    await press('Enter')
    await page.getByText('Nothing of this in the range').waitFor()
    await series.getByLabel('All of these, or any').selectOption('any of these')
    await shows(page, '7')
    await (await listed(page)).press('Escape')
    await series.getByRole('button', { name: 'Remove', exact: true }).first().press('Enter')
    await shows(page, '3')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Add a filter', 'the focus does not fall out of the page')
  })
})

test('Filters: what is typed before the fields and the events are known is not lost', async () => {
  await visit({ path: null }, async (page) => {
    const [fields, events] = [await held(page, '**/api/schema'), await held(page, '**/api/query/catalog')]
    await page.goto(url + lookers())
    await shows(page, '12')
    const series = page.getByRole('group', { name: 'Series A' })
    await series.getByRole('button', { name: 'Did…' }).click()
    await page.keyboard.type('bu')
    await page.keyboard.press('ArrowDown')
    fields()
    await page.waitForResponse('**/api/schema')
    assert.equal(await finder(series, 'What they did').inputValue(), 'bu')
    await page.keyboard.type('y')
    events()
    await page.getByRole('option', { name: 'Buy' }).waitFor()
    assert.equal(await series.locator('.picker-list:visible [role=option]').count(), 1, 'what fits what is typed')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await shows(page, '4')
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'What they did')
  })
})

test('Cohorts: one is made by clicking, a trend is about it, and follows it; one that is gone is named', async () => {
  await visit({ path: lookers(), allow: /status of 400/ }, async (page) => {
    await shows(page, '12')
    await page.locator('#where').getByRole('button', { name: 'In a cohort…' }).click()
    await page.locator('#where').getByText('No cohort is saved yet').waitFor()
    await accessible(page)
    await page.getByRole('link', { name: 'make one on the page Cohorts' }).click()
    await page.getByText('Who is in it?', { exact: true }).waitFor()
    assert.ok(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled())
    await page.locator('#conditions').getByRole('button', { name: 'Did…' }).click()
    await choose(finder(page, 'What they did'), 'Buy')
    await shows(page, '4')
    assert.equal(await page.locator('#answer .grid tbody tr').count(), 4)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Buyers')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Buyers' }).waitFor()
    const id = new URL(page.url()).searchParams.get('id')

    await page.goto(url + lookers())
    await shows(page, '12')
    await page.locator('#where').getByRole('button', { name: 'In a cohort…' }).click()
    await choose(finder(page, 'Cohort'), 'Buyers')
    await shows(page, '4')
    assert.deepEqual(where(page), { all: [{ cohort: { id, name: 'Buyers' } }] })
    await (await listed(page)).press('Escape')
    await page.getByLabel('In the cohort, or not').selectOption('Not in cohort')
    await shows(page, '8')
    await (await listed(page)).press('Escape')
    await page.getByLabel('In the cohort, or not').selectOption('In cohort')
    await shows(page, '4')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill('What buyers look at')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.locator('#saved-name').getByText('What buyers look at').waitFor()
    const report = page.url()

    // The cohort is changed and renamed on its page: the report follows.
    await page.getByRole('link', { name: 'Open the cohort Buyers' }).click()
    await shows(page, '4')
    await page.locator('#conditions').getByRole('button', { name: 'Only where…' }).click()
    await choose(finder(page, 'Property'), 'kind')
    await choose(finder(page, 'Value'), 'Hats')
    await shows(page, '1')
    await page.locator('#about').getByText('changed, not saved').waitFor()
    await page.reload()
    await shows(page, '1')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('What names it follows').waitFor()
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Buyers of hats')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Buyers of hats' }).waitFor()
    await page.goto(report)
    await shows(page, '1')
    await page.waitForFunction(() => document.querySelector('[aria-label="Cohort"]')?.value === 'Buyers of hats')

    await page.goto(`${url}/cohorts?id=${id}`)
    await shows(page, '1')
    await page.getByRole('button', { name: 'Remove', exact: true }).last().click()
    await page.getByRole('dialog').getByText('1 report would fail, until another cohort is chosen there: “What buyers look at”.').waitFor()
    await accessible(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('A cohort is a set of people with a name').waitFor()
    await accessible(page)
    await page.goto(report)
    await page.locator('#answer').getByText('where.all[0].cohort.id must be the id of a saved cohort, and "Buyers" is not saved').waitFor()
    await page.locator('#where').getByText('“Buyers” is not saved any more').waitFor()
  })
})

test('Cohorts: the people behind a number, and those that were found, are saved as one', async () => {
  const breakdown = JSON.stringify({ range: { last: 3, unit: 'day', zone: 'UTC', interval: 'day' }, series: [{ event: { event: 'Look' } }], breakdown: { by: ['properties.kind'] } })
  await visit({ path: `/trends?q=${encodeURIComponent(breakdown)}` }, async (page) => {
    const hats = page.locator('#answer .lines-table tbody tr').filter({ hasText: 'Hats' })
    await hats.getByRole('button').click()
    const dialog = page.getByRole('dialog').first()
    await dialog.locator('#behind-said').getByText('6 people').waitFor()
    await dialog.getByRole('button', { name: 'Save as a cohort' }).click()
    await page.getByText('did Look in the last 3 days where properties.kind is Hats').waitFor()
    await accessible(page)
    await page.getByLabel('Name', { exact: true }).fill('Hat lookers')
    await page.getByRole('dialog').last().getByRole('button', { name: 'Save' }).click()
    await dialog.getByRole('link', { name: 'Saved as “Hat lookers”' }).click()
    await shows(page, '6')
    assert.equal(await page.locator('#answer .grid tbody tr').count(), 6)

    await page.goto(`${url}/people`)
    await page.locator('#list .grid tbody tr').first().waitFor()
    await choose(page.getByRole('combobox', { name: 'Who did' }), 'Buy')
    await page.locator('#list').getByText('4 people').waitFor()
    await page.locator('#filter').getByRole('button', { name: 'In a cohort…' }).click()
    await choose(finder(page, 'Cohort'), 'Hat lookers')
    await page.locator('#list').getByText('2 people').waitFor()
    await page.getByRole('button', { name: 'Save as a cohort' }).click()
    await page.getByText('did Buy in the last 30 days and in Hat lookers').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Hat lookers who buy')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Open it' }).click()
    await shows(page, '2')
    await page.getByRole('link', { name: 'All cohorts' }).click()
    const row = page.locator('#list .grid tbody tr')
    await row.filter({ hasText: 'Hat lookers who buy' }).locator('td').first().getByText('2', { exact: true }).waitFor()
    assert.deepEqual(await row.first().locator('th, td').allTextContents().then((all) => all.slice(0, 4)), ['Hat lookers', '6', 'did Look in the last 3 days where properties.kind is Hats', '1 cohort'])

    // What no filter can say is told.
    const ways = { range: { last: 3, unit: 'day', zone: 'UTC' }, steps: [{ event: { event: 'Look' } }, { event: { event: 'Buy' } }] }
    await page.goto(`${url}/funnels?q=${encodeURIComponent(JSON.stringify(ways))}`)
    await page.getByRole('button', { name: '4 people came to Buy' }).click()
    await page.getByRole('button', { name: 'Save as a cohort' }).click()
    await page.getByText('a cohort knows no order').waitFor()
  })
})

test('Cohorts: one that stands in the question is edited there, and can be saved', async () => {
  const inline = { cohort: { name: 'Doers', filter: { did: { event: { event: 'Buy' } } } } }
  const asked = { range: { last: 3, unit: 'day', zone: 'UTC', interval: 'day' }, series: [{ event: { event: 'Look' }, measure: { of: 'people' } }], where: inline }
  await visit({ path: `/trends?q=${encodeURIComponent(JSON.stringify(asked))}` }, async (page) => {
    await shows(page, '4')
    const line = page.getByRole('group', { name: 'The cohort of this question' })
    await line.getByText('“Doers”, not saved').waitFor()
    assert.equal(await finder(line, 'What they did').inputValue(), 'Buy')
    await line.getByRole('button', { name: 'Only where…' }).click()
    await choose(finder(line, 'Property'), 'kind')
    await choose(finder(line, 'Value'), 'Shoes')
    await shows(page, '3')
    await line.getByText('of people who').waitFor()
    const edited = { all: [{ did: { event: { event: 'Buy' }, where: { all: [{ field: 'properties.kind', op: '=', values: ['Shoes'] }] } } }] }
    assert.deepEqual(where(page), { all: [{ cohort: { filter: edited } }] })
    await line.getByLabel('In the cohort, or not').selectOption('Not in cohort')
    await shows(page, '9')
    await line.getByLabel('In the cohort, or not').selectOption('In cohort')
    await shows(page, '3')
    await accessible(page)
    await page.reload()
    await shows(page, '3')
    // What is taken away whole lets all through, and can be said anew.
    await line.locator('.rule-below').getByRole('button', { name: 'Remove', exact: true }).first().click()
    await shows(page, '12')
    assert.ok(await line.getByRole('button', { name: 'Save as a cohort' }).isDisabled())
    await line.getByRole('button', { name: 'Did…' }).click()
    await choose(finder(line, 'What they did'), 'Buy')
    await shows(page, '4')
    await line.getByRole('button', { name: 'Save as a cohort' }).click()
    await page.getByRole('dialog').getByText('did Buy in the last 30 days').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Kept doers')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.waitForFunction(() => document.querySelector('[aria-label="Cohort"]')?.value === 'Kept doers')
    await shows(page, '4')
    const { id } = where(page).all[0].cohort
    assert.deepEqual((await api(`/api/saved/cohorts/${id}`)).body.filter.all[0].did.event, { event: 'Buy' })
    await page.getByRole('link', { name: 'Open the cohort Kept doers' }).click()
    await shows(page, '4')
    await api(`/api/saved/cohorts/${id}`, undefined, 'DELETE')
  })
})

test('Cohorts: the list stands at once, each count comes by itself, and one that takes too long says so', async () => {
  const made = []
  for (const name of ['1 slow', '2 stuck', '3 quick', '4 quick']) made.push((await api('/api/saved/cohorts', { name, body: { filter: { did: { event: { event: 'Buy' } } } } })).id)
  await visit({ path: '/trace', allow: /status of 504/ }, async (page) => {
    let fail
    let hold
    const failed = new Promise((resolve) => { fail = resolve })
    const held = new Promise((resolve) => { hold = resolve })
    const asked = []
    await page.route('**/api/query/people', async (route) => {
      const { id } = route.request().postDataJSON().events.where.cohort ?? {}
      asked.push(id)
      if (id === made[0]) await held
      if (id === made[1] && asked.filter((a) => a === id).length === 1) {
        await failed
        return route.fulfill({ status: 504, json: { error: 'the question took over 30s', code: 'timeout' } })
      }
      return route.continue().catch(() => {}) // the page asks no more
    })
    await page.goto(`${url}/cohorts`)
    const row = (name) => page.locator('#list .grid tbody tr').filter({ hasText: name })
    await row('1 slow').getByText('counting…').waitFor()
    await row('2 stuck').getByText('counting…').waitFor()
    assert.match(await row('3 quick').innerText(), /waits/, 'it is listed before it is counted')
    fail()
    await row('2 stuck').getByText('took too long').waitFor()
    await row('3 quick').getByText('4', { exact: true }).waitFor()
    await row('4 quick').getByText('4', { exact: true }).waitFor()
    await row('1 slow').getByText('counting…').waitFor()
    await accessible(page)
    await row('2 stuck').getByRole('button', { name: 'Count the people in 2 stuck again' }).click()
    await row('2 stuck').getByText('4', { exact: true }).waitFor()
    const left = page.waitForEvent('requestfailed', (r) => r.url().endsWith('/api/query/people'))
    await row('3 quick').getByRole('link').click()
    assert.match((await left).failure().errorText, /ABORTED/, 'who leaves ends what is under way')
    hold()
    await shows(page, '4')
  })
  for (const id of made) await api(`/api/saved/cohorts/${id}`, undefined, 'DELETE')
})

const filter = { all: [
  { did: { event: { event: 'Look' }, at_least: 2, at_most: 5, range: { last: 30, unit: 'day', zone: 'UTC' }, where: { all: [{ field: 'properties.kind', op: '=', values: ['Hats'] }] } } },
  { any: [{ field: 'person.plan', op: '=', values: ['free'] }, { did: { event: {}, range: { from: '2026-01-01', to: '2026-01-31', zone: 'UTC' } }, not: true }] },
] }

test('the builder and the page Cohorts are accessible and fit, in any light and at any width', async () => {
  const long = `A name as long as names become when ${'somebody explains everything '.repeat(4)}in them`
  const { id } = await api('/api/saved/cohorts', { name: long, body: { filter } })
  const named = { all: [...filter.all, { cohort: { id, name: long }, not: true }, { cohort: { id: 'gone', name: 'The lost' } }] }
  const pages = {
    [`${lookers().replace(/%7D$/, '')}${encodeURIComponent(`,"where":${JSON.stringify(named)}}`)}`]: (page) => page.locator('#where').getByText('is not saved any more').waitFor(),
    [`/people?where=${encodeURIComponent(JSON.stringify({ all: named.all.slice(0, 3) }))}`]: (page) => finder(page.locator('#filter'), 'What they did').first().waitFor(),
    '/cohorts': (page) => page.locator('#list .grid tbody tr').filter({ hasText: 'A name as long' }).waitFor(),
    [`/cohorts?id=${id}`]: (page) => finder(page.locator('#conditions'), 'What they did').first().waitFor(),
    '/cohorts?new=1': (page) => page.getByText('Who is in it?', { exact: true }).waitFor(),
  }
  for (const [path, ready] of Object.entries(pages)) {
    await visit({ path, scheme: 'dark', viewport: phone, allow: /status of 400/ }, async (page) => {
      if (await page.locator('#build').count() && !(await page.locator('#build').evaluate((b) => b.open)) && !path.endsWith('/cohorts')) await page.locator('#build summary').click()
      await ready(page)
      await settled(page)
      await holds(page, `filter-${path.replace(/\W+/g, '-').slice(1, 16)}`, { viewports: path === '/cohorts' ? [phone, wide, broad] : [phone, wide] })
    })
  }
})
