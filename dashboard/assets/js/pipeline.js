// The page Pipeline: each stage as it is now, and what became of what came in a range.
import * as format from './format.js'
import { connect } from './connect.js'
import { byId, make, mark, put, show } from './dom.js'
import { buckets } from './ledger.js'
import { doorRate, fill, freshness, loadedRate, totals } from './measures.js'
import { answers, button, emptyState, fetchJSON, fetchLines, Fault } from './parts/ask.js'
import { chart } from './parts/chart.js'
import { dialog } from './parts/dialog.js'
import { range, resolve } from './parts/range.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'
import { urlState } from './parts/url-state.js'

const refreshEvery = 15_000
const state = urlState({ range: '24h', reason: '', source: '' })

// The stages, once a second.
const stage = (name) => {
  const box = byId(`stage-${name}`)
  const pairs = box.querySelector('[data-pairs]')
  return (value, sub, lines, kind = '', title = '') => {
    put(box.querySelector('[data-value]'), value, title)
    put(box.querySelector('[data-sub]'), sub)
    mark(box, 'data-state', kind)
    lines.forEach(([name, text], i) => {
      if (!pairs.children[2 * i]) pairs.append(make('dt'), make('dd'))
      put(pairs.children[2 * i], name)
      put(pairs.children[2 * i + 1], text)
    })
  }
}
const stages = { door: stage('door'), stream: stage('stream'), loader: stage('loader'), warehouse: stage('warehouse') }
const gain = loadedRate()
let commit = null // the latest

function drawStages(s) {
  const now = Date.parse(s.now)
  const sum = totals(s)
  const f = s.in_flight
  stages.door(format.rate(doorRate(s.seconds)), 'events a second', [
    ['State', s.ready ? 'open: each 200 is on disk' : `closed: ${s.not_ready}`],
    ['Last hour', `${format.compact(sum.accepted)} accepted`],
  ], s.ready ? '' : 'bad')
  const filled = fill(s.stream.used, s.stream.limit)
  stages.stream(format.compact(f.events), f.events === 1 ? 'event waiting' : 'events waiting', [
    ['Backlog', f.records ? `${format.plural(f.records, 'record', 'records')}, ${format.bytes(f.bytes)}` : 'none'],
    ['Kept', `${format.bytes(s.stream.used)}, ${filled.text}`],
  ], filled.state)
  const gained = gain(s)
  stages.loader(gained === null ? '–' : format.rate(gained), 'rows a second', [
    ['Oldest waiting', f.oldest ? format.duration((now - Date.parse(f.oldest)) / 1000) : 'none'],
    ['Last commit', commit ? `${format.compact(commit.loaded)} rows at ${format.clock(new Date(commit.at))}` : '–'],
  ])
  if (s.complete_to) {
    const age = Math.max(0, (now - Date.parse(s.complete_to)) / 1000)
    const fresh = freshness(age)
    stages.warehouse(format.clock(new Date(s.complete_to)), 'complete up to', [
      ['Freshness', `${format.duration(age)}, ${fresh.text}`],
      ['Last hour', `${format.compact(sum.loaded)} loaded, ${format.compact(sum.duplicate)} duplicate, ${format.compact(sum.dead)} dead`],
    ], fresh.state === 'good' ? '' : fresh.state, format.utc(new Date(s.complete_to)))
  } else stages.warehouse('–', 'complete up to', [['Freshness', 'not known yet'], ['Last hour', `${format.compact(sum.loaded)} loaded`]])
}

const link = byId('link')
const banner = byId('banner')
const standing = (kind, text) => {
  mark(link, 'data-state', kind)
  put(byId('link-text'), text)
}
connect(() => '/api/live/stream', {
  snapshot(s) {
    standing('open', 'live')
    show(banner, !s.ready)
    if (!s.ready) put(banner, `The door is closed: ${s.not_ready}. Senders hear 503 and try again later; nothing that was accepted is lost.`)
    drawStages(s)
  },
  fault(f) {
    standing('lost', 'the warehouse does not answer')
    show(banner, true)
    put(banner, `The warehouse does not answer: ${f.error}. Events are still accepted and kept on the stream.`)
  },
}, (now) => {
  if (now === 'connecting' || now === 'lost') standing(now, now === 'lost' ? 'reconnecting…' : 'connecting…')
})

