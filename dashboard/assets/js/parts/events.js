// Events to choose: a picker of one, and a line of a builder with its filter.
import * as format from '../format.js'
import { make } from '../dom.js'
import { button, fetchJSON } from './ask.js'
import { fieldOptions, readCatalog } from './known.js'
import { filters } from './filters.js'
import { find, picker } from './picker.js'

/** called names a selection (query.Selection) as people do. */
export function called({ event = '', type = '' } = {}) {
  if (!event) return type ? `${type} calls` : 'Any event'
  return !type || type === 'track' ? event : `${event} (${type})`
}

/** stepName names a step or a series: by its label, or by its event. */
export const stepName = ({ event, label }) => label || called(event)

// A picker's value is text; a name that is typed and not listed is a track call's.
const encode = (selection) => JSON.stringify(selection ?? {})
const decode = (text) => (text.startsWith('{') ? JSON.parse(text) : text ? { event: text } : {})

/** selections are the events that there are, the most frequent first, for a picker of one. */
async function selections(text) {
  const options = [{ value: '{}', label: called(), hint: '' }]
  for (const { type, event, volume } of await readCatalog()) {
    const selection = type === 'track' ? { event } : { type }
    const value = encode(selection)
    if (!options.some((o) => o.value === value)) options.push({ value, label: called(selection), hint: format.compact(volume) })
  }
  return find(options, text)
}

/** eventPicker puts a picker of an event into a box: onPick(selection). */
export function eventPicker(box, { label = 'Event', value, onPick }) {
  const made = picker(box, { label, labelled: false, placeholder: called(), value: '', any: true, options: selections, onPick: (text) => onPick(decode(text)) })
  made.set(encode(value), called(value))
  return made
}

/** valuesOf offers what a field of a selection's events has been lately, for a filter. */
export const valuesOf = (selection) => async (field, text, signal) => {
  const answer = await fetchJSON('/api/query/trend', {
    signal, body: { range: { last: 30, unit: 'day', interval: 'month' }, series: [{ event: selection ?? {} }], breakdown: { by: [field], top: 100 } },
  })
  const values = answer.lines.filter((l) => l.group?.[0]).map((l) => ({ value: l.group[0], hint: format.compact(l.total ?? 0) }))
  return find(values, text)
}

/** letter names the series and steps of a builder: A, B … */
export const letter = (i) => String.fromCharCode(65 + i)

/**
 * eventLine makes a line of a builder: a mark, an event, what is made of it (extra elements), its filter, and buttons to
 * move and to remove it where move(by) and remove() are given. onChange hears the step, changed.
 */
export function eventLine({ mark, step, what = 'Event', extra = [], filter = true, onChange, move = null, remove = null }) {
  const pick = make('div')
  const tools = make('span', 'event-tools')
  const name = `${what} ${mark}`
  const tool = (text, title, act) => {
    const made = button(text, act, 'bare')
    made.setAttribute('aria-label', `${title} ${name}`)
    made.title = title
    tools.append(made)
  }
  if (move?.up) tool('↑', 'Move up', () => move.up())
  if (move?.down) tool('↓', 'Move down', () => move.down())
  if (remove) tool('×', 'Remove', remove)
  const line = make('div', 'event-line', '', make('span', 'event-mark', mark), pick, tools, ...extra)
  line.setAttribute('role', 'group')
  line.setAttribute('aria-label', name)
  eventPicker(pick, { label: name, value: step.event, onPick: (event) => onChange({ ...step, event, label: undefined }) })
  if (filter) {
    const box = make('div', 'event-filter')
    filters(box, {
      label: 'Filter', value: step.where ?? null, fields: fieldOptions, values: valuesOf(step.event), onChange: (where) => onChange({ ...step, where: where ?? undefined }),
    })
    line.append(box)
  }
  return line
}

/**
 * eventList keeps the lines of a builder in a box, as many as most: draw(steps) shows them, onChange hears the changed
 * list. each(step, i, change) may give more elements of a line.
 */
export function eventList(box, { what, add, least = 1, most = 10, mark = letter, each = () => [], fresh = async () => ({ event: {} }), ordered = false, onChange }) {
  let steps = []
  const change = (next) => onChange((steps = next))
  const swap = (i, j) => () => {
    const next = [...steps]
    ;[next[i], next[j]] = [next[j], next[i]]
    change(next)
    draw()
  }
  function draw() {
    const lines = steps.map((step, i) => {
      const one = (next) => {
        change(steps.map((s, j) => (j === i ? next : s)))
        draw()
      }
      return eventLine({
        mark: mark(i), step, what, extra: each(step, i, one), onChange: one,
        move: ordered ? { up: i > 0 && swap(i, i - 1), down: i < steps.length - 1 && swap(i, i + 1) } : null,
        remove: steps.length > least ? () => {
          change(steps.filter((_, j) => j !== i))
          draw()
        } : null,
      })
    })
    if (steps.length < most) {
      lines.push(button(add, async () => {
        change([...steps, await fresh(steps)])
        draw()
        box.querySelectorAll('.event-line')[steps.length - 1]?.querySelector('input')?.focus()
      }, 'button small'))
    }
    box.replaceChildren(...lines)
  }
  return {
    draw(next) {
      if (JSON.stringify(next) === JSON.stringify(steps) && box.children.length) return
      steps = structuredClone(next)
      draw()
    },
  }
}
