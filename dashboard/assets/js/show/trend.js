// A trend's answer: lines, bars, areas, numbers or a table.
import * as format from '../format.js'
import { make, put } from '../dom.js'
import { button } from '../parts/ask.js'
import { groupName, lastName } from '../parts/breakdown.js'
import { chart, dates } from '../parts/chart.js'
import { stepName } from '../parts/events.js'
import { sparkline } from '../parts/sparkline.js'
import { table } from '../parts/table.js'

export const views = [['line', 'Line'], ['bar', 'Bars'], ['area', 'Area'], ['number', 'Number'], ['table', 'Table']]

const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const coarse = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** written writes a number: whole ones grouped, others in four digits. */
export const written = (v) => (v === null || v === undefined ? '–' : Number.isInteger(v) ? format.count(v) : Math.abs(v) < 1000 ? fine.format(v) : coarse.format(v))

/** changeOf puts a change into words: +12% */
export function changeOf(now, before) {
  if (now === null || now === undefined || !before) return ''
  const part = (100 * (now - before)) / Math.abs(before)
  if (part >= 1000) return `×${format.count(Math.round(now / before))}`
  return `${part > 0 ? '+' : part < 0 ? '−' : '±'}${Math.abs(part).toFixed(Math.abs(part) < 9.95 ? 1 : 0)}%`
}

const aggregates = { count: '', people: 'people', sessions: 'sessions', sum: 'sum of', avg: 'average of', min: 'lowest', max: 'highest' }

/** measured puts a measure (query.Measure) into words. */
export function measured({ of = 'count', field = '', percentile = 0 } = {}) {
  const what = of !== 'percentile' ? aggregates[of] : percentile === 50 ? 'median of' : `${percentile}th percentile of`
  return `${what} ${field && lastName(field)}`.trim()
}

/** seriesName names a series: Order Completed, people */
export const seriesName = (s) => [stepName(s), s.label ? '' : measured(s.measure)].filter(Boolean).join(', ')

/** lineName names a line of the answer. */
export function lineName(line, question) {
  const what = line.formula === undefined ? seriesName(question.series[line.series]) : question.formulas[line.formula]
  if (!question.breakdown) return what
  return question.series.length + (question.formulas?.length ?? 0) === 1 ? groupName(line) : `${groupName(line)} – ${what}`
}

/** keyOf tells a line from the others of its answer. */
export const keyOf = (line) => JSON.stringify([line.series, line.formula ?? null, line.group ?? null, line.other ?? false])

/** notOver is the index from which the buckets are not complete. */
export function notOver(buckets) {
  let from = buckets.length
  while (from > 0 && buckets[from - 1].incomplete) from--
  return from
}

/** pointOf is a number of a line, as query.TrendPoint has it; null: a formula's, behind which is nobody. */
export function pointOf(line, bucket, previous = false) {
  if (line.formula !== undefined) return null
  return { series: line.series, ...(bucket === null ? {} : { bucket }), ...(line.group ? { group: line.group } : {}), ...(line.other ? { other: true } : {}), ...(previous ? { previous: true } : {}) }
}

/**
 * trend draws answers into a box: draw(answer, question, view). open(point) is asked for the people behind a number. small
 * is for a card; figures(answer, question) gives all of it as a table's columns and rows, to export.
 */
