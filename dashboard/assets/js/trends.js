// The page Trends: numbers over time.
import { byId, make } from './dom.js'
import { button } from './parts/ask.js'
import { breakdown, fieldPicker } from './parts/breakdown.js'
import { eventList, letter } from './parts/events.js'
import { filters } from './parts/filters.js'
import { fieldOptions, topEvents } from './parts/known.js'
import { zoneNow } from './parts/range.js'
import { reportPage } from './parts/report.js'
import { valuesOfAll } from './parts/selection.js'
import { behindTrend, isEmpty, seriesName, trend, views } from './show/trend.js'

const measures = [
  ['count', 'Events'], ['people', 'People'], ['sessions', 'Sessions'], ['sum', 'Sum of'], ['avg', 'Average of'], ['p50', 'Median of'], ['p90', '90th percentile of'],
  ['p95', '95th percentile of'], ['p99', '99th percentile of'], ['min', 'Lowest'], ['max', 'Highest'],
]
const plain = ['count', 'people', 'sessions']
const codeOf = ({ of = 'count', percentile } = {}) => (of === 'percentile' ? `p${percentile}` : of)
const isNumber = (f) => ['number', 'integer', 'int32', 'int64', ''].includes(f.kind)

/** measureOf makes a measure of what is chosen; undefined: it counts events. */
function measureOf(code, field) {
  if (code === 'count') return undefined
  if (plain.includes(code)) return { of: code }
  return code.startsWith('p') ? { of: 'percentile', percentile: Number(code.slice(1)), field } : { of: code, field }
}

function measureFields(series, i, change) {
  const select = make('select', 'field')
  const code = codeOf(series.measure)
  const known = measures.some(([c]) => c === code) ? measures : [...measures, [code, `${series.measure.percentile}th percentile of`]]
  select.append(...known.map(([value, text]) => new Option(text, value)))
  select.value = code
  select.setAttribute('aria-label', `Measure of ${letter(i)}`)
  select.addEventListener('change', () => change({ ...series, measure: measureOf(select.value, series.measure?.field ?? '') }))
  const line = make('div', 'measure-line', '', select)
  if (!plain.includes(code)) {
    const place = make('div')
    fieldPicker(place, { label: `Property of ${letter(i)}`, value: series.measure?.field ?? '', only: isNumber, onPick: (field) => change({ ...series, measure: measureOf(code, field) }) })
    line.append(place)
  }
  return [line]
}

let change = () => {}
let asked = null
const series = eventList(byId('series'), {
  what: 'Series', add: 'Add a series', each: measureFields, onChange: (list) => change({ series: list }),
  fresh: async (list) => ({ event: { event: (await topEvents()).find((name) => !list.some((s) => s.event.event === name)) } }),
})
const where = filters(byId('where'), { label: 'Filter', fields: fieldOptions, values: valuesOfAll, onChange: (tree) => change({ where: tree }) })
const by = breakdown(byId('breakdown'), { onChange: (b) => change({ breakdown: b }) })
for (const name of ['compare', 'bots']) byId(name).addEventListener('change', () => change({ [name]: byId(name).checked }))

function drawFormulas(list) {
  const box = byId('formulas')
  if (box.contains(document.activeElement) && document.activeElement.tagName === 'INPUT' && box.querySelectorAll('input').length === list.length) return
  const lines = list.map((text, i) => {
    const input = Object.assign(make('input', 'field mono'), { type: 'text', value: text, placeholder: 'A / B * 100', spellcheck: false, autocomplete: 'off' })
    input.setAttribute('aria-label', `Formula ${i + 1}`)
    input.addEventListener('change', () => change({ formulas: list.map((f, j) => (j === i ? input.value.trim() : f)).filter(Boolean) }))
    const remove = button('×', () => change({ formulas: list.filter((_, j) => j !== i) }), 'bare')
    remove.setAttribute('aria-label', `Remove formula ${i + 1}`)
    return make('div', 'by-line', '', input, remove)
  })
  const first = asked.series.length > 1 ? 'A / B * 100' : 'A * 2'
  box.replaceChildren(...lines, button('Add a formula', () => {
    drawFormulas([...list, ''])
    const input = [...box.querySelectorAll('input')].at(-1)
    input.placeholder = first
    input.focus()
  }, 'button small'))
}

const month = () => ({ last: 30, unit: 'day', zone: zoneNow(), interval: 'day' })

reportPage({
  question: 'trend', views, interval: true, isEmpty,
  blank: () => ({ range: month(), series: [{ event: {} }] }),
  first: async () => {
    const [name] = await topEvents()
    return name ? { range: month(), series: [{ event: { event: name } }] } : null
  },
  build(question, changed) {
    change = changed
    asked = question
    series.draw(question.series)
    where.set(question.where ?? null)
    by.draw(question.breakdown)
    drawFormulas(question.formulas ?? [])
    for (const name of ['compare', 'bots']) byId(name).checked = Boolean(question[name])
  },
  lacks(question) {
    const i = question.series.findIndex((s) => s.measure && !plain.includes(s.measure.of) && !s.measure.field)
    return i < 0 ? '' : `Choose the property whose numbers series ${letter(i)} is about.`
  },
  named: (question) => question.series.map(seriesName).join(', ').slice(0, 120),
  drawing: (box, open) => trend(box, { open }),
  behind: behindTrend,
  examples: (names) => [
    ...names.slice(0, 3).map((name) => ({ text: `${name}, by day`, question: { range: month(), series: [{ event: { event: name } }] } })),
    { text: 'People who did anything, by week', question: { range: { last: 12, unit: 'week', zone: zoneNow(), interval: 'week' }, series: [{ event: {}, measure: { of: 'people' } }] } },
  ],
})
