// The page Alerts: all of them, or one with who is told and when it fired.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { Fault, answers, button, emptyState, fetchJSON } from './parts/ask.js'
import { alertForm, fineText, written } from './parts/alert-form.js'
import { confirm } from './parts/dialog.js'
import { change, discard } from './parts/keep.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'
import { urlState } from './parts/url-state.js'

const state = urlState({ id: '' })
const again = 15_000 // how often they are looked at
const pages = { trend: '/trends', funnel: '/funnels', retention: '/retention' }
const words = { ok: 'OK', firing: 'Firing', learning: 'Learning', paused: 'Paused', no_data: 'No data', fault: 'Cannot be evaluated' }
const urgent = ['firing', 'fault', 'no_data', 'learning', 'ok', 'paused']

/** tried does something, and says what went wrong. */
async function tried(act) {
  try {
    return await act()
  } catch (err) {
    toast(err.code === 'conflict' ? 'Somebody else has changed it meanwhile. Load the page again.' : err.message, { kind: 'bad' })
    return null
  }
}

const since = (t) => format.date(new Date(t))
const timeOf = (t) => {
  const made = make('time', '', since(t))
  made.dateTime = t
  made.title = format.utc(new Date(t))
  return made
}
function chip(status) {
  const made = make('span', 'status', words[status] ?? status)
  made.dataset.status = status
  return made
}
const fineOf = (a) => fineText(a, a.kind)
const silentOf = (a) => (a.silent ?? []).filter((s) => s.status === 'firing')
const silentWords = (s) => `${s.event || s.type} from ${s.source}: none since ${since(s.since)}; usually ${format.count(Math.round(s.usual))} in ${s.hours === 1 ? 'this hour' : 'a day'}`

/** nowOf is the number now, beside what is fine; of tracking, what is silent. */
function nowOf(a) {
  if (a.value === undefined && a.kind === 'count' && !fineOf(a)) {
    const silent = silentOf(a)
    return silent.length ? make('p', 'sub', silent.length === 1 ? silentWords(silent[0]) : `${silent.length} events have stopped coming`) : ''
  }
  return make('p', '', '', make('span', 'value', written(a.value, a.kind)), make('span', 'sub', fineOf(a) ? `${/usual at this hour$/.test(a.watches) ? 'usual' : 'fine'} is ${fineOf(a)}` : ''))
}

const problems = (a) => [a.fault, a.undelivered && `Not delivered: ${a.undelivered}`, a.waiting ? `${format.plural(a.waiting, 'notification waits', 'notifications wait')} to be delivered` : '']
  .filter(Boolean).map((text) => make('p', 'alert-problem', text))

// All of them.
const listView = answers(byId('list'), { what: 'Reading the alerts', pale: false })
const rowsBox = make('ul', 'alerts')
const hint = emptyState('Be told when a number goes wrong', [
  'Open a trend, a funnel or a retention and press “Alert me”, or make an alert here: on a number of a saved report or on how often an event comes, against a number or against what is usual at this hour.',
])
hint.append(button('New alert', () => make_(), 'button main'))
listView.body.replaceChildren(rowsBox, hint)

function row(a) {
  const link = make('a', '', a.name)
  link.href = state.link({ id: a.id })
  link.addEventListener('click', (press) => {
    if (press.metaKey || press.ctrlKey || press.shiftKey) return
    press.preventDefault()
    state.set({ id: a.id })
  })
  const made = make('li', 'alert-row', '',
    make('div', 'alert-what', '', make('h3', '', '', link), make('p', 'sub', a.watches), ...problems(a)),
    make('p', 'alert-stand', '', chip(a.status), make('span', 'sub', 'since '), timeOf(a.since)),
    make('div', 'alert-now', '', nowOf(a)),
    make('p', 'alert-tells sub', a.notify.length ? `tells ${a.notify.join(', ')}` : 'tells nobody'))
  made.dataset.status = a.status
  return made
}

