// The functions of the pages' parts that need no page.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const from = (name) => import(new URL(`../../dashboard/assets/js/parts/${name}.js`, import.meta.url))
globalThis.document ??= { createElement: () => ({}) }
const { fromQuery, toQuery } = await from('url-state')
const { address } = await from('ask')
const { csv, fileName } = await from('download')
const { find } = await from('picker')
const { clean, described, opsFor, timesAs, timesOf, typed } = await from('conditions')
const { addDays, asked, dayIn, fitting, resolve, startOf } = await from('range')
const { cohortOf, Unsayable } = await from('cohort-of')
const { compare } = await from('sorted')
const { layout } = await from('sankey')
const { groupName, lastName } = await from('breakdown')
const { called } = await from('selection')
const { rangeOf, withoutEmpty } = await from('report')
const { changeOf, lineName, measured, notOver, pointOf, written } = await import(new URL('../../dashboard/assets/js/show/trend.js', import.meta.url))

test('a page’s address holds what is chosen, and no more', () => {
  const fields = { event: '', limit: 1000, all: false, filter: null, steps: [] }
  const chosen = { event: 'Buy & sell=all', limit: 50, all: true, filter: { and: [{ op: '=' }] }, steps: ['a', 'ü'] }
  const text = toQuery('?other=1', fields, chosen)
  assert.match(text, /^other=1&/, 'what others keep there stays')
  assert.deepEqual(fromQuery(`?${text}`, fields), chosen)
  assert.equal(toQuery('?limit=50', fields, fields), '', 'defaults are left out')
  assert.deepEqual(fromQuery('?limit=many&filter=%7Bcut&all=0', fields), { ...fields, all: false }, 'what cannot be read is as its default')
  assert.equal(fromQuery('?limit=', fields).limit, 1000)
})

test('what is asked is written into an address', () => {
  assert.equal(address('/api/x', { a: 1, none: '', nil: null, list: ['x', 'y z'], tree: { k: [1] } }), '/api/x?a=1&list=x&list=y+z&tree=%7B%22k%22%3A%5B1%5D%7D')
  assert.equal(address('/api/x'), '/api/x')
})

test('rows are sorted as people would, and what is missing comes last', () => {
  const order = (values, desc) => [...values].sort((a, b) => compare(a, b, desc))
  assert.deepEqual(order([10, 9, null, 100], false), [9, 10, 100, null])
  assert.deepEqual(order([10, 9, null, 100], true), [100, 10, 9, null])
  assert.deepEqual(order(['item 10', 'Item 9', '', 'été', 'zoo'], false), ['été', 'Item 9', 'item 10', 'zoo', ''])
})

test('an export can be read by others', () => {
  assert.equal(csv(['a', 'b'], [[1, 'x, "y"'], [null, 'two\nlines'], [{ k: 1 }, undefined]]), 'a,b\r\n1,"x, ""y"""\r\n,"two\nlines"\r\n"{""k"":1}",\r\n')
  assert.match(fileName('Größe je Woche / all!', 'csv'), /^gro-e-je-woche-all-\d{4}-\d\d-\d\d\.csv$/)
  assert.match(fileName('???', 'json'), /^answer-/)
})

test('one of many is found by words in any order', () => {
  const options = [{ value: 'Order Completed' }, { value: 'Completed Order' }, { value: 'x', label: 'Cart', hint: 'order' }, { value: 'Page' }]
  assert.deepEqual(find(options, 'ord comp').map((o) => o.value), ['Order Completed', 'Completed Order'])
  assert.deepEqual(find(options, 'order').map((o) => o.value), ['Order Completed', 'Completed Order', 'x'])
  assert.equal(find(options, ' ').length, 4)
})

test('days are those of the zone, whatever its clocks do', () => {
  const utc = (day, zone) => startOf(day, zone).toISOString()
  assert.equal(utc('2026-03-29', 'Europe/Vienna'), '2026-03-28T23:00:00.000Z')
  assert.equal(utc('2026-03-30', 'Europe/Vienna'), '2026-03-29T22:00:00.000Z', 'a day of 23 hours')
  assert.equal(utc('2026-10-26', 'Europe/Vienna'), '2026-10-25T23:00:00.000Z', 'a day of 25 hours')
  assert.equal(utc('2026-07-01', 'Asia/Kolkata'), '2026-06-30T18:30:00.000Z')
  assert.equal(utc('2026-04-24', 'Africa/Cairo'), '2026-04-23T22:00:00.000Z', 'a day that begins at one')
  assert.equal(utc('2026-07-01', 'Pacific/Auckland'), '2026-06-30T12:00:00.000Z')
  assert.equal(dayIn(new Date('2026-06-30T23:30:00Z'), 'Europe/Vienna'), '2026-07-01')
  assert.equal(addDays('2026-02-28', 1), '2026-03-01')
})

