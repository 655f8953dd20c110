// The page SQL: an editor with the tables beside it, and the answer as a table or as a chart, shown while it comes.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { answers, button, emptyState, fetchJSON, fetchLines, Fault } from './parts/ask.js'
import { chart } from './parts/chart.js'
import { keepFile } from './parts/file.js'
import { paint } from './parts/sql-text.js'
import { table } from './parts/table.js'
import { urlState } from './parts/url-state.js'

const state = urlState({ sql: '', limit: 1000, as: 'table' })
const editor = byId('sql')
const painted = byId('painted')
const limit = byId('limit')
const kept = 'spoor-sql' // what was written last, where the address holds nothing

const examples = [
  ['Events each day', "select date_trunc('day', timestamp) as day, count(*) as events, count(distinct coalesce(user_id, anonymous_id)) as people\nfrom events\ngroup by 1\norder by 1"],
  ['The most frequent names', 'select event, count(*) as events\nfrom events\ngroup by 1\norder by 2 desc\nlimit 20'],
  ['What became of what was accepted', 'select minute, source, accepted, loaded, duplicate, dead\nfrom ledger\norder by minute desc\nlimit 60'],
  ['Dead letters by reason', 'select reason, source, count(*) as letters, max(received_at) as latest\nfrom dead_letters\ngroup by 1, 2\norder by 3 desc'],
  ['Countries and browsers', 'select country, browser_name, count(*) as events\nfrom events\nwhere not is_bot\ngroup by 1, 2\norder by 3 desc\nlimit 50'],
]

const keep = (text) => { try { localStorage.setItem(kept, text) } catch { /* it is not kept, then */ } }
const keptText = () => { try { return localStorage.getItem(kept) ?? '' } catch { return '' } }

// The editor: a field that holds the text, over the same text in colours.
function repaint() {
  painted.replaceChildren(...paint(editor.value).map(([kind, text]) => (kind ? make('span', kind, text) : text)), '\n')
  painted.scrollTop = editor.scrollTop
  painted.scrollLeft = editor.scrollLeft
}
function write(text) {
  editor.value = text
  editor.rows = Math.min(24, Math.max(8, text.split('\n').length + 1))
  repaint()
}
editor.addEventListener('input', () => {
  keep(editor.value)
  repaint()
})
editor.addEventListener('scroll', repaint)
new ResizeObserver(repaint).observe(editor)
editor.addEventListener('keydown', (key) => {
  if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) {
    key.preventDefault()
    byId('ask').requestSubmit()
  }
})

function insert(text) {
  editor.focus()
  editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, 'end')
  editor.dispatchEvent(new Event('input'))
}

byId('examples').append(...examples.map(([name, text]) => make('li', '', '', button(name, () => {
  write(text)
  byId('examples').parentElement.open = false
  submit()
}, ''))))

// The answer.
const result = byId('result')
const view = answers(result, { what: 'Asking the warehouse' })
view.body.append(emptyState('Ask the warehouse anything', [
  'Write a SELECT above, or take one of the examples. Tables and columns stand at the side: press one to put its name into the statement.',
  'Nothing can be changed from here: every statement runs read-only.',
]))

const isNumber = (type) => /INT|DECIMAL|NUMERIC|DOUBLE|FLOAT|REAL|SERIAL/i.test(type) && !/INTERVAL|\[\]/i.test(type)
const isTime = (type) => /^(TIMESTAMP|DATE)/i.test(type)

async function submit() {
  const sql = editor.value.trim()
  if (!sql) return void editor.focus()
  state.set({ sql, limit: Number(limit.value) }, { replace: state.now.sql === sql })
  run()
}

function run() {
  const { sql, limit: most } = state.now
  view.run(async ({ signal, progress, follow }) => {
    let columns = null
    let end = null
    const rows = []
    await fetchLines('/api/sql', { params: { format: 'lines' }, body: { sql, limit: most }, signal }, (line) => {
      if (line.progress) return follow(line.progress)
      if (Array.isArray(line)) rows.push(line)
      else if (line.columns) columns = line.columns
      else if (line.error) throw new Fault(line.error, line.code)
      else end = line
      progress(`${format.plural(rows.length, 'row', 'rows')} so far…`)
    })
    if (!end) throw new Fault('The connection ended before the answer did.', 'network')
    return () => draw(sql, columns, rows, end)
  })
}

/** chartOf finds what a chart can show: the first time or text along the axis, each number a series. */
function chartOf(columns, rows) {
  const numbers = columns.map((c, i) => ({ ...c, i })).filter((c) => isNumber(c.type)).slice(0, 8)
  const rest = columns.map((c, i) => ({ ...c, i })).filter((c) => !isNumber(c.type))
  const along = rest.find((c) => isTime(c.type)) ?? rest[0] ?? (numbers.length > 1 ? numbers.shift() : null)
  if (!along || !numbers.length || rows.length < 2) return null
  const time = isTime(along.type)
  let ordered = rows
  if (time) ordered = [...rows].sort((a, b) => (a[along.i] < b[along.i] ? -1 : 1))
  ordered = ordered.slice(0, 1000)
  const day = time && ordered.every((r) => /^\d{4}-\d\d-\d\d(T00:00:00Z)?$/.test(r[along.i] ?? ''))
  const short = (v) => (v === null ? '–' : day ? String(v).slice(0, 10) : time ? format.date(new Date(v)) : String(v).slice(0, 24))
  return {
    kind: time ? 'line' : 'bar', stack: false, axis: along.name, whole: false,
    points: ordered.map((r) => r[along.i]), short, long: (v) => (v === null ? 'null' : day ? short(v) : time ? format.moment(new Date(v)) : String(v)),
    number: (v) => format.decimal(v),
    axisNumber: format.axis,
    series: numbers.map((c) => ({ key: c.name, name: c.name, values: ordered.map((r) => (r[c.i] === null ? null : Number(r[c.i]))) })),
  }
}

