// A retention's answer: a heat map of who came back when, or the curve of all.
import * as format from '../format.js'
import { make, put } from '../dom.js'
import { button } from '../parts/ask.js'
import { groupName } from '../parts/breakdown.js'
import { chart, dates } from '../parts/chart.js'
import { table } from '../parts/table.js'

export const views = [['table', 'Table'], ['line', 'Curve']]

const percent = (v) => (v === null || v === undefined ? '–' : format.share(v, 1))
const whole = (v) => (v === null || v === undefined ? '' : v > 0 && v < 0.01 ? '<1%' : `${Math.round(100 * v)}%`)

/** periodName names the nth period: the first is the one in which people start. */
export const periodName = (interval, i) => `${interval[0].toUpperCase()}${interval.slice(1)} ${i}`

/**
 * retention draws answers into a box: draw(answer, question, view). open({row, cell, group, other}) is asked for the people
 * behind a number. small is for a card.
 */
export function retention(box, { open = null, small = false }) {
  const headline = make('div', 'headline')
  const plot = make('div')
  const list = make('div', 'retention')
  const choose = make('label', 'inline-field no-print')
  const note = make('p', 'sub note')
  box.replaceChildren(headline, choose, plot, list, note)
  const shown = chart(plot, { label: 'Who comes back', file: 'retention', tall: !small })
  let group = 0 // 0: all people
  const select = make('select', 'field')
  select.setAttribute('aria-label', 'Of which group')
  choose.append(make('span', 'sub', 'Of'), select)
  let redraw = () => {}
  select.addEventListener('change', () => {
    group = Number(select.value)
    redraw()
  })

  function heat(cell, at, words) {
    const text = whole(cell.share)
    // Where nobody came back, those who did not are what there is to see.
    const made = open && at && cell.of ? button(text, () => open(cell.people ? at : { ...at, lost: true }), 'heat') : make('span', 'heat', text)
    made.style.setProperty('--heat', cell.share ?? 0)
    made.title = `${words}: ${format.count(cell.people)} of ${format.count(cell.of)}, ${percent(cell.share)}${cell.incomplete ? ', not over' : ''}`
    if (made.tagName === 'BUTTON') made.setAttribute('aria-label', `${text}, ${made.title}`)
    if (cell.incomplete) made.classList.add('incomplete')
    return made
  }

  /** figures is one of the answer's tables, of all periods or of the first few. */
  function figures(answer, of, most = Infinity) {
    const { period } = answer
    const when = dates(period.interval, period.zone)
    const n = Math.max(0, ...of.rows.map((r) => r.cells.length))
    const mine = { ...(of.group ? { group: of.group } : {}), ...(of.other ? { other: true } : {}) }
    const rows = [{ all: true, i: -1, name: 'All', size: of.rows.reduce((sum, r) => sum + r.size, 0), cells: of.curve }, ...of.rows.map((r, i) => ({ ...r, i, name: when.short(r.from) }))]
    return {
      caption: 'Who comes back', file: 'retention', what: ['row', 'rows'], rows,
      columns: [
        { key: 'start', name: 'Started', value: (r) => (r.all ? '' : r.from), text: (_, r) => r.name, cell: (_, r) => make('span', r.all ? 'all' : '', r.name) },
        {
          key: 'people', name: 'People', kind: 'number', value: (r) => r.size,
          cell: (v, r) => (open && !r.all && v ? button(format.count(v), () => open({ row: r.i, ...mine }), 'bare') : make('span', '', format.count(v))),
        },
        ...Array.from({ length: Math.min(n, most) }, (_, i) => ({
          key: `period ${i}`, name: String(i), title: `${periodName(period.interval, i)} after the start`, kind: 'number', value: (r) => r.cells[i]?.share ?? null,
          cell: (_, r) => {
            const cell = r.cells[i]
            if (!cell || (r.all && cell.share === null)) return make('span', 'heat none', '')
            const words = `${r.name}, ${periodName(period.interval, i).toLowerCase()}`
            return r.all ? heat(cell, null, words) : heat(cell, { row: r.i, cell: i, ...mine }, words)
          },
        })),
      ],
    }
  }

  function drawTable(answer, of) {
    const { rows, ...rest } = figures(answer, of, small ? 8 : Infinity)
    table(list, { ...rest, first: 100, exports: !small }).show(rows)
  }

  function drawCurve(answer) {
    const { interval } = answer.period
    const tables = [answer.all, ...(answer.groups ?? [])]
    const series = tables.map((t, i) => ({ key: i ? JSON.stringify([t.group ?? null, t.other ?? false]) : 'all', name: i ? groupName(t) : 'All', values: t.curve.map((c) => c.share), rest: t.other, incompleteFrom: t.curve.findIndex((c) => c.incomplete) >>> 0 }))
    shown.draw({
      kind: 'line', series, points: answer.all.curve.map((_, i) => String(i)), short: (p) => (p === '0' ? 'start' : p), long: (p) => periodName(interval, Number(p)), axis: 'Period',
      number: percent, axisNumber: (v) => `${Math.round(v * 100)}%`, whole: false, max: Math.max(...series.flatMap((s) => s.values)) > 0.75 ? 1 : undefined,
    })
  }

  return {
    draw(answer, question, view) {
      const tables = [answer.all, ...(answer.groups ?? [])]
      const { period } = answer
      const { interval } = period
      if (group >= tables.length) group = 0
      choose.hidden = view !== 'table' || tables.length === 1
      select.replaceChildren(...tables.map((t, i) => new Option(i ? groupName(t) : 'all people', i)))
      select.value = group
      const next = answer.all.curve[1]
      headline.hidden = !next || next.share === null
      if (!headline.hidden) headline.replaceChildren(make('span', 'value', percent(next.share)), make('span', 'sub', `come back in the next ${interval}${question.or_after ? ' or later' : ''}: ${format.count(next.people)} of ${format.count(next.of)}`))
      plot.hidden = view !== 'line'
      list.hidden = view !== 'table'
      redraw = () => drawTable(answer, tables[group])
      if (view === 'line') drawCurve(answer)
      else redraw()
      put(note, view === 'table' ? `The columns are ${period.interval}s after the start. Hatched: not over for all of them, or not all loaded; the row “All” counts only what is complete.`
        : tables.some((t) => t.curve.some((c) => c.incomplete)) ? 'Dotted: not over, or not all loaded.' : 'Only periods that are complete count.')
    },
    /** figures has the groups' tables one below the other. */
    figures(answer) {
      const tables = [answer.all, ...(answer.groups ?? [])]
      const { columns, ...of } = figures(answer, answer.all)
      if (tables.length === 1) return { ...of, columns }
      return {
        ...of, columns: [{ key: 'group', name: 'Group' }, ...columns],
        rows: tables.flatMap((t, i) => figures(answer, t).rows.map((r) => ({ ...r, group: i ? groupName(t) : 'all people' }))),
      }
    },
  }
}

