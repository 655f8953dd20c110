// The page Dashboards: all of them, or one with its reports.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { answers, button, emptyState } from './parts/ask.js'
import { card } from './parts/card.js'
import { confirm } from './parts/dialog.js'
import { copy } from './parts/copy.js'
import { askName, change, create, discard, notKept, savedList, savedOne } from './parts/keep.js'
import { topEvents, usualSteps } from './parts/known.js'
import { sortable } from './parts/sortable.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'
import { urlState } from './parts/url-state.js'
import { zoneNow } from './parts/range.js'

const state = urlState({ id: '', point: null }) // point: {card, at}, the number whose people are open
const intervals = [[0, 'Refresh by hand'], [30, 'Every 30 s'], [60, 'Every minute'], [300, 'Every 5 min'], [900, 'Every 15 min']]
const widest = 4

// All of them.
const view = answers(byId('list'), { what: 'Reading the dashboards' })
const empty = make('div')
const list = table(view.body, {
  caption: 'Dashboards', file: 'dashboards', what: ['dashboard', 'dashboards'], empty, sort: { key: 'name', desc: false },
  href: (d) => state.link({ id: d.id, point: null }),
  columns: [
    { key: 'name', name: 'Name' },
    { key: 'reports', name: 'Reports', kind: 'number', value: (d) => d.body.tiles.length },
    { key: 'changed', name: 'Changed', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})
empty.append(
  emptyState('A dashboard shows saved reports side by side', [
    'Build a report, on Trends for one, and press “Add to dashboard”. Here the reports are arranged, refreshed by themselves, and shared by a link.',
    'Or begin with one about the events that come most often; its reports can be changed or taken away afterwards.',
  ]),
  make('p', 'examples-row', '', button('Make a first one', example, 'button main'), button('An empty one', createOne, 'button')),
)

async function createOne() {
  const name = await askName({ title: 'A new dashboard', yes: 'Create' })
  if (!name) return
  try {
    const made = await create('dashboards', name, { tiles: [] })
    state.set({ id: made.id, point: null })
  } catch (err) {
    notKept(err)
  }
}

/** example makes a dashboard of what happens most. */
async function example() {
  const range = (last, unit, interval) => ({ last, unit, zone: zoneNow(), interval })
  try {
    const [first, ...others] = await topEvents()
    if (!first) return void toast('No event is known yet: send one first, as the page Sources shows.', { kind: 'bad' })
    const save = (question, name, params, view) => create('reports', name, { question, params, ...(view ? { view } : {}) })
    const trend = (...of) => save('trend', ...of)
    const steps = usualSteps([first, ...others])
    const reports = [
      await trend('People each day', { range: range(30, 'day', 'day'), series: [{ event: {}, measure: { of: 'people' } }], compare: true }, 'line'),
      await trend('The most frequent events', { range: range(30, 'day', 'day'), series: [first, ...others].slice(0, 5).map((event) => ({ event: { event } })) }, 'line'),
      await trend(`${first}, each hour`, { range: range(24, 'hour', 'hour'), series: [{ event: { event: first } }] }, 'bar'),
      await trend('In numbers', { range: range(7, 'day', 'day'), series: [first, ...others].slice(0, 4).map((event) => ({ event: { event } })), compare: true }, 'number'),
      ...(steps.length > 1 ? [await save('funnel', `${steps[0]} to ${steps.at(-1)}`, { range: { last: 30, unit: 'day', zone: zoneNow() }, steps: steps.map((event) => ({ event: { event } })) })] : []),
      await save('retention', 'Who comes back', { range: range(14, 'day', 'day'), start: { event: { event: first } }, return: { event: {} } }, 'table'),
    ]
    const made = await create('dashboards', 'What happens', { tiles: reports.map((r) => ({ report: r.id })) })
    state.set({ id: made.id, point: null })
  } catch (err) {
    notKept(err)
  }
}

// One of them.
const cardsBox = byId('cards')
const opening = answers(byId('opening'), { what: 'Reading the dashboard', pale: false })
let current = null // the document
let cards = []
let arranging = false
let timer = 0

const refresh = make('select', 'field')
refresh.setAttribute('aria-label', 'How often it is asked anew')
const arrange = button('Arrange', () => setArranging(!arranging), 'button small')
const add = make('a', 'button small', 'Add a report')
add.href = '/trends'
byId('actions').append(
  refresh, button('Refresh', () => askAll(), 'button small'), add, arrange,
  button('Rename', rename, 'button small'), button('Copy link', share, 'button small'), button('Remove', remove, 'button small'),
)
byId('tools').append(button('New dashboard', createOne, 'button'))

function setArranging(is) {
  arranging = is
  arrange.setAttribute('aria-pressed', String(is))
  put(arrange, is ? 'Done' : 'Arrange')
  show(byId('arrange-help'), is)
  for (const c of cards) c.arranging(is)
}

/**
 * save keeps a change of the dashboard; what is shown is changed already. Changes are kept one after the other: each is of
 * the version that the one before has made.
 */
let saving = Promise.resolve()
function save(patch) {
  const of = current
  const tiles = tilesNow()
  const mine = saving.then(async (before) => {
    const last = [before, current, of].filter((d) => d?.id === of.id).reduce((a, b) => (b.version > a.version ? b : a))
    try {
      const kept = await change('dashboards', last, { name: patch.name, body: { ...last.body, tiles, ...patch.body } })
      if (current?.id === kept.id) current = kept
      return kept
    } catch (err) {
      notKept(err)
      return null
    }
  })
  saving = mine
  return mine.then(Boolean)
}
async function rename() {
  const name = await askName({ title: 'Rename the dashboard', value: current.name })
  if (name && (await save({ name }))) put(byId('name'), name)
}
async function share() {
  const to = new URL(state.link({ point: null }), location.href).href
  toast((await copy(to)) ? 'The link to this dashboard is copied.' : `The link: ${to}`)
}
async function remove() {
  if (!(await confirm({ title: `Remove “${current.name}”?`, text: 'Its reports stay saved.', yes: 'Remove', danger: true }))) return
  try {
    await discard('dashboards', current)
    toast(`“${current.name}” is removed.`)
    state.set({ id: '', point: null })
  } catch (err) {
    notKept(err)
  }
}
refresh.addEventListener('change', async () => {
  await save({ body: { refresh: Number(refresh.value) } })
  schedule()
})

// The place of a report that was removed goes with the next change.
const tilesNow = () => cards.filter((c) => !c.gone).map((c) => c.tile)
function reorder(next) {
  cards = next
  save({})
}
function move(c, by) {
  const from = cards.indexOf(c)
  const to = Math.min(cards.length - 1, Math.max(0, from + by))
  if (from === to) return
  const next = cards.filter((x) => x !== c)
  next.splice(to, 0, c)
  cardsBox.replaceChildren(...next.map((x) => x.element))
  reorder(next)
  c.focusTool(by < 0 ? 'earlier' : 'later')
  put(byId('moved'), `${c.title()} is number ${to + 1} of ${cards.length}`)
}
function resize(c, by) {
  const width = Math.min(widest, Math.max(1, (c.tile.width ?? 2) + by))
  c.setTile({ ...c.tile, width })
  save({})
  put(byId('moved'), `${c.title()} is ${width} of ${widest} columns wide`)
}
function take(c) {
  const at = cards.indexOf(c)
  cards = cards.filter((x) => x !== c)
  c.element.remove()
  c.cancel()
  save({})
  toast(`“${c.title()}” is taken off; the report stays saved.`, { action: { text: 'Undo', act: () => {
    cards.splice(at, 0, c)
    cardsBox.replaceChildren(...cards.map((x) => x.element))
    save({})
  } } })
}
sortable(cardsBox, { may: () => arranging, onDrop: () => reorder([...cardsBox.children].map((element) => cards.find((c) => c.element === element))) })

function schedule() {
  clearInterval(timer)
  const seconds = current?.body.refresh ?? 0
  if (seconds) timer = setInterval(() => { if (!document.hidden) askAll() }, seconds * 1000)
}
async function askAll() {
  await Promise.all(cards.map((c) => c.ask()))
  if (current) put(byId('said'), `asked at ${format.clock(new Date())}`)
}

function drawOne(document_, reports) {
  current = document_
  put(byId('name'), current.name)
  document.title = `${current.name} · Spoor`
  const seconds = current.body.refresh ?? 0
  const known = intervals.some(([s]) => s === seconds) ? intervals : [...intervals, [seconds, `Every ${seconds} s`]]
  refresh.replaceChildren(...known.map(([s, text]) => new Option(text, s)))
  refresh.value = seconds
  cards = current.body.tiles.map((tile) => card({ tile, report: reports.get(tile.report) ?? null, move, resize, take, open: press, answered: openPoint }))
  cardsBox.replaceChildren(...cards.map((c) => c.element))
  opening.body.replaceChildren(...(cards.length ? [] : [emptyState('Nothing is on it yet', ['Build a report, and press “Add to dashboard”.'], { text: 'Build a trend', href: '/trends' })]))
  setArranging(false)
  schedule()
  askAll()
}

// The people behind a number of a card; which number it is stands in the address.
let opened = null

function press(c, at) {
  state.set({ point: { card: cards.indexOf(c), at } })
}

function openPoint() {
  const { point } = state.now
  if (opened && JSON.stringify(opened.point) === JSON.stringify(point)) return
  const before = opened
  opened = null
  before?.list.close()
  if (!point) return
  const mine = { point, list: null }
  mine.list = cards[point.card]?.people(point.at, (at) => {
    mine.point = { ...point, at }
    mine.list.turnTo(at)
    state.set({ point: mine.point }, { replace: true })
  }, () => {
    if (opened !== mine) return
    opened = null
    state.leave({ point: null })
  })
  if (mine.list) opened = mine
}

/** places are where the cards will be: they stand before it is known which. */
function places() {
  const list = make('ul', 'cards', '', ...Array.from({ length: 4 }, () => make('li', 'card', '', make('div', 'sketch'))))
  list.setAttribute('aria-hidden', 'true')
  return list
}

function open() {
  const { id } = state.now
  for (const c of cards) c.cancel()
  cards = []
  current = null
  cardsBox.replaceChildren()
  schedule()
  show(byId('all'), !id)
  show(byId('one'), Boolean(id))
  put(byId('said'), '')
  if (!id) {
    document.title = 'Dashboards · Spoor'
    view.run(async ({ signal }) => {
      const found = await savedList('dashboards', signal)
      return () => list.show(found)
    })
    return
  }
  put(byId('name'), '')
  opening.body.replaceChildren(places())
  opening.run(async ({ signal }) => {
    const found = await savedOne('dashboards', id, signal)
    const reports = new Map((await savedList('reports', signal)).map((r) => [r.id, r]))
    return () => drawOne(found, reports)
  })
}
state.on((now, before) => (now.id === before.id ? openPoint() : open()))
put(byId('zone'), `Times in ${format.zone()}`)
open()
