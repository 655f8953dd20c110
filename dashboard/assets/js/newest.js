// The newest events as they are accepted. However many there are, they are put on the page once a frame, and no more
// than a fixed number is kept.
import * as format from './format.js'
import { connect } from './connect.js'
import { byId, make, mark, put, setting, show } from './dom.js'
import { preview } from './preview.js'

const keep = 200
const atFirst = 50 // of the last hour, from the warehouse
const sample = 20 // events a second; the server leaves out the rest
const typingPause = 250
const underWay = 1500 // ms in which what was accepted is in the warehouse, as a rule
const drawEvery = 150 // ms at least: more often than that nobody can read

/** fits tells whether an event passes the filter, as the server would. */
export function fits(item, { text, name, source, refused }) {
  if (source && item.source !== source) return false
  if (name && item.event !== name) return false
  if (refused && !item.refused) return false
  return !text || JSON.stringify(item).toLowerCase().includes(text.toLowerCase())
}

const keyOf = (item) => `${item.source}\n${item.message_id}`

/** newest runs the list; first() is called at the first event. It gives pick(name) and know(snapshot). */
export function newest(first) {
  const box = byId('rows')
  const list = box.querySelector('ol')
  const none = byId('rows-none')
  const pause = byId('pause')
  const form = byId('filters')
  const sub = byId('newest-sub')
  const fields = form.elements

  let waiting = [] // not on the page yet, the oldest first
  let missed = 0 // came while paused, those that waiting let go of included
  let paused = false
  let byReading = false // paused because an event was opened
  let frame = 0 // or the timer that waits to ask for one
  let drawnAt = -drawEvery
  let timer = 0
  let lost = false
  let away = false // there was no connection before this one
  let asked = 0 // how often the warehouse was
  let later = 0 // the timer that asks it once more
  let owed = false // it is to be asked when the list goes on
  const early = new Set() // what the warehouse told of, and the stream may tell of yet

  for (const name of ['text', 'name']) fields[name].value = setting.get(name)
  fields.refused.checked = setting.get('refused') === '1'
  if (setting.get('source')) fields.source.append(new Option(setting.get('source'), setting.get('source'), true, true))

  const filter = () => ({
    text: fields.text.value.trim(), name: fields.name.value.trim(), source: fields.source.value, refused: fields.refused.checked,
  })
  const url = () => {
    const { text, name, source, refused } = filter()
    const query = new URLSearchParams({ sample })
    if (text) query.set('text', text)
    if (name) query.set('event', name)
    if (source) query.set('source', source)
    if (refused) query.set('refused', 'true')
    return `/api/tail?${query}`
  }

  const stream = connect(url, {
    event(item) {
      if (early.delete(keyOf(item))) return
      waiting.push(item)
      if (waiting.length > keep) waiting.shift()
      if (paused) missed++
      first()
      schedule()
    },
  }, (state) => {
    // What came while nobody listened is fetched from the warehouse: at once, and when what was under way is there.
    mark(box, 'data-stream', state)
    if (state === 'open') {
      if (away) fetchOld()
      clearTimeout(later)
      later = setTimeout(fetchOld, underWay)
    }
    if (state !== 'connecting') away = state !== 'open'
    lost = state === 'lost'
    schedule()
  })

  /** fetchOld puts what the warehouse has of the last hour into its place in the list. */
  async function fetchOld() {
    const mine = ++asked
    const { name, source, refused } = filter()
    if (refused) return
    owed = paused
    if (paused) return
    const query = new URLSearchParams({ limit: atFirst })
    if (name) query.set('event', name)
    if (source) query.set('source', source)
    const response = await fetch(`/api/newest?${query}`).catch(() => null)
    if (!response?.ok) return
    const old = await response.json()
    if (mine !== asked) return
    owed = paused
    if (paused) return
    if (early.size > keep) early.clear()
    const have = new Set([...[...list.children].map((li) => li.dataset.key), ...waiting.map(keyOf)])
    let below = list.firstElementChild
    for (const item of old) {
      if (have.has(keyOf(item)) || !fits(item, filter())) continue
      const at = Date.parse(item.received_at)
      while (below && Number(below.dataset.at) >= at) below = below.nextElementSibling
      list.insertBefore(row(item), below)
      early.add(keyOf(item))
    }
    trim()
    schedule()
  }
  fetchOld()

  function schedule() {
    if (frame) return
    const wait = drawnAt + drawEvery - performance.now()
    frame = wait > 0 ? setTimeout(() => (frame = requestAnimationFrame(draw)), wait) : requestAnimationFrame(draw)
  }

  function draw() {
    frame = 0
    drawnAt = performance.now()
    put(pause.firstElementChild, paused ? (missed ? `Resume · ${format.count(missed)} new` : 'Resume') : 'Pause')
    mark(pause, 'aria-pressed', paused)
    if (!paused && waiting.length) {
      const rows = document.createDocumentFragment()
      for (const item of waiting.toReversed()) rows.append(row(item))
      waiting = []
      list.prepend(rows)
      trim()
    }
    show(none, list.children.length === 0)
    const { text, name, source, refused } = filter()
    const filtered = text || name || source || refused
    put(none, filtered ? 'Nothing that fits has come in the last hour.' : 'Nothing has come in the last hour.')
    put(sub, lost ? 'reconnecting…' : filtered ? `up to ${sample} a second of those that fit` : `up to ${sample} a second, as they are accepted`)
  }

  function trim() {
    while (list.children.length > keep) list.lastElementChild.remove()
  }

  function row(item) {
    const at = new Date(item.received_at)
    const when = make('time', '', format.precise(at))
    when.dateTime = item.received_at
    when.title = format.utc(at)
    const source = make('span', 'source cut', item.source)
    source.title = item.source
    const what = item.event ?? ''
    const name = make('span', 'name cut')
    if (item.type !== 'track' || !what) name.append(make('span', 'type', item.type || 'no type'))
    if (what) name.append(make('span', 'type-of', what))
    name.title = `${item.type ?? ''} ${what}`.trim()
    const who = item.user_id || item.anonymous_id || ''
    const person = make('span', item.user_id ? 'person cut' : 'person cut anonymous', who)
    person.title = who
    const rest = make('span', 'rest cut')
    if (item.refused) {
      rest.append(make('strong', 'refused', `refused: ${item.refused}`), ` ${item.detail ?? ''}`)
      rest.title = item.detail ?? ''
    } else {
      rest.textContent = preview(item)
    }
    const button = make('button', 'line', '', when, source, name, person, rest)
    button.type = 'button'
    button.setAttribute('aria-expanded', 'false')
    const element = make('li', '', '', button)
    element.dataset.key = keyOf(item)
    element.dataset.at = at.getTime()
    button.addEventListener('click', () => open(element, button, item))
    return element
  }

  function open(element, button, item) {
    const shown = element.querySelector('pre')
    button.setAttribute('aria-expanded', String(!shown))
    if (shown) {
      shown.remove()
      if (byReading && !list.querySelector('pre')) setPaused(false)
      return
    }
    const text = make('pre', '', JSON.stringify(item, null, 2))
    text.tabIndex = 0
    text.setAttribute('aria-label', 'The event as JSON')
    element.append(text)
    if (!paused) {
      setPaused(true)
      byReading = true
    }
  }

  function setPaused(now) {
    paused = now
    byReading = false
    missed = now ? waiting.length : 0
    if (!now && owed) fetchOld()
    schedule()
  }
  pause.addEventListener('click', () => setPaused(!paused))

  function refilter() {
    const now = filter()
    setting.set({ text: now.text, name: now.name, source: now.source, refused: now.refused ? '1' : '' })
    list.replaceChildren()
    waiting = []
    missed = 0
    early.clear()
    away = true
    stream.again()
    fetchOld()
    schedule()
  }
  form.addEventListener('submit', (e) => e.preventDefault())
  form.addEventListener('input', (e) => {
    clearTimeout(timer)
    timer = setTimeout(refilter, e.target.type === 'search' ? typingPause : 0)
  })

  return {
    /** pick shows the events of one name only. */
    pick(name) {
      fields.name.value = fields.name.value === name ? '' : name
      refilter()
      byId('newest-title').scrollIntoView({ block: 'nearest' })
    },
    /** know takes the names and sources of a snapshot into the form. */
    know(s) {
      options(fields.source, [...new Set(s.minutes.map((m) => m.source))].sort(), 1)
      options(byId('name-list'), s.names.filter((n) => n.event).map((n) => n.event), 0)
    },
  }
}

/** options adds those to a list that it lacks, behind the first ones that stay. */
function options(list, values, first) {
  const have = new Set([...list.children].slice(first).map((o) => o.value))
  for (const v of values) if (!have.has(v)) list.append(new Option(v, v))
}
