// Charts of lines, areas and bars in the house's colours, in either scheme; with a legend whose parts can be hidden, a
// table that holds the same numbers, and keys that read them out.
import * as format from '../format.js'
import { make, mark, put } from '../dom.js'
import { axes, colours, hatch, onPaper, onTheme, palette, slots, tipOf, whenReady } from './palette.js'
import { button } from './ask.js'
import { table } from './table.js'

/** dates writes the points of a time axis, given their interval: minute, hour, day, week or month. */
export function dates(interval, zone) {
  const in_ = { timeZone: zone || undefined }
  const options = {
    minute: [{ hour: '2-digit', minute: '2-digit' }, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }],
    hour: [{ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }],
    day: [{ day: 'numeric', month: 'short' }, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }],
    week: [{ day: 'numeric', month: 'short' }, { day: 'numeric', month: 'short', year: 'numeric' }],
    month: [{ month: 'short', year: '2-digit' }, { month: 'long', year: 'numeric' }],
  }[interval] ?? [{ day: 'numeric', month: 'short' }, { day: 'numeric', month: 'short', year: 'numeric' }]
  const [short, long] = options.map((o) => new Intl.DateTimeFormat('en-GB', { ...o, ...in_ }))
  return { short: (t) => short.format(new Date(t)), long: (t) => `${interval === 'week' ? 'Week of ' : ''}${long.format(new Date(t))}` }
}

/**
 * chart takes over a box.
 *
 *     const c = chart(box, { label: 'Events each day', file: 'trend', onPoint: ({ series, index }) => … })
 *     c.draw({
 *       kind: 'line' | 'area' | 'bar',        // 'bar' and 'area' are stacked unless stack is false
 *       points: ['2026-11-01T00:00:00Z', …],   // of the axis: times, or any texts
 *       short: (point) => …, long: (point) => …, // how points are written; see dates
 *       series: [{ key, name, values: [1, null, …], dashed, incompleteFrom, colour }], // null: no value
 *       number: format.count,                  // how values are written
 *       stack: true, max: undefined,           // max: where the axis ends, where that is known
 *     })
 *
 * Of more series than there are colours the last ones are grey. incompleteFrom is the index from which a series' values
 * are not complete yet: bars are hatched, lines dotted. dashed is for what it is compared with. colour takes another
 * series' key, to be drawn in its colour and hidden with it. rest is for all others together: it is grey. A press is told
 * to onPoint with the series that is meant, by its height.
 */
