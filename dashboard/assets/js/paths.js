// The page Paths: what people do after an event, or before it.
import { byId } from './dom.js'
import { eventLine, eventList } from './parts/events.js'
import { filters } from './parts/filters.js'
import { fieldOptions, topEvents } from './parts/known.js'
import { zoneNow } from './parts/range.js'
import { reportPage } from './parts/report.js'
import { called, valuesOfAll } from './parts/selection.js'
import { behindPaths, isEmpty, paths, views } from './show/paths.js'

let change = () => {}
const where = filters(byId('where'), { label: 'Filter', fields: fieldOptions, values: valuesOfAll, onChange: (tree) => change({ where: tree }) })
const hide = eventList(byId('hide'), {
  what: 'Hidden event', add: 'Pass over an event', least: 0, most: 50, mark: (i) => String(i + 1), filter: false, fresh: async () => ({ event: {} }),
  onChange: (list) => change({ hide: list.map((s) => s.event).filter((s) => s.event || s.type) }),
})
const [steps, top, gap] = [byId('steps'), byId('top'), byId('gap')]
const gaps = [['10 minute', 'after 10 minutes of nothing'], ['30 minute', 'after 30 minutes of nothing'], ['2 hour', 'after 2 hours of nothing'], ['1 day', 'after a day of nothing'], ['sessions', 'with the SDK’s session']]
steps.append(...[2, 3, 4, 5, 6, 8, 10].map((n) => new Option(n, n)))
top.append(...[4, 6, 8, 12, 20].map((n) => new Option(n, n)))
gap.append(...gaps.map(([value, text]) => new Option(text, value)))
/** choose selects a value, also one that was not offered. */
function choose(select, value, text = value) {
  if (![...select.options].some((o) => o.value === String(value))) select.append(new Option(text, value))
  select.value = value
}
steps.addEventListener('change', () => change({ steps: Number(steps.value) }))
top.addEventListener('change', () => change({ top: Number(top.value) }))
gap.addEventListener('change', () => {
  const [length, unit] = gap.value.split(' ')
  change(gap.value === 'sessions' ? { sessions: true, gap: undefined } : { sessions: undefined, gap: { length: Number(length), unit } })
})
byId('direction').addEventListener('change', () => change({ before: byId('direction').value === 'before' }))
byId('bots').addEventListener('change', () => change({ bots: byId('bots').checked }))

let drawn = ''
function from(step) {
  const text = JSON.stringify(step)
  if (drawn === text) return
  drawn = text
  byId('from').replaceChildren(eventLine({ mark: '0', what: 'Event', step, onChange(next) {
    drawn = JSON.stringify(next) // the line shows it already
    change({ from: next })
  } }))
}
const week = () => ({ last: 7, unit: 'day', zone: zoneNow() })

reportPage({
  question: 'paths', views, isEmpty,
  blank: () => ({ range: week(), steps: 4, top: 6 }),
  first: async () => ((await topEvents()).length ? { range: week(), steps: 4, top: 6 } : null),
  build(question, changed) {
    change = changed
    from(question.from ?? { event: {} })
    hide.draw((question.hide ?? []).map((event) => ({ event })))
    where.set(question.where ?? null)
    byId('direction').value = question.before ? 'before' : 'after'
    byId('bots').checked = Boolean(question.bots)
    choose(steps, question.steps ?? 4)
    choose(top, question.top ?? 8)
    const { length, unit } = question.gap ?? { length: 30, unit: 'minute' }
    choose(gap, question.sessions ? 'sessions' : `${length} ${unit}`, `after ${length} ${unit}s of nothing`)
  },
  named: (question) => `${question.before ? 'Before' : 'After'} ${called(question.from?.event)}`.slice(0, 120),
  drawing: (box, open) => paths(box, { open }),
  behind: behindPaths,
  examples: (names) => names.slice(0, 3).flatMap((event) => [
    { text: `After ${event}`, question: { range: week(), from: { event: { event } } } }, { text: `Before ${event}`, question: { range: week(), from: { event: { event } }, before: true } },
  ]),
})
