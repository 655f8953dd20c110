// The page Events: the catalog, and what the events of one name carry.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { answers, button, canPass, emptyState, fetchJSON, progressWords } from './parts/ask.js'
import { chart, dates } from './parts/chart.js'
import { range } from './parts/range.js'
import { sparkline } from './parts/sparkline.js'
import { table } from './parts/table.js'
import { urlState } from './parts/url-state.js'

const state = urlState({ range: '30d', type: '', event: '', find: '', sort: null })
const ranges = range(byId('range'), {
  value: { range: state.now.range }, interval: false, zone: false, onChange: ({ range }) => state.set({ range }),
  only: ['24h', '7d', '14d', '30d', '90d', '12w', '12m'],
})
const find = byId('find')
find.value = state.now.find
const by = byId('by') // by which clock the volumes are

const view = answers(byId('catalog'), { what: 'Reading the catalog' })
const named = (e) => format.nameOf(e.type, e.event)
const share = (v) => (v > 0 && v < 0.0001 ? '<0.01%' : format.share(v, 1))
let answer = null

const list = table(byId('list'), {
  caption: 'Events', file: 'events', what: ['event', 'events'], sort: state.now.sort ?? { key: 'volume', desc: true }, first: 50,
  key: (e) => `${e.type}\n${e.event ?? ''}`,
  onSort: (sort) => state.set({ sort }, { replace: true }),
  onRow: (e) => state.set({ type: e.type, event: e.event ?? '' }),
  empty: emptyState('No event has come yet', ['Every name that is sent stands here by itself, with its properties and their types: nothing has to be declared.'], { text: 'Send a first event', href: '/sources' }),
  columns: [
    { key: 'event', name: 'Event', value: named },
    { key: 'volumes', name: 'Volume', sort: false, value: (e) => e.volumes.join(' '), cell: (_, e) => {
      const { chart, draw } = sparkline(e.volumes.length)
      draw(e.volumes)
      return chart
    } },
    { key: 'volume', name: 'Rows', kind: 'number' },
    { key: 'properties', name: 'Properties', kind: 'number' },
    { key: 'first_seen', name: 'First seen', kind: 'time', text: (v) => format.date(new Date(v)) },
    { key: 'last_seen', name: 'Last seen', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})

const volume = chart(byId('one-chart'), { label: 'Rows of this event', file: 'volume' })
const carried = answers(byId('properties'), { what: 'Looking into the newest events' })
const properties = table(carried.body, {
  caption: 'Properties', file: 'properties', what: ['property', 'properties'], first: 60,
  empty: emptyState('No properties', 'Events of this name carry none.'),
  columns: [
    { key: 'field', name: 'Property', kind: 'code', value: (p) => p.field },
    { key: 'kinds', name: 'Type', value: (p) => p.kinds.join(', ') },
    { key: 'null_rate', name: 'Missing', kind: 'share', text: share, title: 'In how many of the events looked at it is not there, or null' },
    { key: 'samples', name: 'Most frequent', sort: false, value: (p) => p.samples.map((s) => s.value), cell: (_, p) => make('span', 'samples', '', ...p.samples.slice(0, 5).map((s) => {
      const text = typeof s.value === 'string' ? s.value : JSON.stringify(s.value)
      const tag = make('span', 'tag', text === '' ? '""' : text)
      tag.title = `${text}: ${format.plural(s.events, 'event', 'events')}`
      return tag
    })) },
    { key: 'first_seen', name: 'First seen', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})

function drawList() {
  const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean)
  list.show(answer.events.filter((e) => words.every((w) => named(e).toLowerCase().includes(w))))
}

const chosen = () => answer?.events.find((e) => e.type === state.now.type && (e.event ?? '') === state.now.event)

let shown = ''
function drawOne() {
  const e = chosen()
  show(byId('one'), Boolean(e))
  list.select(e ? `${e.type}\n${e.event ?? ''}` : null)
  if (!e) {
    carried.cancel()
    shown = ''
    return
  }
  put(byId('one-title'), named(e))
  put(byId('one-sub'), `${e.event ? `${e.type}, ` : ''}${format.plural(e.volume, 'row', 'rows')} in this range`)
  const links = [['Newest', `/?${new URLSearchParams(e.event ? { name: e.event } : {})}`]]
  if (e.view) links.push(['SQL', `/sql?${new URLSearchParams({ sql: `select *\nfrom ${/^[a-z_][a-z0-9_]*$/.test(e.view) ? e.view : `"${e.view}"`}\norder by timestamp desc\nlimit 100` })}`])
  links.push(['People', `/people?${new URLSearchParams(e.event ? { event: e.event } : { type: e.type })}`])
  byId('one-links').replaceChildren(...links.map(([text, href]) => Object.assign(make('a', 'button small', text), { href })))
  const { period } = answer
  const write = dates(period.interval, period.zone)
  volume.draw({
    kind: 'bar', points: period.buckets.map((b) => b.from), short: write.short, long: write.long,
    series: [{ key: 'rows', name: 'rows', values: e.volumes, incompleteFrom: period.buckets.findIndex((b) => b.incomplete) >>> 0 }],
  })
  const key = `${e.type}\n${e.event ?? ''}`
  if (shown === key) return
  shown = key
  carried.run(async ({ signal, follow }) => {
    const found = await fetchJSON('/api/query/properties', { body: { event: e.event ? { event: e.event, type: e.type } : { type: e.type } }, signal, follow })
    return () => {
      put(byId('properties-title'), `Properties, in the newest ${format.plural(found.sampled, 'event', 'events')}`)
      properties.show(found.properties)
    }
  })
}

const soon = 300 // ms: what is counted by then is drawn at once, and nothing else before it
let counting = null

/** refresh asks twice: what the loader keeps is there at once, by arrival; when things happened is counted of the events. */
function refresh() {
  counting?.abort()
  const { signal } = (counting = new AbortController())
  const asked = { range: ranges.asked() }
  const ask = (body, of) => fetchJSON('/api/query/catalog', { body, ...of })
  const drawn = (found) => {
    answer = found
    put(byId('complete'), found.complete?.up_to ? `Complete up to ${format.moment(new Date(found.complete.up_to))}` : '')
    drawList()
    drawOne()
  }
  let shown = false
  const happened = ask({ ...asked, by: 'happened' }, { signal, follow: ({ done, seconds, deadline }) => {
    if (shown) put(by, `By when they arrived. When they happened is being counted… ${progressWords(done, seconds, deadline)}`)
  } })
  happened.catch(() => {}) // it is heard of below, where it is waited for
  view.run(async ({ signal: mine, follow }) => {
    const fallback = ask(asked, { signal: mine, follow })
    fallback.catch(() => {}) // as well
    const late = new Promise((resolve) => { setTimeout(resolve, soon) })
    const found = await Promise.race([happened.catch(() => fallback), late.then(() => fallback)])
    return () => {
      shown = true
      put(by, 'By when they arrived. When they happened is being counted…')
      drawn(found)
    }
  }).then(async (is) => {
    if (!is) return
    const found = await happened
    put(by, 'Volume and rows by when they happened; first and last seen by when they arrived.')
    if (answer !== found) drawn(found)
  }).catch((err) => {
    if (err.name === 'AbortError' || signal.aborted) return
    put(by, `By when they arrived: when they happened ${err.code === 'timeout' ? 'took too long to count' : 'could not be counted'}. `, err.message)
    if (canPass(err)) by.append(button('Try again', refresh, 'bare'))
  })
}

find.addEventListener('input', () => {
  state.set({ find: find.value }, { replace: true })
  if (answer) drawList()
})
state.on((now, before) => {
  if (now.range !== before.range) {
    ranges.set({ range: now.range })
    refresh()
  } else if (answer) {
    if (now.find !== find.value) {
      find.value = now.find
      drawList()
    }
    drawOne()
    if (now.event !== before.event || now.type !== before.type) byId('one').scrollIntoView({ block: 'nearest' })
  }
})
refresh()
put(byId('zone'), `Times in ${format.zone()}`)
