// The chart of events each minute: what is in the warehouse, divided by source or by name, and on top of it what is on
// its way there.
import * as format from './format.js'
import { byId, make, mark, put, setting } from './dom.js'
import { exports, heads } from './parts/sorted.js'
import { axes, colours, hatch, onPaper, onTheme, palette, slots, tipOf, whenReady } from './parts/palette.js'

const minutes = 60
const animated = 4 // series at most: more are drawn anew each second without a movement between
const rest = 'all others'

/** parts divides a snapshot's minutes: [{key, name, values, total}], the largest first, no more than there are colours. */
export function parts(s, by) {
  const from = Date.parse(s.from)
  const at = (minute) => Math.round((Date.parse(minute) - from) / 60_000)
  const settled = new Array(minutes).fill(0)
  const flying = new Array(minutes).fill(0)
  const duplicate = new Array(minutes).fill(0)
  const dead = new Array(minutes).fill(0)
  for (const m of s.minutes) {
    const i = at(m.minute)
    if (i < 0 || i >= minutes) continue
    settled[i] += m.loaded
    flying[i] += m.in_flight
    duplicate[i] += m.duplicate
    dead[i] += m.dead
  }
  const divided = new Map()
  const add = (key, name, minute, n) => {
    const i = at(minute)
    if (i < 0 || i >= minutes || !n) return
    if (!divided.has(key)) divided.set(key, { key, name, values: new Array(minutes).fill(0), total: 0 })
    const part = divided.get(key)
    part.values[i] += n
    part.total += n
  }
  if (by === 'name') {
    for (const n of s.names) {
      for (const m of n.minutes) add(`${n.type}\n${n.event ?? ''}`, format.nameOf(n.type, n.event), m.minute, m.loaded)
    }
  } else {
    for (const m of s.minutes) add(m.source, m.source, m.minute, m.loaded)
  }
  let list = [...divided.values()].sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1))
  const listed = list.slice(0, colours).reduce((sum, part) => sum.map((n, i) => n + part.values[i]), new Array(minutes).fill(0))
  const others = settled.map((n, i) => Math.max(0, n - listed[i]))
  const othersTotal = others.reduce((a, b) => a + b, 0)
  list = list.slice(0, colours)
  if (othersTotal) list.push({ key: '', name: rest, values: others, total: othersTotal })
  return { from, list, settled, flying, duplicate, dead }
}

/** painted is the palette, with the pattern of what is in flight. */
function painted() {
  const colour = palette()
  return { ...colour, hatch: hatch(colour.flight) }
}