// What became of what came.
const ranges = range(byId('range'), {
  value: { range: state.now.range }, interval: false, zone: false, only: ['1h', '24h', '0d', '-1d', '7d', '30d', '90d'],
  onChange: ({ range }) => state.set({ range }),
})
const view = answers(byId('history'), { what: 'Reading the ledger' })
const ledger = chart(byId('ledger-chart'), { label: 'Events by what became of them', file: 'ledger' })
const sourcesTable = table(byId('sources'), {
  caption: 'Events by source', file: 'sources', what: ['source', 'sources'], sort: { key: 'accepted', desc: true },
  empty: emptyState('Nothing came in this range', 'Choose a longer one, or see Sources for how to send a first event.', { text: 'Sources', href: '/sources' }),
  columns: [
    { key: 'source', name: 'Source' }, { key: 'accepted', name: 'Accepted', kind: 'number' }, { key: 'loaded', name: 'Loaded', kind: 'number' },
    { key: 'duplicate', name: 'Duplicate', kind: 'number' }, { key: 'dead', name: 'Dead', kind: 'number' },
    { key: 'rate', name: 'Dead of all', kind: 'share', value: (r) => (r.accepted ? r.dead / r.accepted : 0) },
  ],
})
const deadTable = table(byId('dead'), {
  caption: 'Dead letters by reason', file: 'dead-letters', what: ['reason', 'reasons'], sort: { key: 'letters', desc: true },
  key: (r) => `${r.reason}\n${r.source}`,
  empty: emptyState('No dead letters', 'Every event of this range could be loaded. One that cannot is kept here with its bytes and the reason, and can be replayed when the reason is gone.'),
  onRow: (r) => state.set({ reason: r.reason, source: r.source }),
  columns: [
    { key: 'reason', name: 'Reason' }, { key: 'source', name: 'Source' }, { key: 'letters', name: 'Letters', kind: 'number' },
    { key: 'latest', name: 'Latest', kind: 'time' },
  ],
})
const loadsTable = table(byId('loads'), {
  caption: 'Latest loads', file: 'loads', what: ['load', 'loads'], first: 12, empty: emptyState('Nothing was loaded yet', 'A second after the first event its load stands here.'),
  columns: [
    { key: 'at', name: 'Committed', kind: 'time' }, { key: 'loaded', name: 'Rows', kind: 'number' }, { key: 'duplicate', name: 'Duplicate', kind: 'number' },
    { key: 'dead', name: 'Dead', kind: 'number' }, { key: 'id', name: 'Load', kind: 'code' },
  ],
})

function draw(p) {
  const { points, sums, sources, total } = buckets(p)
  const write = { minute: format.minute, hour: format.date, day: (t) => format.date(t).split(',')[0] }[p.interval]
  const sum = (values) => values.reduce((a, b) => a + b, 0)
  ledger.draw({
    kind: 'bar', points, short: (t) => write(new Date(Number(t))), long: (t) => format.moment(new Date(Number(t))),
    series: [['loaded', 'loaded'], ['duplicate', 'duplicate'], ['dead', 'dead letters']].map(([key, name]) => ({ key, name, values: sums[key], total: sum(sums[key]) })),
  })
  const owed = total.accepted - total.loaded - total.duplicate - total.dead
  put(byId('ledger-sum'), `${format.count(total.accepted)} accepted = ${format.count(total.loaded)} loaded + ${format.count(total.duplicate)} duplicate + ${format.count(total.dead)} dead${owed ? ` and ${format.count(owed)} that the ledger owes` : ''}`)
  sourcesTable.show(sources)
  deadTable.show(p.dead)
  show(byId('replay'), p.dead.length > 0)
  commit = p.loads[0] ?? null
  loadsTable.show(p.loads)
}

const asked = () => {
  const { from, to } = resolve(state.now.range)
  return { from: from.toISOString(), to: to.toISOString() }
}
const refresh = () => view.run(async ({ signal }) => {
  const found = await fetchJSON('/api/pipeline', { params: asked(), signal })
  return () => draw(found)
})
refresh()
setInterval(() => { if (!document.hidden && !view.busy()) refresh() }, refreshEvery)

// The letters of one reason.
const letters = answers(byId('letters'), { what: 'Reading the letters' })
function readable(raw) {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2)
  } catch {
    return raw
  }
}
function letterOf(l) {
  const when = make('time', '', format.moment(new Date(l.received_at)))
  when.title = format.utc(new Date(l.received_at))
  const facts = make('dl', 'pairs')
  const fact = (name, ...value) => facts.append(make('dt', '', name), make('dd', '', '', ...value))
  const trace = make('a', 'mono', l.message_id)
  trace.href = `/trace?id=${encodeURIComponent(l.message_id)}&at=${encodeURIComponent(l.received_at)}`
  if (l.message_id) fact('Message id', trace)
  fact('Protocol', l.protocol)
  fact('Record', `shard ${l.shard}, position ${l.position}, event ${l.index}`)
  if (l.loaded_at) fact('Since then', `an event of this id was loaded at ${format.moment(new Date(l.loaded_at))}`)
  if (l.request) fact('Request', make('span', 'mono', l.request))
  const raw = make('pre', 'code-block wrap', readable(l.raw) || 'no bytes were kept')
  raw.tabIndex = 0
  raw.setAttribute('aria-label', 'What was sent')
  const summary = make('summary', '', '', when, make('span', '', l.detail), make('span', 'sub', `${l.source} · ${format.bytes(l.bytes)}`))
  if (l.loaded_at) summary.append(make('span', 'tag', 'loaded since'))
  return make('details', 'letter', '', summary, facts, raw)
}
function showLetters() {
  const { reason, source } = state.now
  show(byId('letters-part'), Boolean(reason))
  deadTable.select(reason ? `${reason}\n${source}` : null)
  if (!reason) return letters.cancel()
  put(byId('letters-of'), `${reason}${source ? `, of ${source}` : ''}, the newest 20`)
  letters.run(async ({ signal }) => {
    const found = await fetchJSON('/api/dead-letters', { params: { ...asked(), reason, source, limit: 20 }, signal })
    return () => {
      letters.body.replaceChildren(...(found.length ? found.map(letterOf) : [emptyState('None in this range', 'Choose a longer one.')]))
      if (found.length) letters.body.firstElementChild.open = true
    }
  })
}
byId('letters-close').addEventListener('click', () => state.set({ reason: '', source: '' }))
showLetters()
state.on((now, before) => {
  if (now.range !== before.range) {
    ranges.set({ range: now.range })
    refresh()
  }
  showLetters()
  if (now.reason && now.reason !== before.reason) byId('letters-part').scrollIntoView({ block: 'nearest' })
})