export function chart(box, { label, file = label, onPoint = null, tall = false }) {
  const legend = make('ul', 'legend')
  legend.setAttribute('aria-label', 'What the chart shows')
  const canvas = make('div', tall ? 'chart tall' : 'chart')
  const help = make('p', 'unseen', `Arrow keys move along the chart${onPoint ? ', up and down from series to series, Enter opens what is behind a point' : ''}.`)
  const said = make('p', 'unseen')
  const figures = make('details', 'figures', '', make('summary', '', 'The same as a table'), make('div'))
  said.setAttribute('aria-live', 'polite')
  canvas.tabIndex = 0
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', label)
  box.replaceChildren(legend, canvas, help, said, figures)

  const calm = matchMedia('(prefers-reduced-motion: reduce)')
  const slotOf = slots(colours)
  const hidden = new Set()
  let colour = null
  let library = null
  let what = null
  let slot = new Map()
  let pointed = -1
  let still = false // it is printed
  let chosen = 0 // of the series that are shown, by the keys

  onTheme(() => {
    colour = null
    redraw()
  })
  whenReady((echarts) => {
    library = echarts.init(canvas, null, { renderer: 'canvas' })
    library.getZr().setSleepAfterStill(1)
    new ResizeObserver(() => { if (!still) library.resize() }).observe(canvas)
    onPaper(library, (is) => {
      still = is
      colour = null
      redraw()
    })
    if (onPoint) {
      library.getZr().on('click', (press) => {
        const at = [press.offsetX, press.offsetY]
        if (!what || !library.containPixel({ gridIndex: 0 }, at)) return
        const [index, value] = library.convertFromPixel({ gridIndex: 0 }, at)
        const series = nearest(Math.round(index), value)
        if (series) onPoint({ series, index: Math.round(index) })
      })
      library.getZr().on('mousemove', (move) => library.getZr().setCursorStyle(library.containPixel({ gridIndex: 0 }, [move.offsetX, move.offsetY]) ? 'pointer' : 'default'))
    }
    redraw()
  })
  const shown = () => what.series.filter((s) => !hidden.has(s.colour ?? s.key))
  const listed = () => what.series.filter((s) => s.colour === undefined)
  const place = (s) => slot.get(s.colour ?? s.key)
  const tone = (s) => (place(s) === undefined ? 'var(--part-rest)' : `var(--part-${place(s)})`)
  const toneNow = (s) => (place(s) === undefined ? colour.rest : colour.parts[place(s)])
  const number = (v) => (v === null || v === undefined ? '–' : (what.number ?? format.count)(v))
  const long = (i) => (what.long ?? what.short ?? String)(what.points[i])
  function swatch(s) {
    const made = make('i', 'swatch')
    made.style.setProperty('--swatch', tone(s))
    return made
  }

  function drawLegend() {
    legend.replaceChildren(...listed().map((s) => {
      const name = make('span', 'cut', s.name)
      name.title = s.name
      const entry = button('', () => {
        if (!hidden.delete(s.key)) hidden.add(s.key)
        redraw()
        legend.children[listed().indexOf(s)]?.firstElementChild.focus()
      }, '')
      entry.append(swatch(s), name)
      if (s.total !== undefined) entry.append(make('span', 'number', number(s.total)))
      mark(entry, 'aria-pressed', !hidden.has(s.key))
      return make('li', '', '', entry)
    }))
    legend.hidden = listed().length < 2
  }

  function drawTable() {
    if (!figures.open || !what) return
    const rows = what.points.map((point, i) => ({ i, point }))
    table(figures.lastElementChild, {
      caption: label, file,
      columns: [
        { key: 'point', name: what.axis ?? 'Time', text: (_, row) => long(row.i) },
        ...what.series.map((s) => ({ key: s.name, name: s.name, kind: 'number', value: (row) => s.values[row.i], text: number })),
      ],
    }).show(rows)
  }
  figures.addEventListener('toggle', drawTable)

  const isStacked = (s) => what.stack !== false && what.kind !== 'line' && !s.dashed

  /** nearest gives the series whose value at an index is meant by a press at a height. */
  function nearest(index, height) {
    const has = shown().filter((s) => s.values[index])
    let top = 0
    const ends = has.map((s) => [s, isStacked(s) ? (top += s.values[index]) : s.values[index]])
    const within = ends.find(([s, end]) => isStacked(s) && height <= end)
    if (within) return within[0]
    return ends.reduce((best, one) => (!best || Math.abs(one[1] - height) < Math.abs(best[1] - height) ? one : best), null)?.[0]
  }

  function seriesOf(s) {
    const stacked = isStacked(s)
    const from = s.incompleteFrom ?? Infinity
    const base = { id: s.key, name: s.name, stack: stacked ? 'all' : undefined, itemStyle: { color: toneNow(s) }, emphasis: { disabled: true } }
    if (what.kind === 'bar' && !s.dashed) {
      const data = s.values.map((v, i) => (i >= from && v ? { value: v, itemStyle: { color: hatch(toneNow(s)), borderColor: toneNow(s), borderWidth: 1 } } : v || '-'))
      return [{ ...base, type: 'bar', data, barCategoryGap: '24%', barMaxWidth: 56 }]
    }
    const line = {
      ...base, type: 'line', data: s.values.map((v, i) => (i >= from ? null : v)), symbol: 'circle', symbolSize: 5, showSymbol: what.points.length < 2,
      lineStyle: { width: s.dashed ? 1.5 : 2, type: s.dashed ? 'dashed' : 'solid', color: toneNow(s), opacity: s.dashed ? 0.7 : 1 },
      areaStyle: what.kind === 'area' && !s.dashed ? { color: toneNow(s), opacity: stacked ? 0.25 : 0.1 } : undefined,
    }
    if (from >= s.values.length) return [line]
    // The stretch up to a value that still grows is dotted.
    const rest = {
      ...line, id: `${s.key} …`, data: s.values.map((v, i) => (i >= from - 1 ? v : null)), lineStyle: { ...line.lineStyle, type: 'dotted' },
      // Its own stack: where both begin they stand at the same height.
      stack: stacked ? 'rest' : undefined, areaStyle: line.areaStyle && { ...line.areaStyle, opacity: stacked ? 0.1 : 0.05 },
    }
    return [line, rest]
  }

  function redraw() {
    if (!what) return
    slot = slotOf(listed().filter((s) => !s.rest).map((s) => s.key).slice(0, colours))
    drawLegend()
    drawTable()
    mark(canvas, 'data-points', what.points.length)
    if (!library) return
    colour ??= palette()
    const common = axes(colour)
    const values = shown().flatMap((s) => s.values).filter((v) => v !== null && v !== undefined)
    const widest = Math.max(...values.map((v) => axisText(v).length), 3)
    library.setOption({
      ...common,
      animation: !calm.matches && !still, animationDuration: 0, animationDurationUpdate: 250,
      grid: { ...common.grid, left: Math.min(90, 14 + widest * 7), right: 10 },
      xAxis: {
        ...common.xAxis, type: 'category', data: what.points, boundaryGap: what.kind === 'bar',
        axisLabel: { ...common.xAxis.axisLabel, formatter: (v) => (what.short ?? String)(v), hideOverlap: true },
        axisTick: { ...common.xAxis.axisTick, alignWithLabel: true },
      },
      yAxis: {
        ...common.yAxis, type: 'value', splitNumber: 4, max: what.max, interval: what.max && what.max / 4, minInterval: what.whole === false ? undefined : 1,
        axisLabel: { ...common.yAxis.axisLabel, formatter: axisText },
      },
      tooltip: { ...common.tooltip, axisPointer: what.kind === 'bar' ? common.tooltip.axisPointer : { type: 'line', lineStyle: { color: colour.soft } }, formatter: (points) => tip(points[0].dataIndex) },
      series: shown().flatMap(seriesOf),
    }, { notMerge: true })
  }
  const axisText = (v) => (what.axisNumber ?? (what.number && what.number !== format.count ? what.number : format.axis))(v)

  function tip(i) {
    const rows = shown().filter((s) => s.values[i] !== null && s.values[i] !== undefined)
      .map((s) => [s.name, number(s.values[i]) + (i >= (s.incompleteFrom ?? Infinity) ? ' so far' : ''), swatch(s)])
    if (!rows.length) rows.push(['no value', '–', null])
    const most = 12
    const cut = rows.length > most ? [...rows.slice(0, most), [`and ${rows.length - most} more`, '', null]] : rows
    return tipOf(make('strong', '', long(i)), cut)
  }

  canvas.addEventListener('keydown', (key) => {
    const last = (what?.points.length ?? 0) - 1
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }
    if (!library || last < 0) return
    const all = shown()
    if (key.key === 'Enter' && onPoint && pointed >= 0 && all[chosen]) {
      key.preventDefault() // it would press what gets the focus in the list that opens
      return void onPoint({ series: all[chosen], index: pointed })
    }
    const other = onPoint && all.length > 1 ? { ArrowUp: -1, ArrowDown: 1 }[key.key] : 0
    if (!(key.key in moves) && !other) return
    key.preventDefault()
    if (other) chosen = (Math.min(chosen, all.length - 1) + other + all.length) % all.length
    else pointed = Math.min(last, Math.max(0, (pointed < 0 ? last + 1 : pointed) + moves[key.key]))
    chosen = Math.min(chosen, Math.max(0, all.length - 1))
    if (pointed < 0) pointed = last
    library.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: pointed })
    const enter = onPoint && all.length > 1 ? `. Enter opens ${all[chosen].name}` : ''
    put(said, `${long(pointed)}: ${all.map((s) => `${s.name} ${number(s.values[pointed])}`).join(', ')}${enter}`)
  })
  canvas.addEventListener('blur', () => {
    pointed = -1
    library?.dispatchAction({ type: 'hideTip' })
  })

  return {
    draw(next) {
      what = next
      for (const key of hidden) if (!next.series.some((s) => s.key === key)) hidden.delete(key)
      redraw()
    },
  }
}
