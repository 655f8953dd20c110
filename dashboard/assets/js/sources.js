// The page Sources: what came of each, how to send from it, and whether it arrives.
import * as format from './format.js'
import { connect } from './connect.js'
import { byId, make, mark, put, show } from './dom.js'
import { answers, emptyState, fetchJSON } from './parts/ask.js'
import { copyButtons } from './parts/copy.js'
import { sparkline } from './parts/sparkline.js'
import { table } from './parts/table.js'
import { urlState } from './parts/url-state.js'

const hours = 24
const state = urlState({ source: '', way: 'terminal' })
const list = byId('list')
const view = answers(list, { what: 'Reading the ledger' })
let sources = []
let spark = new Map()
let base = ''

const rows = table(view.body, {
  caption: 'Sources', file: 'sources', what: ['source', 'sources'], key: (s) => s.name, sort: { key: 'name', desc: false },
  onRow: (s) => state.set({ source: s.name }),
  empty: emptyState('No source is configured here, and no event has come', 'Start the collectors with --source NAME=KEY, one for each app or site. A source keeps events apart by where they come from, and its key can be taken back alone.'),
  columns: [
    { key: 'name', name: 'Source' },
    { key: 'day', name: 'Each hour', sort: false, value: (s) => (spark.get(s.name) ?? []).join(' '), cell: (_, s) => {
      const { chart, draw } = sparkline(hours)
      draw(spark.get(s.name) ?? [])
      return chart
    } },
    { key: 'accepted', name: 'Last 24 hours', kind: 'number', value: (s) => s.seen?.accepted ?? 0 },
    { key: 'dead', name: 'Dead', kind: 'number', value: (s) => s.seen?.dead ?? 0 },
    { key: 'first', name: 'First event', kind: 'time', value: (s) => s.seen?.first, text: (v) => format.date(new Date(v)), none: 'none yet' },
    { key: 'latest', name: 'Latest event', kind: 'time', value: (s) => s.seen?.latest, text: (v) => format.date(new Date(v)), none: 'none yet' },
    { key: 'here', name: 'Key', value: (s) => (s.write_key ? 'configured here' : 'not here') },
  ],
})

view.run(async ({ signal }) => {
  const from = new Date(Date.now() - hours * 3600_000).toISOString()
  const [answer, day] = await Promise.all([
    fetchJSON('/api/sources', { signal }), fetchJSON('/api/pipeline', { params: { from }, signal }),
  ])
  return () => {
    sources = answer.sources
    base = answer.base
    const first = Math.floor(Date.now() / 3600_000) - hours + 1
    spark = new Map(sources.map((s) => [s.name, new Array(hours).fill(0)]))
    for (const m of day.ledger) {
      const i = Math.floor(Date.parse(m.minute) / 3600_000) - first
      if (i >= 0 && i < hours && spark.has(m.source)) spark.get(m.source)[i] += m.accepted
    }
    rows.show(sources)
    draw()
  }
})

const chosen = () => sources.find((s) => s.name === state.now.source) ?? sources.find((s) => s.write_key) ?? sources[0]

function draw() {
  const source = chosen()
  show(byId('one'), Boolean(source))
  if (!source) return
  rows.select(source.name)
  put(byId('send-title'), `Send from ${source.name}`)
  const here = Boolean(source.write_key)
  put(byId('send-sub'), here ? '' : 'Its key is not known here: it is configured where its collectors run.')
  for (const part of [document.querySelector('.key'), document.querySelector('.send')]) show(part, here)
  put(byId('key'), source.write_key ?? '')
  const ways = byId('ways')
  const way = source.snippets.find((s) => s.id === state.now.way) ?? source.snippets[0]
  if (ways.querySelectorAll('input').length !== source.snippets.length) {
    ways.replaceChildren(ways.firstElementChild, ...source.snippets.map((s) => {
      const radio = Object.assign(make('input'), { type: 'radio', name: 'way', value: s.id })
      radio.addEventListener('change', () => state.set({ way: s.id }, { replace: true }))
      return make('label', '', '', radio, make('span', '', s.title))
    }))
  }
  if (way) {
    for (const radio of ways.querySelectorAll('input')) radio.checked = radio.value === way.id
    put(byId('way-title'), way.title)
    put(byId('way-hint'), way.hint)
    const bare = (url) => url.replace(/^https?:\/\//, '')
    put(byId('way-text'), way.text.replaceAll(base, location.origin).replaceAll(bare(base), location.host))
  }
  listen(source.name)
}
state.on(draw)

// The check: the next event of the source, as it is accepted.
let listening = ''
let stream = null
function listen(name) {
  if (listening === name) return
  listening = name
  wait()
  if (stream) stream.again()
  else {
    stream = connect(() => `/api/tail?${new URLSearchParams({ source: listening, sample: 5 })}`, { event: take }, (standing) => {
      if (standing === 'lost') put(byId('check-sub'), 'The server is not reached. Trying again…')
    })
  }
}
function wait() {
  const seen = chosen()?.seen
  mark(byId('check-pulse'), 'data-state', '')
  put(byId('check-said'), `Waiting for ${seen ? 'the next' : 'the first'} event of ${listening}…`)
  put(byId('check-sub'), 'Send one now: it shows here as soon as it is accepted.')
}
function take(item) {
  if (item.source !== listening) return
  const name = format.nameOf(item.type, item.event)
  mark(byId('check-pulse'), 'data-state', item.refused ? 'refused' : 'come')
  const trace = make('a', '', item.message_id)
  trace.href = `/trace?id=${encodeURIComponent(item.message_id)}&at=${encodeURIComponent(item.received_at)}`
  if (item.refused) {
    put(byId('check-said'), `An event came, and cannot be loaded: ${item.refused}`)
    byId('check-sub').replaceChildren(`${item.detail ?? ''}. Its bytes are kept as a dead letter. Trace it: `, trace)
  } else {
    put(byId('check-said'), `It arrives: ${name}, at ${format.precise(new Date(item.received_at))}`)
    byId('check-sub').replaceChildren(`On disk, and a row about a second later. Trace it: `, trace)
  }
}

copyButtons()