test('ranges are whole days, weeks and months, the present one included', () => {
  const now = new Date('2026-11-25T10:30:00Z') // a Wednesday
  const of = (range) => Object.values(resolve(range, 'UTC', now)).map((t) => t.toISOString().slice(0, 16))
  assert.deepEqual(of('7d'), ['2026-11-19T00:00', '2026-11-26T00:00'])
  assert.deepEqual(of('0d'), ['2026-11-25T00:00', '2026-11-26T00:00'])
  assert.deepEqual(of('-1d'), ['2026-11-24T00:00', '2026-11-25T00:00'])
  assert.deepEqual(of('2w'), ['2026-11-16T00:00', '2026-11-26T00:00'])
  assert.deepEqual(of('2m'), ['2026-10-01T00:00', '2026-11-26T00:00'])
  assert.deepEqual(of('1h'), ['2026-11-25T10:00', '2026-11-25T10:30'])
  assert.deepEqual(of('2026-11-03..2026-11-01'), ['2026-11-01T00:00', '2026-11-04T00:00'])
  assert.deepEqual(of('nonsense'), of('30d'))
})

test('a range is divided as finely as can be read', () => {
  const now = new Date('2026-11-25T10:30:00Z')
  const of = (range) => fitting(resolve(range, 'UTC', now))
  assert.equal(of('1h').usual, 'minute')
  assert.equal(of('0d').usual, 'hour')
  assert.equal(of('30d').usual, 'day')
  assert.equal(of('12m').usual, 'week')
  assert.ok(!of('30d').all.includes('minute') && of('30d').all.includes('hour'), `${of('30d').all}`)
  assert.ok(!of('1h').all.includes('day'))
})

test('a range is asked as the API takes it', () => {
  const of = (range) => asked(range, { zone: 'UTC', interval: 'day', now: new Date('2026-11-25T10:30:00Z') })
  const rest = { zone: 'UTC', interval: 'day' }
  assert.deepEqual(of('30d'), { last: 30, unit: 'day', ...rest })
  assert.deepEqual(of('0d'), { last: 1, unit: 'day', ...rest })
  assert.deepEqual(of('24h'), { last: 24, unit: 'hour', ...rest })
  assert.deepEqual(of('12w'), { last: 12, unit: 'week', ...rest })
  assert.deepEqual(of('-1d'), { from: '2026-11-24', to: '2026-11-24', ...rest })
  assert.deepEqual(of('2026-11-03..2026-11-01'), { from: '2026-11-01', to: '2026-11-03', ...rest })
})

test('a filter is what is finished of it', () => {
  const line = { field: 'country', op: '=', values: ['AT'] }
  assert.equal(clean({ all: [{ field: '', op: '=', values: ['x'] }, { any: [] }] }), null)
  assert.deepEqual(clean({ all: [{ ...line, id: 'n1' }, { field: 'x', op: 'between', values: [1] }, { any: [{ field: 'y', op: 'set', values: ['z'] }] }] }),
    { all: [line, { any: [{ field: 'y', op: 'set' }] }] })
  const did = { did: { event: { event: 'Buy' }, at_least: 2, range: { last: 30, unit: 'day' }, where: line }, not: true }
  const named = { cohort: { id: 'k3', name: 'Good ones' } }
  assert.deepEqual(clean({ all: [{ ...did, id: 'n1', did: { ...did.did, where: { all: [line, { field: '' }] } } }, { ...named, id: 'n2' }] }), { all: [{ ...did, did: { ...did.did, where: { all: [line] } } }, named] })
  assert.equal(clean({ any: [{ did: { event: {} }, pending: true }, { cohort: {} }] }), null, 'no event and no cohort is chosen yet')
  assert.deepEqual(clean({ cohort: { name: 'Own', filter: line }, not: true }), { cohort: { name: 'Own', filter: line }, not: true }, 'one that is not saved is kept')
  assert.equal(described({ any: [did, named] }), '(did not do Buy at least 2 times in the last 30 days where country is AT) or in Good ones')
  assert.equal(described({ cohort: { filter: line }, not: true }), 'not in the cohort (country is AT)')
  assert.equal(described({ did: { event: {}, at_most: 1, range: { from: '2026-11-01', to: '2026-11-03' } } }), 'did anything at most once from 2026-11-01 to 2026-11-03')
  assert.equal(described({ all: [line, { any: [{ field: 'y', op: 'set' }, { field: 'n', op: 'between', values: [1, 2] }] }] }),
    'country is AT and (y is set or n is between 1 and 2)')
  assert.equal(typed('12.5', 'number'), 12.5)
  assert.equal(typed('12.5x', 'integer'), undefined)
  assert.equal(typed('true', 'boolean'), true)
  assert.equal(typed('12', 'string'), '12')
  assert.ok(!opsFor('number').includes('contains') && opsFor('').includes('contains'))
})

