// The page Cohorts: all saved ones, or one: who is in it, and why.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { titleOf } from './preview.js'
import { answers, button, canPass, emptyState, fetchJSON, progressWords } from './parts/ask.js'
import { forgetCohorts, savedCohorts } from './parts/cohorts.js'
import { described } from './parts/conditions.js'
import { confirm } from './parts/dialog.js'
import { filters } from './parts/filters.js'
import { askName, change, create, discard, notKept, savedList, savedOne } from './parts/keep.js'
import { fieldOptions } from './parts/known.js'
import { zoneNow } from './parts/range.js'
import { valuesOfAll } from './parts/selection.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'
import { urlState } from './parts/url-state.js'

const atOnce = 100
const state = urlState({ id: '', new: false, f: null }) // f: the conditions, where they are not those that are saved
const people = (where, signal, more = {}, follow = undefined) => fetchJSON('/api/query/people', { signal, follow, body: { events: { where }, ...more } })

// All of them.
const view = answers(byId('list'), { what: 'Reading the cohorts' })
const empty = make('div')
const list = table(view.body, {
  caption: 'Cohorts', file: 'cohorts', what: ['cohort', 'cohorts'], empty, sort: { key: 'name', desc: false },
  href: (c) => state.link({ id: c.id, new: false, f: null }),
  columns: [
    { key: 'name', name: 'Name' },
    { key: 'people', name: 'People', kind: 'number', cell: (_, c) => c.counted },
    { key: 'who', name: 'Who is in it', value: (c) => c.who, cell: (v) => Object.assign(make('span', 'clip', v), { title: v }) },
    { key: 'uses', name: 'Named by', value: (c) => c.uses.length, kind: 'number', text: (n, c) => (n ? usesOf(c) : 'none') },
    { key: 'changed', name: 'Changed', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})
empty.append(
  emptyState('A cohort is a set of people with a name', [
    'Say who is in it: what people did or did not do, and what is known of them. Every report can be about a cohort, and when you change it, all of them change with it.',
    'The people behind a number can be saved as a cohort too: press a number on Trends, or look for people on the page People.',
  ]),
  make('p', 'examples-row', '', button('Make the first one', () => state.set({ id: '', new: true, f: null }), 'button main')),
)
byId('tools').append(button('New cohort', () => state.set({ id: '', new: true, f: null }), 'button'))

/** named finds who names a cohort: reports, and other cohorts. */
function named(id, reports, cohorts) {
  const holds = (d) => JSON.stringify(d.body).includes(`"id":${JSON.stringify(id)}`)
  return [...reports.filter(holds).map(({ name }) => ({ kind: 'report', name })), ...cohorts.filter((c) => c.id !== id && holds(c)).map(({ name }) => ({ kind: 'cohort', name }))]
}
function usesOf({ uses }) {
  const count = (kind) => uses.filter((u) => u.kind === kind).length
  return [[count('report'), 'report'], [count('cohort'), 'cohort']].filter(([n]) => n).map(([n, what]) => format.plural(n, what, `${what}s`)).join(', ')
}

const drawAll = () => view.run(async ({ signal }) => {
  forgetCohorts()
  const [cohorts, reports] = await Promise.all([savedCohorts(), savedList('reports', signal)])
  const nameOf = ({ id, name }) => cohorts.find((c) => c.id === id)?.name ?? name
  const rows = cohorts.map((c) => ({ ...c, people: null, counted: make('span', 'sub'), who: described(c.body.filter, nameOf), uses: named(c.id, reports, cohorts) }))
  return () => {
    list.show(rows)
    count(rows)
  }
})

const lanes = 2 // of the server's few turns; the others are for other questions
let counting = null
/** count asks how many people are in each, in the order of the list, so that one which takes long holds up none behind it. */
async function count(rows) {
  counting?.abort()
  const { signal } = (counting = new AbortController())
  const waiting = [...rows]
  for (const row of rows) put(row.counted, 'waits')
  const lane = async () => {
    for (let row = waiting.shift(); row && !signal.aborted; row = waiting.shift()) await countOne(row, signal)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  // Who is at a row with the keyboard stays there; the numbers are in their cells already.
  if (!signal.aborted && !byId('list').contains(document.activeElement)) list.show(rows)
}

/** countOne says in the row's cell how far it is, how many there are, or why that is not known. */
async function countOne(row, signal) {
  const cell = row.counted
  cell.className = 'sub'
  put(cell, 'counting…', '')
  try {
    const { people: n } = await people({ cohort: { id: row.id } }, signal, { limit: 1 }, ({ done, seconds, waiting, deadline }) => {
      put(cell, waiting ? 'waits for its turn' : `counting… ${progressWords(done, seconds, deadline)}`)
    })
    row.people = n
    cell.className = ''
    put(cell, format.count(n))
  } catch (err) {
    if (err.name === 'AbortError') return
    row.people = -1 // it sorts behind nobody
    put(cell, err.code === 'timeout' ? 'took too long' : 'not known', err.message)
    if (!canPass(err)) return
    const again = button('Again', () => countOne(row, counting.signal), 'bare')
    again.setAttribute('aria-label', `Count the people in ${row.name} again`)
    cell.append(' ', again)
  }
}

// One of them.
let current = null // the document; null: a new one
let filter = null // what is asked
const one = answers(byId('answer'), { what: 'Finding the people' })
const drawn = make('div')
const other = make('div')
one.body.replaceChildren(drawn, other)
const value = make('span', 'value')
const said = make('span', 'sub')
const complete = make('span', 'sub report-complete')
complete.setAttribute('role', 'status')
const box = make('div')
drawn.append(make('div', 'headline', '', value, said), box)
const members = table(box, {
  caption: 'People in the cohort', file: 'people', what: ['person', 'people'], first: 1000, sort: null,
  href: (p) => `/people?person=${encodeURIComponent(p.person)}`,
  empty: emptyState('Nobody', ['Nobody fits all of this by now. Take a condition away, or count over a longer time.']),
  columns: [
    { key: 'person', name: 'Person', kind: 'code' },
    { key: 'name', name: 'Name', value: (p) => titleOf(p.traits), none: '' },
    { key: 'events', name: 'Events', kind: 'number' },
    { key: 'first', name: 'First', kind: 'time', text: (v) => format.date(new Date(v)) },
    { key: 'last', name: 'Last', kind: 'time', text: (v) => format.date(new Date(v)) },
  ],
})
const more = button('', () => ask(listed.length), 'more')
more.hidden = true
box.after(more)
let listed = []

const saving = button('Save', save, 'button small main')
const [copying, renaming, removing] = [button('Save as a new one', saveNew, 'button small'), button('Rename', rename, 'button small'), button('Remove', remove, 'button small')]
const trend = make('a', 'button small', 'Ask a trend about them')
byId('actions').append(complete, make('span', 'end', '', trend, saving, copying, renaming, removing))

let builder = null
let built = '' // for which cohort
function build() {
  const of = current?.id ?? 'new'
  if (built === of) return builder.set(filter)
  built = of
  const place = make('div')
  byId('conditions').replaceChildren(place)
  builder = filters(place, {
    label: 'Filter', value: filter, about: 'person', except: current?.id ?? 'new', fields: fieldOptions, values: valuesOfAll,
    onChange: (tree) => state.set({ f: same(tree, current?.body.filter) ? null : tree }),
  })
}
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

function drawHead() {
  const changed = current && !same(filter, current.body.filter)
  const name = current?.name ?? 'A new cohort'
  put(byId('name'), name)
  put(byId('about'), current ? `${changed ? 'changed, not saved' : 'saved'}` : 'not saved yet')
  document.title = `${name} · Cohorts · Spoor`
  saving.disabled = !filter || Boolean(current && !changed)
  for (const b of [renaming, removing]) show(b, Boolean(current))
  show(copying, Boolean(changed))
  show(trend, Boolean(filter))
  const where = current && !changed ? { cohort: { id: current.id, name: current.name } } : { cohort: { name, filter } }
  trend.href = `/trends?q=${encodeURIComponent(JSON.stringify({ range: { last: 30, unit: 'day', zone: zoneNow(), interval: 'day' }, series: [{ event: {}, measure: { of: 'people' } }], where }))}`
}

const ask = (skip = 0) => one.run(async ({ signal, follow }) => {
  const { id, f } = state.now
  if (id && current?.id !== id) {
    current = null
    current = await savedOne('cohorts', id, signal)
  } else if (!id) current = null
  filter = f ?? current?.body.filter ?? null
  build()
  drawHead()
  if (!filter) {
    return () => {
      show(drawn, false)
      put(complete, '')
      other.replaceChildren(emptyState('Who is in it?', ['Say it by “Did…”, by “Add a filter” for what is known of people, or by another cohort. Who fits is shown here, before it is saved.']))
    }
  }
  const answer = await people(filter, signal, { limit: atOnce, ...(skip ? { skip } : {}) }, follow)
  return () => {
    other.replaceChildren()
    show(drawn, true)
    listed = skip ? [...listed, ...answer.list] : answer.list
    const rest = answer.people - listed.length
    put(value, format.count(answer.people))
    put(said, answer.people === 1 ? 'person in it' : 'people in it')
    members.show(listed, { remark: rest > 0 ? ` of ${format.count(answer.people)}` : '' })
    show(more, rest > 0)
    put(more, format.more(atOnce, rest))
    put(complete, format.complete(answer.complete), `Asked at ${format.moment(new Date(answer.complete.asked_at))}`)
  }
})

async function keep(act, say) {
  try {
    current = await act()
    built = ''
    forgetCohorts()
    toast(say(current))
    state.set({ id: current.id, new: false, f: null }, { replace: true })
    drawHead()
    build()
  } catch (err) {
    notKept(err)
  }
}
async function saveNew() {
  const name = await askName({ title: 'Save this cohort', value: current ? `${current.name}, changed` : '' })
  if (name) await keep(() => create('cohorts', name, { filter }), (c) => `“${c.name}” is saved. Reports can be about it now.`)
}
async function save() {
  if (!current) return saveNew()
  await keep(() => change('cohorts', current, { body: { ...current.body, filter } }), (c) => `“${c.name}” is saved. What names it follows.`)
}
async function rename() {
  const name = await askName({ title: 'Rename the cohort', value: current.name })
  if (!name) return
  try {
    current = await change('cohorts', current, { name })
    forgetCohorts()
    drawHead()
    toast('It is renamed. What names it follows.')
  } catch (err) {
    notKept(err)
  }
}
async function remove() {
  try {
    const [reports, cohorts] = await Promise.all([savedList('reports'), savedList('cohorts')])
    const uses = named(current.id, reports, cohorts)
    const names = uses.slice(0, 5).map((u) => `“${u.name}”`).join(', ') + (uses.length > 5 ? ` and ${uses.length - 5} more` : '')
    const text = uses.length ? `${usesOf({ uses })} would fail, until another cohort is chosen there: ${names}.` : 'No saved report and no other cohort names it.'
    if (!(await confirm({ title: `Remove “${current.name}”?`, text, yes: 'Remove', danger: true }))) return
    await discard('cohorts', current)
    forgetCohorts()
    toast(`“${current.name}” is removed.`)
    state.set({ id: '', new: false, f: null })
  } catch (err) {
    notKept(err)
  }
}

const wide = matchMedia('(min-width: 1100px)')
const open = () => { byId('build').open = wide.matches || !filter }
wide.addEventListener('change', open)

function draw(now, before) {
  const isOne = Boolean(now.id) || now.new
  show(byId('all'), !isOne)
  show(byId('one'), isOne)
  show(byId('tools'), !isOne)
  if (!isOne) {
    one.cancel()
    current = null
    built = ''
    document.title = 'Cohorts · Spoor'
    drawAll()
    return
  }
  counting?.abort()
  view.cancel()
  if (!before || before.id !== now.id || before.new !== now.new) {
    byId('build').open = wide.matches || !now.id
  }
  ask()
}

state.on(draw)
draw(state.now, null)
