// The functions of the pages' parts that need no page.
import assert from 'node:assert/strict'
import { test } from 'node:test'

const from = (name) => import(new URL(`../../dashboard/assets/js/parts/${name}.js`, import.meta.url))
globalThis.document ??= { createElement: () => ({}) }
const { fromQuery, toQuery } = await from('url-state')
const { address } = await from('ask')
const { csv, fileName } = await from('download')
const { find } = await from('picker')
const { clean, described, opsFor, typed } = await from('filters')
const { addDays, asked, dayIn, fitting, resolve, startOf } = await from('range')
const { compare } = await from('table')

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
  const did = { did: { event: { name: 'Buy' } }, not: true }
  assert.deepEqual(clean({ all: [did] }), { all: [did] }, 'what cannot be edited is kept')
  assert.equal(described({ all: [line, { any: [{ field: 'y', op: 'set' }, { field: 'n', op: 'between', values: [1, 2] }] }] }),
    'country is AT and (y is set or n is between 1 and 2)')
  assert.equal(typed('12.5', 'number'), 12.5)
  assert.equal(typed('12.5x', 'integer'), undefined)
  assert.equal(typed('true', 'boolean'), true)
  assert.equal(typed('12', 'string'), '12')
  assert.ok(!opsFor('number').includes('contains') && opsFor('').includes('contains'))
})
