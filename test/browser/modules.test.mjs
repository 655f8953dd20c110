// The functions of the page's modules that need no page.
import assert from 'node:assert/strict'
import { test } from 'node:test'

const from = (name) => import(new URL(`../../dashboard/assets/js/${name}.js`, import.meta.url))
const format = await from('format')
const numbers = await from('measures')
const { bySource } = await from('tables')
const { parts } = await from('minutes')
const { slots } = await from('parts/palette')
const { fits } = await from('newest')
const { preview, titleOf } = await from('preview')
const { spark } = await from('dom')

const each = (fn, cases) => {
  for (const [have, want] of cases) assert.equal(fn(...[have].flat()), want, `${fn.name || 'format'}(${[have].flat()})`)
}

test('numbers are short, and are never rounded to a lie', () => {
  each(format.compact, [[0, '0'], [999, '999'], [99_999, '99,999'], [100_000, '100K'], [10_234_567, '10.2M'], [1_234_567_890, '1.23B']])
  each(format.count, [[10_234_567, '10,234,567']])
  each(format.more, [[[100, 2020], 'Show 100 more of 2,020'], [[1000, 118], 'Show the other 118'], [[100, 1], 'Show the last one']])
  each(format.rate, [[0, '0'], [0.2, '0.2'], [9.94, '9.9'], [9.96, '10'], [123_456.7, '123,457']])
  each(format.bytes, [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [10 * 2 ** 30, '10 GiB'], [123.4 * 2 ** 20, '123 MiB']])
  each(format.share, [[[0, 10], '0%'], [[10, 10], '100%'], [[1, 1e9], '<0.01%'], [[999_999, 1e6], '99.9%'], [[1, 3], '33.3%'], [[1, 200], '0.50%'], [[1, 0], '0%']])
  each(format.duration, [[0, '0.0 s'], [0.04, '40 ms'], [0.0001, '1 ms'], [0.0999, '0.1 s'], [0.84, '0.8 s'], [9.96, '10 s'], [59.4, '59 s'], [60, '1 min'], [250, '4 min 10 s'], [11_520, '3 h 12 min'], [187_200, '2 d 4 h'], [-3, '0.0 s']])
  each(format.plural, [[[1, 'row', 'rows'], '1 row'], [[2000, 'row', 'rows'], '2,000 rows']])
})

test('a name is what an event is called', () => {
  each(format.nameOf, [[['track', 'Buy'], 'Buy'], [['page', ''], 'page calls'], [['page', undefined], 'page calls']])
})

const at = (minute) => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString()
const line = (minute, source, loaded, more = {}) => ({ minute: at(minute), source, accepted: loaded, loaded, duplicate: 0, dead: 0, in_flight: 0, ...more })
const snapshot = (minutes, more = {}) => ({ now: at(59), from: at(0), minutes, names: [], name_count: 0, ...more })

test('the rate at the door is that of the last five seconds', () => {
  assert.equal(numbers.doorRate([1000, 1, 2, 3, 4, 5]), 3)
})

test('the rate into the warehouse does not fall when a minute leaves the hour', () => {
  const rate = numbers.loadedRate()
  const second = (n, minutes) => ({ now: new Date(Date.UTC(2026, 10, 23, 12, 59, n)).toISOString(), minutes })
  assert.equal(rate(second(0, [line(0, 'web', 1000), line(59, 'web', 100)])), null)
  assert.equal(rate(second(1, [line(0, 'web', 1000), line(59, 'web', 160)])), 60)
  assert.equal(rate(second(2, [line(59, 'web', 200)])), 50)
  assert.equal(rate(second(3, [line(59, 'web', 200), line(60, 'app', 50)])), 50)
  for (let n = 4; n <= 12; n++) rate(second(n, [line(59, 'web', 200), line(60, 'app', 50)]))
  assert.equal(rate(second(13, [line(59, 'web', 200), line(60, 'app', 50)])), 0, 'nothing for longer than it is smoothed over')
})

test('states are in words', () => {
  assert.equal(numbers.freshness(0.5).text, 'up to date')
  assert.equal(numbers.freshness(30).text, 'catching up')
  assert.equal(numbers.freshness(600).text, 'far behind')
  assert.equal(numbers.fill(0, 0).text, 'without a limit')
  assert.equal(numbers.fill(10, 100).state, '')
  assert.match(numbers.fill(85, 100).text, /filling up/)
  assert.match(numbers.fill(99, 100).text, /almost full/)
})

test('the minutes by source add up to what is settled', () => {
  const minutes = Array.from({ length: 12 }, (_, i) => line(i, `source-${i}`, 100 - i, { in_flight: i, duplicate: 1, dead: 2 }))
  minutes.push(line(3, 'source-0', 5), line(-1, 'source-0', 1e6), line(60, 'source-0', 1e6)) // outside the hour
  const p = parts(snapshot(minutes), 'source')
  assert.equal(p.list.length, 9, 'eight colours, and all others')
  assert.deepEqual(p.list[0], { key: 'source-0', name: 'source-0', values: p.list[0].values, total: 105 })
  assert.equal(p.list[8].name, 'all others')
  for (let i = 0; i < 60; i++) assert.equal(p.list.reduce((sum, part) => sum + part.values[i], 0), p.settled[i])
  assert.equal(p.flying[5], 5)
  assert.equal(p.duplicate[5], 1)
  assert.equal(p.dead[5], 2)
})