function drawAll(list) {
  const sorted = [...list].sort((a, b) => urgent.indexOf(a.status) - urgent.indexOf(b.status) || a.name.localeCompare(b.name))
  const focused = document.activeElement?.closest?.('.alert-row a')?.href
  rowsBox.replaceChildren(...sorted.map(row))
  if (focused) [...rowsBox.querySelectorAll('a')].find((a) => a.href === focused)?.focus()
  show(hint, list.every((a) => a.version === 0))
}

// One of them.
const detail = answers(byId('detail'), { what: 'Reading the alert', pale: false })
const historyTable = make('div')
let shown = null // the alert that is looked at
let drawnWho = ''
let drawnHistory = ''
byId('history').append(historyTable)

const edit = button('Change', () => tried(async () => {
  const made = await alertForm({ document: await saved(shown) })
  if (made) {
    toast(`“${made.name}” is changed; it begins anew.`)
    await look()
  }
}), 'button small')
const pause = button('Pause', () => tried(async () => {
  const document_ = await saved(shown)
  const { paused, ...body } = document_.body
  if (document_.version === 0) await fetchJSON(`/api/saved/alerts/${encodeURIComponent(document_.id)}`, { method: 'PUT', headers: { 'If-None-Match': '*' }, body: { name: document_.name, body: { ...body, paused: true } } })
  else await change('alerts', document_, { body: paused ? body : { ...body, paused: true } })
  toast(paused ? `“${document_.name}” watches again.` : `“${document_.name}” is paused.`)
  await look()
}), 'button small')
const remove = button('Remove', () => tried(async () => {
  const tracking = shown.id === 'tracking'
  const text = tracking ? 'What was said about it goes. Tracking is watched on, and nobody is told.' : 'Nobody is told of it any more, and its history goes.'
  if (!(await confirm({ title: `Remove the alert “${shown.name}”?`, text, yes: 'Remove', danger: true }))) return
  await discard('alerts', await saved(shown))
  toast(`“${shown.name}” is removed.`)
  state.set({ id: '' })
}), 'button small danger')
byId('actions').append(edit, pause, remove)
byId('tools').append(button('New alert', () => make_(), 'button main'))

async function make_() {
  const made = await tried(() => alertForm())
  if (!made) return
  toast(`“${made.name}” is watched.`)
  state.set({ id: made.id })
}

/** saved gives an alert as it is kept; the one about tracking need not be. */
async function saved(a) {
  if (a.version === 0) return { id: a.id, name: a.name, version: 0, body: { tracking: true } }
  return fetchJSON(`/api/saved/alerts/${encodeURIComponent(a.id)}`)
}

function fact(name, ...of) {
  return [make('dt', '', name), make('dd', '', '', ...of)]
}

function drawOne(a, report) {
  shown = a
  show(byId('actions'), true)
  put(byId('name'), a.name)
  document.title = `${a.name} · Spoor`
  byId('stands').replaceChildren(chip(a.status))
  put(pause, a.status === 'paused' || a.paused ? 'Resume' : 'Pause')
  show(remove, a.version > 0)
  const watches = [make('span', '', a.watches)]
  if (report) {
    const link = make('a', '', 'open the report')
    link.href = `${pages[report.body.question]}?report=${encodeURIComponent(report.id)}`
    watches.push(' · ', link)
  }
  const facts = [...fact('Watches', ...watches), ...fact({ firing: 'Fires since', ok: 'OK since' }[a.status] ?? 'Since', timeOf(a.since))]
  if (a.value !== undefined || a.status === 'no_data') facts.push(...fact('Now', make('strong', '', a.value === undefined ? 'no value' : written(a.value, a.kind))))
  if (fineOf(a)) facts.push(...fact(/usual at this hour$/.test(a.watches) ? 'Usual is' : 'Fine is', fineOf(a)))
  if (a.streak) facts.push(...fact('Against it', `${format.plural(a.streak, 'look', 'looks')} in a row ${a.status === 'firing' ? 'were fine' : 'were not fine'}`))
  if (a.evaluated) facts.push(...fact('Looked at', 'up to ', timeOf(a.evaluated)))
  const silent = silentOf(a)
  detail.body.replaceChildren(
    ...problems(a), make('dl', 'pairs alert-facts', '', ...facts),
    ...(silent.length ? [make('div', 'silent-list', '', make('p', 'title', 'These events normally come, and have stopped coming'), make('ul', '', '', ...silent.map((s) => make('li', '', silentWords(s)))))] : []))
  drawWho(a)
  drawHistory(a)
}

