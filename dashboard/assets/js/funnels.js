// The page Funnels: how many go through steps, and how long they take.
import { byId, make } from './dom.js'
import { breakdown } from './parts/breakdown.js'
import { eventList, stepName } from './parts/events.js'
import { filters } from './parts/filters.js'
import { fieldOptions, topEvents, usualSteps } from './parts/known.js'
import { zoneNow } from './parts/range.js'
import { reportPage } from './parts/report.js'
import { valuesOfAll } from './parts/selection.js'
import { behindFunnel, funnel, isEmpty } from './show/funnel.js'

const number = (i) => String(i + 1)
let change = () => {}
let asked = null
const steps = eventList(byId('steps'), {
  what: 'Step', add: 'Add a step', least: 2, most: 20, mark: number, ordered: true, onChange: (list) => change({ steps: list, ...within(list) }),
  fresh: async (list) => ({ event: { event: (await topEvents()).find((name) => !list.some((s) => s.event.event === name)) } }),
})
const exclude = eventList(byId('exclude'), { what: 'Exclusion', add: 'Exclude who did…', least: 0, onChange: (list) => change({ exclude: list }), fresh: async () => ({ event: {} }), each: between })
const where = filters(byId('where'), { label: 'Filter', fields: fieldOptions, values: valuesOfAll, onChange: (tree) => change({ where: tree }) })
const by = breakdown(byId('breakdown'), { few: 5, onChange: (b) => change({ breakdown: b, ...(b ? {} : { breakdown_step: undefined }) }) })
byId('bots').addEventListener('change', () => change({ bots: byId('bots').checked }))
byId('order').addEventListener('change', () => change({ order: byId('order').value, ...(byId('order').value === 'strict' ? { exclude: undefined } : {}) }))
const spanNow = () => change({ window: { length: Math.max(1, Math.round(Number(byId('length').value)) || 1), unit: byId('unit').value } })
byId('length').addEventListener('change', spanNow)
byId('unit').addEventListener('change', spanNow)
byId('by-step').addEventListener('change', () => change({ breakdown_step: Number(byId('by-step').value) || undefined }))

/** within takes back what is said about steps that are no more. */
function within(list) {
  const last = list.length - 1
  return {
    ...(asked?.exclude ? { exclude: asked.exclude.map((x) => (x.before > last || x.after > last - 1 ? { event: x.event, where: x.where } : x)) } : {}),
    ...(asked?.breakdown_step > last ? { breakdown_step: undefined } : {}),
  }
}

/** between lets an exclusion count between two steps only. */
function between(x, i, one) {
  const select = make('select', 'field')
  select.setAttribute('aria-label', `Where exclusion ${i + 1} counts`)
  const n = asked?.steps.length ?? 2
  select.append(new Option('between the first and the last step', ''))
  if (asked?.order !== 'any') for (let s = 0; s < n - 1; s++) select.append(new Option(`between steps ${s + 1} and ${s + 2}`, s))
  select.value = x.before ? String(x.after ?? 0) : ''
  select.addEventListener('change', () => {
    const { after: _, before: __, ...rest } = x
    one(select.value === '' ? rest : { ...rest, after: Number(select.value), before: Number(select.value) + 1 })
  })
  return [select]
}

const month = () => ({ last: 30, unit: 'day', zone: zoneNow() })

const funnelOf = (names) => ({ range: month(), steps: names.map((event) => ({ event: { event } })) })

reportPage({
  question: 'funnel', isEmpty,
  blank: () => ({ range: month(), steps: [{ event: {} }, { event: {} }] }),
  first: async () => {
    const names = usualSteps(await topEvents())
    return names.length > 1 ? funnelOf(names) : null
  },
  build(question, changed) {
    change = changed
    asked = question
    steps.draw(question.steps)
    exclude.draw(question.exclude ?? [])
    where.set(question.where ?? null)
    by.draw(question.breakdown)
    byId('bots').checked = Boolean(question.bots)
    byId('order').value = question.order ?? 'ordered'
    byId('exclude-part').hidden = question.order === 'strict'
    byId('length').value = question.window?.length ?? 14
    byId('unit').value = question.window?.unit ?? 'day'
    byId('by-step-part').hidden = !question.breakdown
    byId('by-step').replaceChildren(...question.steps.map((s, i) => new Option(`${i + 1}. ${stepName(s)}`, i)))
    byId('by-step').value = question.breakdown_step ?? 0
  },
  named: (question) => question.steps.map(stepName).join(' → ').slice(0, 120),
  drawing: (box, open) => funnel(box, { open }),
  behind: behindFunnel,
  examples: (names) => (names.length > 1 ? [
    { text: `${names[0]} → ${names[1]}`, question: funnelOf(names.slice(0, 2)) },
    ...(names.length > 3 ? [{ text: usualSteps(names).join(' → '), question: funnelOf(usualSteps(names)) }] : []),
  ] : []),
})
