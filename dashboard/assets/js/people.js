// The page People: a list that can be searched, and one person: traits, devices, and what they did.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { preview, titleOf } from './preview.js'
import { answers, button, emptyState, fetchJSON } from './parts/ask.js'
import { cohortLink } from './parts/cohorts.js'
import { eventOptions, fieldOptions } from './parts/known.js'
import { filters } from './parts/filters.js'
import { keepCohort } from './parts/keep-cohort.js'
import { picker } from './parts/picker.js'
import { range } from './parts/range.js'
import { valuesOfAll } from './parts/selection.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'
import { urlState } from './parts/url-state.js'

const atOnce = 100
const visitGap = 30 * 60_000 // a longer pause is shown in a timeline

const state = urlState({ range: '30d', search: '', event: '', type: '', where: null, person: '' })
const selection = ({ event, type }) => (event ? { event } : type ? { type } : undefined)

const ranges = range(byId('range'), {
  value: { range: state.now.range }, interval: false, zone: false, onChange: ({ range }) => state.set({ range }),
  only: ['24h', '7d', '14d', '30d', '90d', '12w', '12m'],
})
const search = byId('search')
const event = picker(byId('event'), {
  label: 'Who did', placeholder: 'Anything', value: state.now.event, any: true, options: eventOptions,
  onPick: (name) => state.set({ event: name, type: '' }),
})
const where = filters(byId('filter'), {
  label: 'Filter', value: state.now.where, fields: fieldOptions, values: valuesOfAll, onChange: (tree) => state.set({ where: tree }),
})

const keep = button('Save as a cohort', async () => {
  const point = question(0)
  const made = await keepCohort({ point, remark: state.now.search ? 'What is searched for is no part of it.' : '' })
  if (made) toast(`“${made.name}” is saved.`, { action: { text: 'Open it', act: () => location.assign(cohortLink(made.id)) } })
}, 'button small')
byId('keep').append(keep)