// The audit of the range.
const audit = answers(byId('audit-said'), { what: 'Comparing what was accepted with what is in the tables' })
byId('audit').addEventListener('click', () => audit.run(async ({ signal }) => {
  const report = await fetchJSON('/api/audit', { params: { ...asked(), wait: '10s' }, signal })
  return () => {
    const lines = report.checks.map((c) => make('p', 'check-line', '', make('span', c.ok ? 'good' : 'bad', c.ok ? '✓' : '✗'), make('span', '', c.name), make('span', '', c.detail)))
    const title = make('p', '', report.equal ? 'Nothing is missing, nothing is doubled.' : `Not equal: ${format.count(report.missing)} missing, ${format.count(report.doubled)} doubled.`)
    title.id = 'audit-result'
    title.className = report.equal ? '' : 'warn'
    audit.body.replaceChildren(title, ...lines)
  }
}))

// The replay: first what would happen, then, if somebody wants it, that.
async function replay(ask, signal, progress) {
  let last = null
  await fetchLines('/api/replay', { body: ask, signal }, (line) => {
    if (line.error) throw new Fault(line.error, line.code)
    last = line
    progress(`${format.count(line.letters)} of ${format.plural(line.total, 'letter', 'letters')}…`, line.total ? line.letters / line.total : undefined)
  })
  if (!last?.done) throw new Fault('The connection ended before the replay did. It can be run again.', 'network')
  return last
}

byId('replay').addEventListener('click', () => {
  const { reason, source } = state.now
  const ask = { ...asked(), ...(reason ? { reason, source } : {}) }
  const box = make('div')
  const of = reason ? `those that died of ${reason}${source ? ` from ${source}` : ''}` : 'all dead letters of this range'
  const open = dialog({
    title: 'Replay dead letters',
    body: [make('p', 'ask', `Judges ${of} anew, and puts those that load now on the stream, with their original bytes. What is in the warehouse already is left out, so this can be run again.`), box],
  })
  open.element.classList.add('wide')
  const judged = answers(box, { what: 'Judging them anew' })
  const leave = button('Close', () => open.close())
  const go = button('Replay', () => run(), 'button main')
  go.disabled = true
  open.row.append(leave, go)
  judged.run(async ({ signal, progress }) => {
    const report = await replay({ ...ask, dry_run: true }, signal, progress)
    return () => {
      const said = make('p', '', report.loads ? `${format.plural(report.loads, 'event', 'events')} would load now.` : 'None of them would load now: nothing needs to be replayed.')
      said.id = 'replay-said'
      const list = make('div', 'replay-table')
      judged.body.replaceChildren(said, list)
      table(list, {
        caption: 'What would happen', file: 'replay', what: ['reason', 'reasons'],
        columns: [
          { key: 'reason', name: 'Reason' }, { key: 'letters', name: 'Letters', kind: 'number' }, { key: 'loads', name: 'Would load', kind: 'number' },
          { key: 'already', name: 'Loaded', title: 'In the warehouse already', kind: 'number' }, { key: 'dead', name: 'Would die', kind: 'number' }, { key: 'lost', name: 'No bytes', kind: 'number' },
        ],
      }).show(report.reasons)
      go.disabled = report.loads === 0
      put(go, report.loads ? `Replay ${format.plural(report.loads, 'event', 'events')}` : 'Replay')
      if (report.loads) go.focus()
    }
  })
  function run() {
    go.disabled = true
    judged.run(async ({ signal, progress }) => {
      const report = await replay({ ...ask, dry_run: false }, signal, progress)
      return () => {
        open.close()
        toast(`${format.plural(report.sent, 'event is', 'events are')} on the stream, and a moment later in the warehouse.`)
        setTimeout(refresh, 1500)
      }
    })
  }
  open.closed.then(() => judged.cancel())
})

put(byId('zone'), `Times in ${format.zone()}`)
