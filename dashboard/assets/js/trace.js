// The page Trace: a message id in, and what became of the event.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { answers, emptyState, fetchLines, Fault } from './parts/ask.js'
import { urlState } from './parts/url-state.js'
import { story } from './story.js'

const state = urlState({ id: '', at: '', all: '' })
const field = byId('id')
const view = answers(byId('answer'), { what: 'Asking the warehouse', pale: false })

const teach = () => emptyState('Paste the message id of an event', [
  'Every event has one: the SDK makes it and sends it as messageId, and Live and Tail show it. It tells whether the event came, whether it is still in the stream, in which row it ended, that it was dropped as a retry, or why it could not be loaded.',
  'An event that came without an id got one at the door; it stands in the column message_id.',
])

const when = (t) => {
  const made = make('time', '', format.exact(new Date(t)))
  made.dateTime = t
  made.title = format.utc(new Date(t))
  return made
}
const between = (a, b) => format.duration(Math.max(0, Date.parse(b) - Date.parse(a)) / 1000)

function step(kind, time, title, ...more) {
  const made = make('li', '', '', time ? when(time) : make('span'), make('div', '', '', make('strong', '', title), ...more))
  made.dataset.kind = kind
  return made
}
const remark = (text) => make('p', '', text)
function json(label, value) {
  const text = make('pre', 'code-block wrap', typeof value === 'string' ? value : JSON.stringify(value, null, 2))
  text.tabIndex = 0
  text.setAttribute('aria-label', label)
  return make('details', 'figures', '', make('summary', '', label), text)
}

const titles = {
  loaded: 'It is in the warehouse', flight: 'It was accepted, and is on its way to the warehouse', dead: 'It came, and could not be loaded',
  passed: 'It passed the stream, and is not in the warehouse', unknown: 'No event of this id has come', searching: 'It is not in the warehouse. Looking through the stream…',
}

function drawStep(s, known) {
  const of = ` by source ${s.source}`
  switch (s.kind) {
    case 'accepted':
      return step('done', s.at, `Accepted${of}`, remark(`${s.row.protocol}${s.copy ? `; in the stream ${between(s.at, s.copy.taken_at)} later: shard ${s.copy.shard}, position ${s.copy.position}` : '; the stream has forgotten its record since, as it does with what is loaded'}`))
    case 'loaded': {
      const minute = known.minutes.find((m) => m.source === s.source && Date.parse(m.minute) === Math.floor(Date.parse(s.row.received_at) / 60_000) * 60_000)
      const details = [remark(`as ${format.nameOf(s.row.type, s.row.event)}${s.row.loaded_at ? `, ${between(s.row.received_at, s.row.loaded_at)} after it came` : ''}, in load ${s.row.load_id}${s.row.marks ? `; marked ${s.row.marks}` : ''}`)]
      if (minute) details.push(remark(`Its minute in the ledger: ${format.count(minute.accepted)} accepted = ${format.count(minute.loaded)} loaded + ${format.count(minute.duplicate)} duplicate + ${format.count(minute.dead)} dead`))
      const who = s.row.user_id || s.row.anonymous_id
      if (who) {
        const to = make('a', '', who)
        to.href = `/people?person=${encodeURIComponent(who)}`
        details.push(make('p', '', '', 'Person ', to))
      }
      return step('done', s.row.loaded_at, 'Loaded', ...details, json('The row', s.row))
    }
    case 'dead': {
      const back = make('a', '', 'Pipeline')
      back.href = `/pipeline?range=30d&reason=${encodeURIComponent(s.letter.reason)}&source=${encodeURIComponent(s.letter.source)}`
      return step('dead', s.at, `Dead letter${of}: ${s.letter.reason}`, remark(s.letter.detail),
        make('p', '', '', s.letter.loaded_at ? `An event of its id was loaded at ${format.moment(new Date(s.letter.loaded_at))}. ` : 'Its bytes are kept: when the reason is gone it can be replayed from ', ...(s.letter.loaded_at ? [] : [back, '.'])),
        json('What was sent', s.letter.raw))
    }
    case 'flight':
      return step('flight', s.at, `Accepted${of}; in the stream`, remark(`shard ${s.copy.shard}, position ${s.copy.position}, since ${format.moment(new Date(s.copy.taken_at))}; the loader has not come to it yet`))
    case 'duplicate':
      return step('', s.at, `Came again${of}: dropped as a duplicate`, remark(`shard ${s.copy.shard}, position ${s.copy.position}. A client that heard no answer sends again; the first of them is the row.`))
    case 'refused':
      return step('dead', s.at, `Came${of}, and cannot be loaded: ${s.copy.refused}`, remark(s.copy.detail ?? ''))
  }
  return step('', s.at, `Came${of}`, remark(`shard ${s.copy.shard}, position ${s.copy.position}. The loader has passed it, and the warehouse has no row of it: it may have been erased.`))
}