// The list.
const view = answers(byId('list'), { what: 'Counting people' })
const list = table(view.body, {
  caption: 'People', file: 'people', what: ['person', 'people'], first: 1000, sort: null, all: () => ({ people: everybody() }),
  href: (p) => state.link({ person: p.person }),
  empty: emptyState('Nobody in this range', ['A person is a user id, or a browser or device that has not logged in yet. What a device did before a login counts for whoever logged in.', 'Choose a longer range, or look for fewer letters.']),
  columns: [
    { key: 'person', name: 'Person', kind: 'code' },
    { key: 'name', name: 'Name', value: (p) => titleOf(p.traits), none: '' },
    { key: 'events', name: 'Events', kind: 'number' },
    { key: 'first', name: 'First', kind: 'time', text: (v) => format.date(new Date(v)) },
    { key: 'last', name: 'Last', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})
const more = button('', () => extend(), 'more')
view.body.after(more)
more.hidden = true
let people = []
let found = null

const everybody = () => {
  const { search, where } = state.now
  const of = selection(state.now)
  const { interval: _, ...span } = ranges.asked()
  return {
    events: { range: span, ...(of ? { event: of } : {}), ...(where ? { where } : {}) },
    ...(search ? { search } : {}),
  }
}
const question = (skip) => ({ ...everybody(), limit: atOnce, ...(skip ? { skip } : {}) })
function drawList() {
  list.show(people, { remark: found.found > people.length ? ` of ${format.count(found.found)}` : ` · ${format.plural(found.events, 'event', 'events')}` })
  show(more, found.found > people.length)
  put(more, format.more(atOnce, found.found - people.length))
  put(byId('complete'), found.complete?.up_to ? `Complete up to ${format.moment(new Date(found.complete.up_to))}` : '')
}
const ask = () => view.run(async ({ signal, follow }) => {
  const answer = await fetchJSON('/api/query/people', { body: question(0), signal, follow })
  return () => {
    found = answer
    people = answer.list
    drawList()
  }
})
const extend = () => view.run(async ({ signal, follow }) => {
  const answer = await fetchJSON('/api/query/people', { body: question(people.length), signal, follow })
  return () => {
    found = answer
    people = [...people, ...answer.list]
    drawList()
  }
})

// One person.
const one = answers(byId('person'), { what: 'Reading what they did' })
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' })
const written = (v) => (typeof v === 'string' ? v : JSON.stringify(v))

function fact(list, name, ...value) {
  list.append(make('dt', '', name), make('dd', '', '', ...value))
}

function didLine(e) {
  const at = new Date(e.timestamp)
  const time = make('time', '', format.clock(at))
  time.title = format.utc(at)
  const rest = make('span', 'rest cut', preview(e) || e.page_url || '')
  const name = make('strong', '', format.nameOf(e.type, e.event))
  const line = make('details', 'did', '', make('summary', '', '', time, name, rest))
  line.addEventListener('toggle', () => {
    if (!line.open || line.children.length > 1) return
    const text = make('pre', 'code-block wrap', JSON.stringify(e, null, 2))
    text.tabIndex = 0
    text.setAttribute('aria-label', 'The event as JSON')
    const trace = make('a', 'button small', 'Trace it')
    trace.href = `/trace?id=${encodeURIComponent(e.message_id)}&at=${encodeURIComponent(e.received_at)}`
    line.append(text, trace)
  })
  return line
}

/** timeline draws events, the newest first, below their days; long pauses are told. */
function timeline(box, events, before) {
  let last = before
  for (const e of events) {
    const at = new Date(e.timestamp)
    const today = day.format(at)
    if (!last || today !== last.day) box.append(make('h3', '', today))
    else if (last.at - at > visitGap) box.append(make('p', 'gap', `${format.duration((last.at - at) / 1000)} before`))
    box.append(didLine(e))
    last = { at, day: today }
  }
  return last
}

function drawPerson(answer, next) {
  const name = titleOf(answer.traits)
  const back = make('a', '', 'All people')
  back.href = state.link({ person: '' })
  const title = make('h2', '', name || answer.person)
  title.id = 'person-title'
  const head = make('div', 'person-head', '', title)
  if (name) head.append(make('span', 'mono', answer.person))
  head.append(back)
  const aside = make('aside')
  aside.setAttribute('aria-label', 'About this person')
  const traits = Object.entries(answer.traits ?? {})
  const facts = make('dl', 'pairs')
  for (const [key, v] of traits) fact(facts, key, written(v))
  if (answer.first_identified) fact(facts, 'Identified', format.date(new Date(answer.first_identified)))
  if (answer.last_identified && answer.last_identified !== answer.first_identified) fact(facts, 'Last', format.date(new Date(answer.last_identified)))
  aside.append(make('h3', '', 'Traits'), traits.length ? facts : make('p', 'sub', 'None: nobody called identify for this person.'))
  aside.append(make('h3', '', answer.devices.length === 1 ? 'One device' : `${format.count(answer.devices.length)} devices`))
  aside.append(answer.devices.length
    ? make('ul', 'devices', '', ...answer.devices.map((d) => make('li', '', '', make('span', 'mono', d.anonymous_id), make('div', 'sub', `last seen with this person ${format.date(new Date(d.seen_at))}`))))
    : make('p', 'sub', 'No anonymous id belongs to this person.'))
  const line = make('div', 'timeline')
  let last = timeline(line, answer.events, null)
  if (!answer.events.length) line.append(emptyState('Nothing is known that this person did', 'There is no event of this id. Compare it letter by letter.'))
  const earlier = button('Show what was before', async () => {
    earlier.disabled = true
    try {
      const page = await fetchJSON('/api/query/person', { body: { person: state.now.person, limit: atOnce, before: next } })
      earlier.remove()
      last = timeline(line, page.events, last)
      next = page.next
      if (next) line.append(earlier)
    } catch (err) {
      put(earlier, `${err.message} Try again`)
    }
    earlier.disabled = false
  }, 'more')
  if (next) line.append(earlier)
  document.title = `${name || answer.person} · People · Spoor`
  one.body.replaceChildren(head, make('div', 'person', '', aside, line))
}

function draw(now, before) {
  show(byId('everybody'), !now.person)
  show(byId('person'), Boolean(now.person))
  show(byId('range'), !now.person)
  if (now.person) {
    view.cancel()
    if (now.person === before?.person) return
    one.run(async ({ signal, follow }) => {
      const answer = await fetchJSON('/api/query/person', { body: { person: now.person, limit: atOnce }, signal, follow })
      return () => drawPerson(answer, answer.next)
    })
    return
  }
  document.title = 'People · Spoor'
  one.cancel()
  search.value = now.search
  event.set(now.event || (now.type ? `${now.type} calls` : ''))
  where.set(now.where)
  ranges.set({ range: now.range })
  ask()
}

byId('look').addEventListener('submit', (e) => {
  e.preventDefault()
  state.set({ search: search.value.trim() })
})
search.addEventListener('search', () => state.set({ search: search.value.trim() }))
state.on(draw)
draw(state.now, null)
put(byId('zone'), `Times in ${format.zone()}`)