test('the minutes by name add up to what is settled, names that are not listed included', () => {
  const names = [
    { type: 'track', event: 'Buy', total: 7, minutes: [{ minute: at(2), loaded: 4 }, { minute: at(3), loaded: 3 }] },
    { type: 'page', total: 2, minutes: [{ minute: at(2), loaded: 2 }] },
  ]
  const p = parts(snapshot([line(2, 'web', 10), line(3, 'web', 3)], { names }), 'name')
  assert.deepEqual(p.list.map((part) => [part.name, part.total]), [['Buy', 7], ['page calls', 2], ['all others', 4]])
})

test('a colour stays with its name while the order changes', () => {
  const slot = slots(3)
  const first = slot(['a', 'b', 'c'])
  assert.deepEqual([...first], [['a', 0], ['b', 1], ['c', 2]])
  const second = slot(['c', 'd', 'a'])
  assert.equal(second.get('a'), 0)
  assert.equal(second.get('c'), 2)
  assert.equal(second.get('d'), 1, 'the colour that b gave back')
})

test('sources are summed, the largest first', () => {
  const found = bySource(snapshot([line(0, 'b', 5), line(1, 'b', 5, { dead: 1 }), line(1, 'a', 4, { in_flight: 9 }), line(2, 'c', 10)]))
  assert.deepEqual(found.map((s) => [s.source, s.loaded, s.flying, s.dead]), [['a', 4, 9, 0], ['b', 10, 0, 1], ['c', 10, 0, 0]])
})

test('a small value is drawn, and none is not', () => {
  assert.equal(spark([0, 0], 0), '')
  assert.equal(spark([0, 100, 1], 100), 'M1.1 1V0.000h.8V1zM2.1 1V0.960h.8V1z')
})

test('the page filters as the server does', () => {
  const item = { source: 'web', event: 'Buy', properties: { what: 'Shoes' } }
  const none = { text: '', name: '', source: '', refused: false }
  const ok = (change, want) => assert.equal(fits(item, { ...none, ...change }), want, JSON.stringify(change))
  ok({}, true)
  ok({ text: 'sHOES' }, true)
  ok({ text: 'boots' }, false)
  ok({ name: 'Buy' }, true)
  ok({ name: 'buy' }, false)
  ok({ source: 'app' }, false)
  ok({ refused: true }, false)
})

test('properties are shown on one line', () => {
  assert.equal(preview({ properties: { revenue: 12, sku: 'A-1', nested: { a: [1] } } }), 'revenue 12 · sku A-1 · nested {"a":[1]}')
  assert.equal(preview({ traits: { plan: 'pro' } }), 'plan pro')
  assert.equal(preview({}), '')
})

const { buckets } = await from('ledger')
const { story } = await from('story')

test('the ledger is laid out along its range, and adds up', () => {
  const line = (minute, source, accepted, loaded, duplicate, dead) => ({ minute, source, accepted, loaded, duplicate, dead })
  const { points, sums, sources, total } = buckets({
    from: '2026-11-23T12:00:00Z', to: '2026-11-23T12:04:00Z', interval: 'minute',
    ledger: [line('2026-11-23T12:01:00Z', 'web', 5, 3, 1, 1), line('2026-11-23T12:01:00Z', 'app', 2, 2, 0, 0), line('2026-11-23T12:03:00Z', 'web', 1, 1, 0, 0)],
  })
  assert.equal(points.length, 4)
  assert.deepEqual(sums, { loaded: [0, 5, 0, 1], duplicate: [0, 1, 0, 0], dead: [0, 1, 0, 0] })
  assert.deepEqual(sources.map((s) => [s.source, s.accepted]), [['web', 6], ['app', 2]])
  assert.deepEqual(total, { accepted: 8, loaded: 6, duplicate: 1, dead: 1 })
})

test('an event’s story has one end', () => {
  const t = (s) => `2026-11-23T12:00:${String(s).padStart(2, '0')}Z`
  const row = { source: 'web', received_at: t(1), loaded_at: t(2) }
  const copy = (s, more = {}) => ({ source: 'web', received_at: t(s), taken_at: t(s), in_flight: false, ...more })
  const letter = { source: 'web', received_at: t(5), reason: 'x' }
  const of = (known, found, searched = { done: true }) => {
    const { verdict, steps } = story({ rows: [], dead: [], minutes: [], ...known }, found, searched)
    return [verdict, ...steps.map((s) => s.kind)].join(' ')
  }
  assert.equal(of({}, [], null), 'searching')
  assert.equal(of({}, []), 'unknown')
  assert.equal(of({ rows: [row] }, []), 'loaded accepted loaded')
  assert.equal(of({ rows: [row] }, [copy(1), copy(3)]), 'loaded accepted loaded duplicate', 'a retry is a duplicate; the first is the row')
  assert.equal(of({}, [copy(1, { in_flight: true })]), 'flight flight')
  assert.equal(of({ dead: [letter] }, [copy(5, { refused: 'x' })]), 'dead dead')
  assert.equal(of({ rows: [row], dead: [{ ...letter, received_at: t(0) }] }, []), 'loaded dead accepted loaded')
  assert.equal(of({}, [copy(1)]), 'passed passed')
})

test('a person is called by the traits that hold a name', () => {
  each(titleOf, [[[{ name: 'Ada' }], 'Ada'], [[{ firstName: 'Ada', last_name: 'King' }], 'Ada King'], [[{ email: 'a@b' }], 'a@b'], [[{ name: 7 }], ''], [[null], '']])
})