function draw(sql, columns, rows, end) {
  const drawable = chartOf(columns, rows)
  const head = make('div', 'result-head')
  const said = make('p', 'sub', `${format.plural(rows.length, 'row', 'rows')}${end.cut ? ' of more' : ''} in ${end.ms < 1000 ? `${end.ms} ms` : format.duration(end.ms / 1000)}`)
  said.id = 'result-said'
  const kinds = make('fieldset', 'switch', '', make('legend', 'unseen', 'Show as'))
  const tableBox = make('div')
  const chartBox = make('div')
  const as = drawable && state.now.as === 'chart' ? 'chart' : 'table'
  let drawn = false
  const showAs = (which) => {
    show(tableBox, which === 'table')
    show(chartBox, which === 'chart')
    if (which === 'chart' && !drawn) {
      drawn = true
      chart(chartBox, { label: 'The answer as a chart', file: 'answer', tall: true }).draw(drawable)
    }
  }
  for (const [value, text] of [['table', 'Table'], ['chart', 'Chart']]) {
    const radio = Object.assign(make('input'), { type: 'radio', name: 'as', value, checked: value === as, disabled: value === 'chart' && !drawable })
    radio.addEventListener('change', () => {
      state.set({ as: value }, { replace: true })
      showAs(value)
    })
    kinds.append(make('label', '', '', radio, make('span', '', text)))
  }
  if (!drawable) kinds.title = 'A chart needs at least two rows with a number in them'
  const files = make('div', 'files')
  const exports = make('span', 'end', '', make('span', 'sub', end.cut ? 'All rows as' : 'As'))
  for (const kind of ['csv', 'parquet', 'json']) {
    const one = button(kind === 'parquet' ? 'Parquet' : kind.toUpperCase(), () => keepFile(files, { sql, format: kind, name: `answer ${new Date().toISOString().slice(0, 10)}` }), 'button small')
    one.setAttribute('aria-label', `Export as ${one.textContent}`)
    exports.append(one)
  }
  head.append(kinds, said, exports)
  view.body.replaceChildren(head, files, tableBox, chartBox)
  const list = table(tableBox, {
    caption: 'Answer', file: 'answer', exports: false,
    empty: emptyState('No rows', 'The statement ran, and nothing fits it.'),
    columns: columns.map((c, i) => ({
      key: c.name, name: c.name, title: c.type, kind: isNumber(c.type) ? 'number' : 'text', none: 'null',
      value: (row) => row[i],
      text: (v) => (isNumber(c.type) ? format.decimal(v) : typeof v === 'object' ? JSON.stringify(v) : String(v)),
    })),
  })
  list.show(rows)
  showAs(as)
}

byId('ask').addEventListener('submit', (e) => {
  e.preventDefault()
  submit()
})
limit.addEventListener('change', () => { if (state.now.sql) submit() })
state.on((now, before) => {
  if (now.sql === before.sql && now.limit === before.limit) return
  if (now.sql !== editor.value.trim()) {
    write(now.sql)
    limit.value = now.limit
    if (now.sql) run()
    else view.cancel()
  }
})

// The tables at the side.
const schemaBox = byId('schema')
const schema = answers(schemaBox, { what: 'Reading the catalog' })
const find = byId('schema-find')
let tables = []

function drawSchema() {
  const text = find.value.trim().toLowerCase()
  const hit = (t) => t.name.includes(text) || t.columns.some((c) => c.name.toLowerCase().includes(text))
  const parts = []
  for (const [title, list] of [['Of every warehouse', tables.filter((t) => !t.view)], ['A view for each event', tables.filter((t) => t.view)]]) {
    const found = list.filter(hit)
    if (!found.length) continue
    parts.push(make('h3', '', title))
    for (const t of found) {
      const summary = make('summary', '', '', make('span', 'cut', t.name))
      summary.title = t.doc || t.name
      const list = make('ul')
      const details = make('details', '', '', summary, list)
      const fill = () => {
        if (list.children.length) return
        const named = button('', () => insert(t.name), '')
        named.append(make('span', '', 'insert the name'))
        list.append(make('li', 'sub', '', named))
        for (const c of t.columns) {
          const one = button('', () => insert(/^[a-z_][a-z0-9_]*$/.test(c.name) ? c.name : `"${c.name.replaceAll('"', '""')}"`), '')
          one.append(make('span', 'cut', c.name), make('span', 'kind', c.kind))
          one.title = c.doc || c.name
          list.append(make('li', '', '', one))
        }
      }
      details.addEventListener('toggle', fill)
      if (text && found.length <= 6) {
        details.open = true
        fill()
      }
      parts.push(details)
    }
  }
  schema.body.replaceChildren(...(parts.length ? parts : [make('p', 'sub', 'Nothing of that name.')]))
}
find.addEventListener('input', drawSchema)
schema.run(async ({ signal }) => {
  const found = await fetchJSON('/api/schema', { signal })
  return () => {
    tables = found.tables
    drawSchema()
  }
})

limit.value = [...limit.options].some((o) => Number(o.value) === state.now.limit) ? state.now.limit : 1000
write(state.now.sql || keptText() || examples[0][1])
if (state.now.sql) run()