test('how often something was done is read back as it was said', () => {
  for (const did of [{}, { at_least: 3 }, { at_most: 0 }, { at_most: 2 }, { at_least: 2, at_most: 2 }, { at_least: 2, at_most: 5 }]) assert.deepEqual(timesAs(timesOf(did)), did)
  assert.deepEqual(timesAs({ how: 'least', n: 1 }), {}, 'once is what it is without a word')
})

test('the people behind a number are said by a filter, where one can say it', () => {
  const range = { last: 7, unit: 'day', zone: 'UTC' }
  const [country, plan] = [{ field: 'country', op: '=', values: ['AT'] }, { field: 'person.plan', op: '=', values: ['pro'] }]
  const named = { cohort: { id: 'k3' } }
  const buy = { event: 'Buy' }
  assert.deepEqual(cohortOf({ events: { range } }), { did: { event: {}, range } })
  assert.deepEqual(cohortOf({ events: { range, event: buy, where: { all: [country, { any: [plan, named] }] } } }),
    { all: [{ did: { event: buy, where: country, range } }, { any: [plan, named] }] })
  assert.throws(() => cohortOf({ events: { range, where: { any: [country, plan] } } }), Unsayable)
  const trend = { range: { ...range, interval: 'day' }, series: [{ event: buy, measure: { of: 'sessions' } }], where: plan, breakdown: { by: ['properties.kind', 'is_bot'] } }
  const answer = { period: { buckets: [{ from: 'a', to: 'b' }] }, lines: [{ group: ['x', 'false'] }, { group: [null, 'true'] }, { group: ['x', 'false'] }, { other: true }] }
  const kindOf = (field) => (field === 'is_bot' ? 'boolean' : 'string')
  const of = (at, more = {}) => cohortOf({ trend: { trend: { ...trend, ...more }, series: 0, ...at } }, answer, kindOf)
  const session = { field: 'session_id', op: 'set' }
  assert.deepEqual(of({ group: ['x', 'false'] }), {
    all: [{ did: { event: buy, range, where: { all: [session, { field: 'properties.kind', op: '=', values: ['x'] }, { field: 'is_bot', op: '=', values: [false] }] } } }, plan],
  }, 'the whole range goes on with time')
  assert.deepEqual(of({ bucket: 0, other: true }), {
    all: [{
      did: {
        event: buy, range: { from: 'a', to: 'b', zone: 'UTC' }, where: { all: [session,
          { any: [{ field: 'properties.kind', op: '!=', values: ['x'] }, { field: 'is_bot', op: '!=', values: [false] }] }, { any: [{ field: 'properties.kind', op: 'set' }, { field: 'is_bot', op: '!=', values: [true] }] }] },
      },
    }, plan],
  }, 'the others are those of no group that is shown')
  assert.throws(() => of({ group: ['x', 'false'] }, { bots: true }), Unsayable)
  assert.throws(() => of({}, { breakdown: undefined, series: [{ event: buy, measure: { of: 'sum', field: 'properties.price' } }] }), Unsayable)
  const funnel = { range, steps: [{ event: buy, where: country }, { event: {} }], where: plan }
  assert.deepEqual(cohortOf({ funnel: { funnel, step: 0 } }), { all: [{ did: { event: buy, where: country, range } }, plan] })
  assert.throws(() => cohortOf({ funnel: { funnel, step: 1 } }), Unsayable)
  assert.throws(() => cohortOf({ retention: {} }), Unsayable)
})

test('a range is read back as it was asked', () => {
  const back = (range) => rangeOf(asked(range, { zone: 'UTC', interval: 'hour', now: new Date('2026-11-25T10:30:00Z') }))
  for (const range of ['0d', '30d', '12w', '12m', '24h', '2026-11-01..2026-11-03']) assert.equal(back(range).range, range)
  assert.equal(back('-1d').range, '2026-11-24..2026-11-24')
  assert.equal(back('30d').interval, 'hour')
  assert.equal(rangeOf({ last: 90, unit: 'minute' }).range, '2h')
  assert.deepEqual(withoutEmpty({ a: undefined, b: null, c: false, d: [], e: 0, f: '', g: [1] }), { e: 0, f: '', g: [1] })
})