export function trend(box, { open = null, small = false }) {
  const headline = make('div', 'headline')
  const plot = make('div')
  const note = make('p', 'sub note')
  const list = make('div', 'lines-table')
  const numbers = make('div', 'big-numbers')
  box.replaceChildren(numbers, headline, plot, note, list)
  let lines = []
  const shown = chart(plot, {
    label: 'The trend', file: 'trend', tall: !small,
    onPoint: open && (({ series, index }) => {
      const line = lines.find((l) => l.key === (series.colour ?? series.key))
      const at = line && pointOf(line, index, series.colour !== undefined)
      if (at) open(at)
    }),
  })

  /** opener is a number that opens who is behind it, where somebody can be. */
  function opener(line, bucket, v, className = 'bare') {
    const at = pointOf(line, bucket)
    const text = written(v)
    if (!open || !at || !v) return make('span', className === 'bare' ? '' : className, text)
    const made = button(text, () => open(at), className)
    made.title = 'Who is behind it'
    return made
  }
  const compared = (line) => `${changeOf(line.total, line.previous_total)} from ${written(line.previous_total)} before`.trim()

  function drawNumbers() {
    numbers.replaceChildren(...lines.slice(0, small ? 4 : 48).map((line) => {
      const one = make('div', 'big-number', '', make('p', 'sub cut', line.name), opener(line, null, line.total, 'value'))
      if (line.previous_total !== undefined) one.append(make('p', 'sub', compared(line)))
      const bars = sparkline(line.values.length)
      bars.draw(line.values.map((v) => Math.max(0, v ?? 0)))
      one.append(bars.chart)
      return one
    }))
  }

  /** figures is the answer as a table, whichever way it is drawn; buckets: with a column for each. */
  function figures({ period, previous }, question, buckets) {
    const when = dates(period.interval, period.zone)
    const from = notOver(period.buckets)
    const columns = [
      { key: 'name', name: question.breakdown ? question.breakdown.by.map(lastName).join(', ') : 'Series' },
      { key: 'total', name: 'In all', kind: 'number', cell: (v, line) => opener(line, null, v) },
    ]
    if (previous) {
      columns.push(
        { key: 'previous_total', name: 'Before', kind: 'number', text: written },
        { key: 'change', name: 'Change', kind: 'number', value: (l) => (l.previous_total ? (l.total - l.previous_total) / Math.abs(l.previous_total) : null), text: (_, l) => changeOf(l.total, l.previous_total) },
      )
    }
    if (buckets) {
      columns.push(...period.buckets.map((b, i) => ({
        key: b.from, name: when.short(b.from) + (i >= from ? ' …' : ''), title: when.long(b.from) + (i >= from ? ', not over' : ''),
        kind: 'number', value: (l) => l.values[i], cell: (v, l) => opener(l, i, v),
      })))
    }
    return { caption: 'The trend in numbers', file: 'trend', what: ['line', 'lines'], columns, rows: lines }
  }

  function drawTable(answer, question, buckets) {
    const { rows, ...of } = figures(answer, question, buckets)
    table(list, { ...of, first: 100, exports: !small }).show(rows)
  }

  function drawChart({ period, previous }, question, view) {
    const when = dates(period.interval, period.zone)
    const from = notOver(period.buckets)
    const additive = question.series.length === 1 && !question.formulas && ['count', 'sum', undefined].includes(question.series[0].measure?.of)
    const series = lines.map((l) => ({ key: l.key, name: l.name, values: l.values, incompleteFrom: from, rest: l.other }))
    if (previous) {
      series.push(...lines.map((l) => ({
        key: `${l.key} before`, name: lines.length > 1 ? `${l.name}, before` : 'before', colour: l.key, dashed: true, values: period.buckets.map((_, i) => l.previous?.[i] ?? null),
      })))
    }
    shown.draw({
      kind: view, stack: additive, series, points: period.buckets.map((b) => b.from), short: when.short, long: when.long,
      number: written, axisNumber: (v) => (Number.isInteger(v) ? format.axis(v) : written(v)), whole: lines.every((l) => l.values.every((v) => Number.isInteger(v ?? 0))),
    })
    const parts = []
    const open = period.buckets.length - from
    if (open) parts.push(`${open === 1 ? `The last ${period.interval} is` : `The last ${open} ${period.interval}s are`} not over, or not all loaded: ${view === 'bar' ? 'hatched' : 'dotted'}.`)
    if (previous) parts.push(`Dashed: the period before, from ${when.long(previous.from)}.`)
    put(note, parts.join(' '))
  }

  return {
    draw(answer, question, view) {
      lines = answer.lines.map((line) => ({ ...line, key: keyOf(line), name: lineName(line, question) }))
      const drawn = ['line', 'bar', 'area'].includes(view)
      const one = drawn && lines.length === 1
      plot.hidden = note.hidden = !drawn
      numbers.hidden = view !== 'number'
      headline.hidden = !one
      list.hidden = view === 'number' || (drawn && (small || one))
      if (one) {
        const [line] = lines
        headline.replaceChildren(opener(line, null, line.total, 'value'), make('span', 'sub', line.name))
        if (line.previous_total !== undefined) headline.append(make('span', 'sub', compared(line)))
      }
      if (view === 'number') drawNumbers()
      if (drawn) drawChart(answer, question, view)
      if (!list.hidden) drawTable(answer, question, view === 'table')
    },
    figures: (answer, question) => figures(answer, question, true),
  }
}

/** isEmpty tells whether there is nothing to show. */
export const isEmpty = (answer) => answer.lines.every((l) => l.values.every((v) => !v) && !l.previous?.some((v) => v))

/** behindTrend says whose list a point's is. */
export function behindTrend(at, question, answer) {
  const period = at.previous ? answer.previous : answer.period
  const when = dates(period.interval, period.zone)
  const time = at.bucket === undefined ? `${when.long(period.from)} to ${when.long(period.buckets.at(-1).from)}` : when.long(period.buckets[at.bucket]?.from ?? period.from)
  return { title: `${lineName(at, question)}, ${time}`, point: { trend: { trend: question, ...at } }, answer }
}