/** isEmpty tells whether nobody started. */
export const isEmpty = (answer) => answer.all.rows.every((r) => !r.size)

/** tableOf finds the table of a point's group. */
const tableOf = (at, answer) => (at.group || at.other
  ? answer.groups?.find((t) => Boolean(t.other) === Boolean(at.other) && JSON.stringify(t.group ?? null) === JSON.stringify(at.group ?? null)) : answer.all)

/** behindRetention says whose list a point's is. */
export function behindRetention(at, question, answer) {
  const { period } = answer
  const started = `started ${dates(period.interval, period.zone).long(period.buckets[at.row]?.from ?? period.from)}`
  const of = at.group || at.other ? `${groupName(at)}: ` : ''
  const cell = tableOf(at, answer)?.rows[at.row]?.cells[at.cell]
  const { lost, ...back } = at
  const not = cell?.incomplete ? 'not yet back' : 'not back'
  return {
    title: `${of}${started}${at.cell === undefined ? '' : `, ${lost ? not : 'back'} in ${periodName(period.interval, at.cell).toLowerCase()}${question.or_after ? ' or later' : ''}`}`,
    point: { retention: { retention: question, ...at } }, words: { events: 'Returns', first: 'Started', last: 'Last return' },
    ways: cell ? [{ text: `Came back: ${format.count(cell.people)}`, at: back }, { text: `Did not${cell.incomplete ? ' yet' : ''}: ${format.count(cell.of - cell.people)}`, at: { ...back, lost: true } }] : [],
    way: lost ? 1 : 0,
  }
}