/** minutesChart gives the function that draws snapshots. */
export function minutesChart() {
  const box = byId('chart')
  const legend = byId('legend')
  const total = byId('minutes-total')
  const figures = byId('figures')
  const said = byId('chart-said')
  const calm = matchMedia('(prefers-reduced-motion: reduce)')
  const colourOf = slots(colours)
  const hidden = new Set()
  let by = setting.get('by') === 'name' ? 'name' : 'source'
  let chart = null
  let colour = painted()
  let latest = null
  let drawn = null // what the chart shows
  let pointed = -1
  let still = false // it is printed

  for (const radio of byId('by').elements) {
    radio.checked = radio.value === by
    radio.addEventListener('change', () => {
      by = radio.value
      setting.set({ by: by === 'name' ? by : '' })
      hidden.clear()
      redraw()
    })
  }
  onTheme(() => {
    colour = painted()
    redraw()
  })
  whenReady((echarts) => {
    chart = echarts.init(box, null, { renderer: 'canvas' })
    chart.getZr().setSleepAfterStill(1) // what stands still is not looked at in each frame
    new ResizeObserver(() => {
      if (still) return
      chart.resize()
      redraw()
    }).observe(box)
    onPaper(chart, (is) => {
      still = is
      colour = painted()
      redraw()
    })
    redraw()
  })

  const timeOf = (i) => new Date(drawn.from + i * 60_000)
  const label = (i) => (i === minutes - 1 ? `${format.minute(timeOf(i))}, the minute that is under way` : format.minute(timeOf(i)))

  function tip(i) {
    const when = make('strong', '', label(i))
    when.title = format.utc(timeOf(i))
    const rows = drawn.list.filter((p) => p.values[i] && !hidden.has(p.key)).map((p) => [p.name, p.values[i], swatch(p.key)])
    if (drawn.flying[i]) rows.push(['in flight', drawn.flying[i], swatch('flight')])
    if (drawn.list.length > 1 || drawn.flying[i]) rows.push(['together', drawn.settled[i] + drawn.flying[i], null])
    if (drawn.duplicate[i]) rows.push(['duplicates dropped', drawn.duplicate[i], null])
    if (drawn.dead[i]) rows.push(['dead letters', drawn.dead[i], null])
    if (!rows.length) rows.push(['events', 0, null])
    return tipOf(when, rows.map(([name, n, of]) => [name, format.count(n), of]))
  }

  function swatch(key) {
    const found = make('i', key === 'flight' ? 'swatch flight' : 'swatch')
    if (key !== 'flight') found.style.setProperty('--swatch', tone(key))
    return found
  }

  const tone = (key) => (key === '' ? 'var(--part-rest)' : `var(--part-${drawn.colours.get(key)})`)
  const toneNow = (key) => (key === '' ? colour.rest : colour.parts[drawn.colours.get(key)])

  const entries = new Map()
  function drawLegend() {
    const wanted = drawn.list.map((p) => ({ key: p.key, name: p.name, total: p.total }))
    if (wanted.length === 1 && by === 'source') wanted[0] = { ...wanted[0], name: 'in the warehouse' }
    wanted.push({ key: 'flight', name: 'in flight', total: drawn.flying.reduce((a, b) => a + b, 0) })
    const gone = new Set(entries.keys())
    wanted.forEach((w, i) => {
      gone.delete(w.key)
      let entry = entries.get(w.key)
      if (!entry) {
        const name = make('span', 'cut')
        const n = make('span', 'number')
        const swatch = make('i', w.key === 'flight' ? 'swatch flight' : 'swatch')
        const button = make('button', '', '', swatch, name, n)
        button.type = 'button'
        button.addEventListener('click', () => {
          if (!hidden.delete(w.key)) hidden.add(w.key)
          redraw()
        })
        entries.set(w.key, (entry = { item: make('li', '', '', button), button, name, n, swatch }))
      }
      put(entry.name, w.name, w.name)
      put(entry.n, format.compact(w.total), format.count(w.total))
      if (w.key !== 'flight') mark(entry.swatch, 'style', `--swatch: ${tone(w.key)}`)
      mark(entry.button, 'aria-pressed', !hidden.has(w.key))
      if (legend.children[i] !== entry.item) legend.insertBefore(entry.item, legend.children[i] ?? null)
    })
    for (const key of gone) {
      entries.get(key).item.remove()
      entries.delete(key)
    }
  }

  function drawChart(rolled) {
    const last = minutes - 1
    const every = box.clientWidth < 560 ? 20 : 10
    // A bar of no height would still have an outline.
    const bars = (values) => values.map((v, i) => (i === last && v ? { value: v, itemStyle: { opacity: 0.62 } } : v || '-'))
    const series = drawn.list.filter((p) => !hidden.has(p.key)).map((p) => ({
      id: `part ${p.key}`, name: p.name, type: 'bar', stack: 'all', data: bars(p.values), itemStyle: { color: toneNow(p.key) },
      emphasis: { disabled: true }, barCategoryGap: '24%',
    }))
    if (!hidden.has('flight')) {
      series.push({
        id: 'flight', name: 'in flight', type: 'bar', stack: 'all', data: drawn.flying.map((v) => v || '-'), emphasis: { disabled: true }, barCategoryGap: '24%',
        itemStyle: { color: colour.hatch, borderColor: colour.flight, borderWidth: 1 },
      })
    }
    // A line that nobody sees, so that a minute in which nothing came can be pointed at, too.
    series.push({ id: 'ground', type: 'line', data: drawn.settled.map(() => 0), symbol: 'none', silent: true, lineStyle: { opacity: 0 } })
    const common = axes(colour)
    chart.setOption({
      ...common,
      animation: !rolled && !still && !calm.matches && series.length <= animated, animationDuration: 0, animationDurationUpdate: 350, animationEasingUpdate: 'linear',
      xAxis: {
        ...common.xAxis, type: 'category', data: drawn.settled.map((_, i) => i),
        axisTick: { ...common.xAxis.axisTick, alignWithLabel: true, interval: (i) => i === last || timeOf(i).getMinutes() % every === 0 },
        axisLabel: {
          ...common.xAxis.axisLabel, hideOverlap: false,
          interval: (i) => i === last || (timeOf(i).getMinutes() % every === 0 && i < last - every / 3 && i > 1),
          formatter: (i) => (Number(i) === last ? '{now|now}' : format.minute(timeOf(Number(i)))),
          rich: { now: { color: colour.ink, fontSize: 12, fontWeight: 600 } },
        },
      },
      yAxis: { ...common.yAxis, type: 'value', minInterval: 1, splitNumber: 3, axisLabel: { ...common.yAxis.axisLabel, formatter: format.axis } },
      tooltip: { ...common.tooltip, formatter: (points) => tip(points[0].dataIndex) },
      series,
    }, { replaceMerge: ['series'] })
  }

  // The minutes as a table: a row each that is kept, so that what is read does not go away under the eyes.
  const columns = [
    { key: 'minute', name: 'Minute', value: (i) => timeOf(i).toISOString() },
    ...[
      ['together', 'Together', (i) => drawn.settled[i] + drawn.flying[i]], ['loaded', 'In the warehouse', (i) => drawn.settled[i]], ['in_flight', 'In flight', (i) => drawn.flying[i]],
      ['duplicate', 'Duplicates', (i) => drawn.duplicate[i]], ['dead', 'Dead letters', (i) => drawn.dead[i]],
    ].map(([key, name, value]) => ({ key, name, value, desc: true, className: 'number' })),
  ]
  const newestFirst = Array.from({ length: minutes }, (_, i) => minutes - 1 - i)
  const valueOf = (column, i) => column.value(i)
  const rows = []
  let sorted = null
  function makeFigures() {
    sorted = heads(figures.querySelector('thead tr'), columns, { valueOf, onSort: drawFigures })
    byId('figures-files').append(...exports('The minutes', 'minutes', columns, { valueOf, rows: () => sorted.ordered(newestFirst) }), sorted.said)
    for (let i = 0; i < minutes; i++) {
      const cells = columns.map((_, c) => make(c ? 'td' : 'th', c ? 'number' : ''))
      cells[0].scope = 'row'
      rows.push({ cells, element: make('tr', '', '', ...cells) })
    }
  }
  function drawFigures() {
    if (!figures.open) return
    if (!sorted) makeFigures()
    rows.forEach(({ cells }, i) => {
      put(cells[0], i === minutes - 1 ? `${format.minute(timeOf(i))} (under way)` : format.minute(timeOf(i)), format.utc(timeOf(i)))
      columns.slice(1).forEach((column, c) => put(cells[c + 1], format.count(column.value(i))))
    })
    const body = figures.querySelector('tbody')
    sorted.ordered(newestFirst).forEach((i, at) => {
      if (body.children[at] !== rows[i].element) body.insertBefore(rows[i].element, body.children[at] ?? null)
    })
  }
  figures.addEventListener('toggle', () => drawn && drawFigures())

  function redraw() {
    if (!latest) return
    const before = drawn?.from
    drawn = parts(latest, by)
    drawn.colours = colourOf(drawn.list.map((p) => p.key).filter((k) => k !== ''))
    const sum = (values) => values.reduce((a, b) => a + b, 0)
    const [settled, flying] = [sum(drawn.settled), sum(drawn.flying)]
    put(total, `${format.count(settled)} in the warehouse${flying ? `, ${format.count(flying)} in flight` : ''}, of the last ${minutes} minutes`)
    mark(box, 'data-settled', settled)
    mark(box, 'data-flying', flying)
    drawLegend()
    drawFigures()
    if (chart) drawChart(before !== drawn.from)
  }

  // The chart can be read with the keyboard, and by ear.
  box.addEventListener('keydown', (key) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -minutes, End: minutes }
    if (!chart || !drawn || !(key.key in moves)) return
    key.preventDefault()
    pointed = Math.min(minutes - 1, Math.max(0, (pointed < 0 ? minutes - 1 : pointed) + moves[key.key]))
    // By its place: a minute in which nothing came has no bar to be named by.
    chart.dispatchAction({ type: 'showTip', x: chart.convertToPixel({ xAxisIndex: 0 }, pointed), y: box.clientHeight / 2 })
    const i = pointed
    put(said, `${label(i)}: ${format.count(drawn.settled[i] + drawn.flying[i])} events, ${format.count(drawn.flying[i])} of them in flight`)
  })
  box.addEventListener('blur', () => {
    pointed = -1
    chart?.dispatchAction({ type: 'hideTip' })
  })

  return (s) => {
    latest = s
    redraw()
  }
}
