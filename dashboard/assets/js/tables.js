// The tables of names and of sources, with a small chart of the hour in each row.
import * as format from './format.js'
import { byId, make, mark, put, show } from './dom.js'
import { exports, heads } from './parts/sorted.js'
import { sparkline } from './parts/sparkline.js'

const minutes = 60
const atFirst = { names: 12, sources: 8 } // rows that are shown unless more are asked for

/** across lays counts by minute out over the hour. */
function across(from, counts) {
  const out = new Array(minutes).fill(0)
  for (const [minute, n] of counts) {
    const at = Math.round((minute - from) / 60_000)
    if (at >= 0 && at < minutes) out[at] += n
  }
  return out
}

/** table keeps one row a key, in the order given, and moves rows rather than making them again. */
function table(body, makeRow) {
  const rows = new Map()
  return (items) => {
    const gone = new Set(rows.keys())
    items.forEach((item, i) => {
      gone.delete(item.key)
      let row = rows.get(item.key)
      if (!row) rows.set(item.key, (row = makeRow(item)))
      row.draw(item)
      if (body.children[i] !== row.element) body.insertBefore(row.element, body.children[i] ?? null)
    })
    for (const key of gone) {
      rows.get(key).element.remove()
      rows.delete(key)
    }
  }
}

/** more gives the function that cuts a list to its first rows, and the button below it that shows all of it. */
function more(what, again) {
  const button = byId(`${what}-more`)
  let all = false
  button.addEventListener('click', () => {
    all = !all
    again()
  })
  return (items) => {
    const over = items.length - atFirst[what]
    show(button, over > 0)
    put(button, all ? `Show the first ${atFirst[what]} only` : `Show ${over} more`)
    mark(button, 'aria-expanded', all)
    return all ? items : items.slice(0, atFirst[what])
  }
}

/** sorting makes the heads of a table and the buttons that export it; ordered(items) gives these as they are sorted. */
function sorting(what, caption, columns, again) {
  const valueOf = (column, item) => column.value(item)
  const sorted = heads(byId(what).tHead.rows[0], columns, { valueOf, onSort: () => again() })
  let rows = []
  byId(`${what}-files`).append(...exports(caption, what, columns, { valueOf, rows: () => sorted.ordered(rows) }), sorted.said)
  return (items) => sorted.ordered((rows = items))
}

/** names draws the table of names; pick(event) is called when one is chosen. */
export function names(pick) {
  const sub = byId('names-sub')
  const cut = more('names', () => drawAll(latest))
  const ordered = sorting('names', 'Names', [
    { key: 'name', name: 'Name', value: (n) => n.name }, { key: 'minutes', name: 'Each minute', sort: false, exported: false, value: () => '' },
    { key: 'rows', name: 'Rows', className: 'number', desc: true, value: (n) => n.total },
    { key: 'share', name: 'Share', className: 'number', desc: true, value: (n) => (n.of ? n.total / n.of : 0) },
  ], () => latest && drawAll(latest))
  let latest = null
  const draw = table(byId('names').tBodies[0], (item) => {
    const title = make('span', 'cut', item.name)
    title.title = item.name
    const head = make('th')
    head.scope = 'row'
    if (item.event) {
      const button = make('button', 'link-like', '', title)
      button.type = 'button'
      button.title = `${item.name}: show the newest of this name`
      title.removeAttribute('title')
      button.addEventListener('click', () => pick(item.event))
      head.append(button)
    } else {
      title.classList.add('whole-type')
      head.append(title)
    }
    const { chart, draw } = sparkline(minutes)
    const total = make('td', 'number')
    const part = make('td', 'share')
    const element = make('tr', '', '', head, make('td', 'sparks', '', chart), total, part)
    return {
      element,
      draw({ values, total: n, of }) {
        draw(values)
        put(total, format.compact(n), format.count(n))
        put(part, format.share(n, of))
        mark(element, 'style', `--part: ${of ? ((100 * n) / of).toFixed(1) : 0}%`)
      },
    }
  })
  const drawAll = (s) => {
    latest = s
    const from = Date.parse(s.from)
    const items = s.names.map((n) => ({
      key: `${n.type}\n${n.event ?? ''}`, name: format.nameOf(n.type, n.event), event: n.event, total: n.total, of: s.loaded, minutes: n.minutes,
    }))
    draw(cut(ordered(items)).map((n) => ({ ...n, values: across(from, n.minutes.map((m) => [Date.parse(m.minute), m.loaded])) })))
    const others = s.name_count - s.names.length
    const rest = s.loaded - s.names.reduce((sum, n) => sum + n.total, 0)
    put(sub, others > 0
      ? `the ${s.names.length} most frequent of ${format.count(s.name_count)}; the others have ${format.compact(rest)} rows`
      : 'in the last hour')
  }
  return drawAll
}

/** bySource sums a snapshot's minutes by source, the largest first. */
export function bySource(s) {
  const found = new Map()
  for (const m of s.minutes) {
    let source = found.get(m.source)
    if (!source) found.set(m.source, (source = { source: m.source, loaded: 0, flying: 0, duplicate: 0, dead: 0, minutes: [] }))
    source.loaded += m.loaded
    source.flying += m.in_flight
    source.duplicate += m.duplicate
    source.dead += m.dead
    source.minutes.push([Date.parse(m.minute), m.loaded + m.in_flight])
  }
  return [...found.values()].sort((a, b) => b.loaded + b.flying - a.loaded - a.flying || (a.source < b.source ? -1 : 1))
}

/** sources draws the table of sources. */
export function sources() {
  const cut = more('sources', () => drawAll(latest))
  const ordered = sorting('sources', 'Sources', [
    { key: 'source', name: 'Source', value: (b) => b.source }, { key: 'minutes', name: 'Each minute', sort: false, exported: false, value: () => '' },
    { key: 'events', name: 'Events', className: 'number', desc: true, value: (b) => b.loaded + b.flying },
    { key: 'duplicate', name: 'Duplicate', className: 'number', desc: true, value: (b) => b.duplicate },
    { key: 'dead', name: 'Dead', className: 'number', desc: true, value: (b) => b.dead },
  ], () => latest && drawAll(latest))
  let latest = null
  const draw = table(byId('sources').tBodies[0], (item) => {
    const title = make('span', 'cut', item.source)
    title.title = item.source
    const head = make('th', '', '', title)
    head.scope = 'row'
    const { chart, draw } = sparkline(minutes)
    const events = make('td', 'number')
    const duplicate = make('td', 'number')
    const dead = make('td', 'number')
    return {
      element: make('tr', '', '', head, make('td', 'sparks', '', chart), events, duplicate, dead),
      draw(s) {
        draw(s.values)
        const n = s.loaded + s.flying
        put(events, format.compact(n), `${format.count(s.loaded)} in the warehouse, ${format.count(s.flying)} on their way`)
        put(duplicate, format.compact(s.duplicate), format.count(s.duplicate))
        put(dead, format.compact(s.dead), format.count(s.dead))
        dead.classList.toggle('warn', s.dead > 0)
      },
    }
  })
  const drawAll = (s) => {
    latest = s
    const from = Date.parse(s.from)
    draw(cut(ordered(bySource(s))).map((b) => ({ ...b, key: b.source, values: across(from, b.minutes) })))
  }
  return drawAll
}
