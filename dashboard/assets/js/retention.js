// The page Retention: who comes back.
import { byId } from './dom.js'
import { breakdown } from './parts/breakdown.js'
import { eventLine, stepName } from './parts/events.js'
import { filters } from './parts/filters.js'
import { fieldOptions, topEvents } from './parts/known.js'
import { zoneNow } from './parts/range.js'
import { reportPage } from './parts/report.js'
import { valuesOfAll } from './parts/selection.js'
import { behindRetention, isEmpty, retention, views } from './show/retention.js'

let change = () => {}
let asked = null
const where = filters(byId('where'), { label: 'Filter', fields: fieldOptions, values: valuesOfAll, onChange: (tree) => change({ where: tree }) })
const by = breakdown(byId('breakdown'), { few: 5, onChange: (b) => change({ breakdown: b }) })
for (const name of ['or_after', 'ever', 'rolling', 'bots']) byId(name).addEventListener('change', () => change({ [name]: byId(name).checked }))
byId('every').addEventListener('change', () => change({ range: { ...asked.range, interval: byId('every').value } }))

const drawn = {}
function line(name, what, step) {
  const text = JSON.stringify(step)
  if (drawn[name] === text) return
  drawn[name] = text
  byId(name).replaceChildren(eventLine({ mark: what, what: 'Event', step, onChange(next) {
    drawn[name] = JSON.stringify(next) // the line shows it already
    change({ [name]: next })
  } }))
}

const weeks = (last, unit) => ({ last, unit, zone: zoneNow(), interval: unit })

reportPage({
  question: 'retention', views, isEmpty,
  blank: () => ({ range: weeks(14, 'day'), start: { event: {} }, return: { event: {} } }),
  first: async () => {
    const [name] = await topEvents()
    return name ? { range: weeks(14, 'day'), start: { event: { event: name } }, return: { event: {} } } : null
  },
  build(question, changed) {
    change = changed
    asked = question
    line('start', '1', question.start)
    line('return', '2', question.return)
    where.set(question.where ?? null)
    by.draw(question.breakdown)
    for (const name of ['or_after', 'ever', 'rolling', 'bots']) byId(name).checked = Boolean(question[name])
    byId('every').value = question.range.interval ?? 'day'
  },
  named: (question) => `${stepName(question.start)}, then ${stepName(question.return).toLowerCase() === 'any event' ? 'any event' : stepName(question.return)}`.slice(0, 120),
  drawing: (box, open) => retention(box, { open }),
  behind: behindRetention,
  examples: (names) => names.slice(0, 2).flatMap((name) => [
    { text: `${name}, then anything, by day`, question: { range: weeks(14, 'day'), start: { event: { event: name } }, return: { event: {} } } },
    { text: `${name} again, by week`, question: { range: weeks(12, 'week'), start: { event: { event: name } }, return: { event: { event: name } } } },
  ]),
})