test('numbers, changes and lines are put into words', () => {
  assert.deepEqual([1234567, 12.34567, 12345.678, 0, null].map(written), ['1,234,567', '12.35', '12,345.7', '0', '–'])
  assert.deepEqual([changeOf(110, 100), changeOf(50, 100), changeOf(100, 100), changeOf(5000, 10), changeOf(1, 0), changeOf(null, 1)], ['+10%', '−50%', '±0.0%', '×500', '', ''])
  assert.equal(measured({ of: 'percentile', percentile: 95, field: 'properties.load_time' }), '95th percentile of load time')
  assert.equal(lastName('properties.cart\\.size'), 'cart.size')
  assert.equal(lastName('person'), 'person')
  assert.equal(groupName({ group: ['AT', null, ''] }), 'AT · (not set) · (empty)')
  assert.deepEqual([called({}), called({ event: 'Buy' }), called({ type: 'page' }), called({ event: 'Home', type: 'page' })], ['Any event', 'Buy', 'page calls', 'Home (page)'])
  const question = { series: [{ event: { event: 'Buy' }, measure: { of: 'people' } }], breakdown: { by: ['country'] } }
  assert.equal(lineName({ series: 0, group: ['AT'] }, question), 'AT')
  assert.equal(lineName({ series: 0, other: true }, { ...question, formulas: ['A * 2'] }), 'Other – Buy, people')
  assert.equal(notOver([{}, { incomplete: true }, {}, { incomplete: true }]), 3, 'only what is at the end still grows')
})

test('a point names what is behind it, and a formula has nobody', () => {
  assert.equal(pointOf({ series: -1, formula: 0 }, 3), null)
  assert.deepEqual(pointOf({ series: 1, group: ['AT'] }, 3, true), { series: 1, bucket: 3, group: ['AT'], previous: true })
  assert.deepEqual(pointOf({ series: 0, other: true }, null), { series: 0, other: true })
})

test('a flow keeps every path: what leaves a node is as thick as it, and nothing overlaps', () => {
  const nodes = [{ column: 0, value: 100 }, { column: 1, value: 70 }, { column: 1, value: 30 }, { column: 2, value: 60 }]
  const links = [{ from: 0, to: 2, value: 30 }, { from: 0, to: 1, value: 70 }, { from: 1, to: 3, value: 60 }]
  const at = layout(nodes, links, { width: 400, height: 300, gap: 10, least: 0 })
  assert.deepEqual(at.nodes.map((n) => n.x), [0, 195, 195, 390])
  assert.ok(at.nodes[2].y >= at.nodes[1].y + at.nodes[1].height + 10)
  for (const n of at.nodes) assert.ok(n.y + n.height <= 300.001, `${n.y} ${n.height}`)
  const roomy = layout(nodes, links, { width: 400, height: 300, gap: 10, least: 0, pitch: 250 })
  assert.ok(roomy.nodes[2].y - roomy.nodes[1].y >= 250 && roomy.tall >= 500, 'words have their room')
  const out = at.links.filter((l) => l.from === 0)
  assert.ok(Math.abs(out.reduce((sum, l) => sum + l.thick, 0) - at.nodes[0].height) < 0.001)
  assert.deepEqual(out.map((l) => l.to), [1, 2], 'in the order of where they lead')
  assert.ok(out[0].y0 + out[0].thick / 2 <= out[1].y0 - out[1].thick / 2 + 0.001)
})

test('a line of a chart is told from the paper, light and dark', () => {
  const sheet = readFileSync(new URL('../../dashboard/assets/css/spoor.css', import.meta.url), 'utf8')
  const colours = Object.fromEntries([...sheet.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, ...both]) => [name, both]))
  const light = (colour) => {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (...two) => {
    const [dark, bright] = two.map(light).sort((a, b) => a - b)
    return (bright + 0.05) / (dark + 0.05)
  }
  const drawn = Object.keys(colours).filter((name) => name.startsWith('part-') || ['accent', 'flight', 'edge'].includes(name))
  assert.equal(drawn.length, 12)
  for (const name of drawn) {
    for (const i of [0, 1]) {
      const have = contrast(colours[name][i], colours.paper[i])
      assert.ok(have >= 3, `want --${name} at 3:1 or more, ${i ? 'dark' : 'light'}; have ${have.toFixed(2)}`)
    }
  }
})