function drawWho(a) {
  const text = JSON.stringify([a.id, a.notify])
  if (text === drawnWho) return
  drawnWho = text
  if (!a.notify.length) {
    byId('who').replaceChildren(make('p', 'none', 'Nobody: it is shown on the pages, and logged. “Change” adds webhooks and mailboxes.'))
    return
  }
  byId('who').replaceChildren(make('ul', 'tells', '', ...a.notify.map((to, i) => {
    const result = make('span', 'receiver-result')
    result.setAttribute('role', 'status')
    const test = button('Test', async () => {
      test.disabled = true
      put(result, 'Telling it…')
      result.dataset.kind = ''
      try {
        const { results: [r] } = await fetchJSON(`/api/alerts/${encodeURIComponent(a.id)}/test`, { params: { receiver: i }, body: {} })
        put(result, r.ok ? `Told at ${format.clock(new Date())}` : r.error)
        result.dataset.kind = r.ok ? 'good' : 'bad'
      } catch (err) {
        put(result, err.message)
        result.dataset.kind = 'bad'
      }
      test.disabled = false
    }, 'button small')
    test.setAttribute('aria-label', `Test ${to}`)
    return make('li', '', '', make('span', 'tells-who', to), test, result)
  })))
}

function drawHistory(a) {
  const text = JSON.stringify([a.id, a.history])
  if (text === drawnHistory) return
  drawnHistory = text
  const tracking = a.history.some((e) => e.event)
  table(historyTable, {
    caption: 'When it fired', file: `alert ${a.name}`, what: ['time', 'times'], first: 50, sort: { key: 'since', desc: true },
    empty: make('p', 'none', 'It has not fired yet.'),
    columns: [
      { key: 'since', name: 'From', kind: 'time', text: since },
      { key: 'until', name: 'To', kind: 'time', none: 'still', text: since },
      { key: 'lasted', name: 'Lasted', kind: 'duration', value: (e) => (e.until ? (new Date(e.until) - new Date(e.since)) / 1000 : null), none: '' },
      ...(tracking ? [{ key: 'event', name: 'Event', value: (e) => (e.event ? `${e.event.event || e.event.type} from ${e.event.source}` : '') }] : [
        { key: 'value', name: 'Was', kind: 'number', text: (v) => written(v, a.kind) },
        { key: 'fine', name: 'Fine was', value: (e) => fineText(e, a.kind) },
      ]),
    ],
  }).show(a.history)
}

let last = ''
/** look reads how the alerts stand, and draws what has changed. */
function look() {
  const { id } = state.now
  show(byId('all'), !id)
  show(byId('one'), Boolean(id))
  return (id ? detail : listView).run(async ({ signal }) => {
    const { alerts } = await fetchJSON('/api/alerts', { signal })
    const one = id && alerts.find((a) => a.id === id)
    if (id && !one) throw new Fault('There is no such alert, or not any more.', 'not_found')
    const report = one?.report ? await fetchJSON(`/api/saved/reports/${encodeURIComponent(one.report)}`, { signal }).catch(() => null) : null
    return () => {
      const text = JSON.stringify([id, alerts, report])
      if (text === last) return
      last = text
      if (id) return void drawOne(one, report)
      document.title = 'Alerts · Spoor'
      drawAll(alerts)
    }
  })
}

byId('show-key').addEventListener('click', () => tried(async () => {
  put(byId('webhook-key'), (await fetchJSON('/api/alerts/key')).key)
  show(byId('webhook-key'), true)
  show(byId('show-key'), false)
}))
state.on(() => {
  // What was looked at before must not be taken for what is looked at now.
  shown = null
  last = drawnWho = drawnHistory = ''
  show(byId('actions'), false)
  put(byId('name'), '')
  for (const box of [byId('stands'), byId('who'), historyTable, detail.body]) box.replaceChildren()
  look()
})
look()
setInterval(() => { if (!document.hidden && !document.querySelector('dialog[open]')) look() }, again)
