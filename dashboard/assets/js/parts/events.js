// A builder's lines of events, each with its filter.
import { make } from '../dom.js'
import { button } from './ask.js'
import { fieldOptions } from './known.js'
import { filters } from './filters.js'
import { called, eventPicker, valuesOf } from './selection.js'

/** stepName names a step or a series: by its label, or by its event. */
export const stepName = ({ event, label }) => label || called(event)

/** letter names the series and steps of a builder: A, B … */
export const letter = (i) => String.fromCharCode(65 + i)

/**
 * eventLine makes a line of a builder: a mark, an event, what is made of it (extra elements), its filter, and buttons to
 * move and to remove it where move(by) and remove() are given. onChange hears the step, changed, and whether the line shows all
 * of that itself: a filter is built while the line stays.
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
  let now = step
  const tell = (patch, shown) => onChange((now = { ...now, ...patch }), shown)
  eventPicker(pick, { label: name, value: step.event, onPick: (event) => tell({ event, label: undefined }, false) })
  if (filter) {
    const box = make('div', 'event-filter')
    filters(box, {
      label: 'Filter', value: step.where ?? null, fields: fieldOptions, values: valuesOf(() => now.event), onChange: (where) => tell({ where: where ?? undefined }, true),
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
      const one = (next, shown = false) => {
        // What else stands in the line was drawn before its filter was built.
        change(steps.map((s, j) => (j === i ? { ...next, where: shown ? next.where : s.where } : s)))
        if (!shown) draw()
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