// lookedAt says which of the warehouse's events were looked at, and offers the others.
function lookedAt(known) {
  const { looked_from: from, looked_to: to } = known
  if (!from && !to) return []
  const moment = (t) => format.moment(new Date(t))
  const when = from && to ? `between ${moment(from)} and ${moment(to)}` : from ? `since ${moment(from)}` : `before ${moment(to)}`
  const made = known.made_at ? ` The id was made at ${moment(known.made_at)}.` : ''
  const all = make('button', 'button small', 'Look through all')
  all.type = 'button'
  all.addEventListener('click', () => state.set({ all: 'true' }))
  const said = make('p', 'sub', '', `In the warehouse, what came ${when} was looked through.${made} `, all)
  said.id = 'looked'
  return [said]
}

function draw(id, known, found, searched, fault) {
  const { verdict, steps } = story(known, found, searched)
  const title = make('h2', '', titles[verdict])
  title.id = 'verdict'
  title.dataset.verdict = verdict
  const head = make('div', 'verdict', '', title)
  if (verdict === 'unknown') {
    head.append(make('p', '', 'Neither the warehouse nor what the stream still holds knows it. Compare the id letter by letter; see whether the SDK sends to this server and with a write key that it knows; and that its queue was flushed.'))
  }
  const list = make('ol', 'steps', '', ...steps.map((s) => drawStep(s, known)))
  const note = make('p', 'sub searching')
  note.id = 'searched'
  if (fault) put(note, `The stream could not be looked through to the end: ${fault}.`)
  else if (searched) {
    put(note, `${searched.done ? 'Looked through' : 'Looking through'} the stream${searched.from ? ` from ${format.moment(new Date(searched.from))}` : ''}: ${format.plural(searched.records, 'record', 'records')}, ${format.plural(searched.events, 'event', 'events')}${searched.done ? '. Retries that came before that are not known any more.' : '…'}`)
  }
  show(list, steps.length > 0)
  const range = lookedAt(known)
  const open = new Set([...view.body.querySelectorAll('details[open]')].map((d) => d.firstElementChild.textContent))
  view.body.replaceChildren(head, list, ...range, note)
  for (const d of view.body.querySelectorAll('details')) d.open = open.has(d.firstElementChild.textContent)
}

function run() {
  const { id, at, all } = state.now
  field.value = id
  document.title = id ? `${id} · Trace · Spoor` : 'Trace · Spoor'
  if (!id) {
    view.cancel()
    view.body.replaceChildren(teach())
    return
  }
  view.run(async ({ signal, progress }) => {
    let known = null
    const found = []
    let searched = null
    let fault = ''
    const now = () => { if (!signal.aborted && known) draw(id, known, found, searched, fault) }
    await fetchLines('/api/trace', { params: { id, ...(at && { at }), ...(all && { all }) }, signal }, (line) => {
      if (line.warehouse) known = line.warehouse
      if (line.found) found.push(line.found)
      if (line.searched) searched = line.searched
      if (line.error) fault = line.error
      progress('Looking through the stream…')
      now()
    })
    if (!known) throw new Fault('The connection ended before the answer did.', 'network')
    return now
  })
}

byId('look').addEventListener('submit', (e) => {
  e.preventDefault()
  const id = field.value.trim()
  if (id === state.now.id) run()
  else state.set({ id, at: '', all: '' })
})
state.on(run)
run()
if (!state.now.id) field.focus()
put(byId('zone'), `Times in ${format.zone()}`)
