// The stylesheet's colours, for what is drawn on a canvas.
import { make } from '../dom.js'

export const colours = 8 // --part-0 … in the stylesheet

/** palette reads the colours as the theme has them now. */
export function palette() {
  const probe = make('i')
  probe.hidden = true
  document.body.append(probe)
  const read = (name) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const found = {
    ink: read('ink'), soft: read('soft'), line: read('line'), paper: read('paper'), raised: read('raised'), flight: read('flight'),
    accent: read('accent'), rest: read('part-rest'), parts: Array.from({ length: colours }, (_, i) => read(`part-${i}`)),
  }
  probe.remove()
  return found
}

/** onTheme calls repaint when the colours have become others. */
export function onTheme(repaint) {
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme'] })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint)
}

/**
 * onPaper draws a chart for a print, in the light colours and as wide as a sheet, and as it was before afterwards. library
 * is ECharts' chart, redraw(still) draws it in the colours of now.
 */
export function onPaper(library, redraw) {
  const paper = (is) => document.documentElement.toggleAttribute('data-paper', is)
  addEventListener('beforeprint', () => {
    paper(true)
    library.resize({ width: 960, height: 340 })
    redraw(true)
    library.getZr().flush()
  })
  addEventListener('afterprint', () => {
    paper(false)
    library.resize({ width: 'auto', height: 'auto' })
    redraw(false)
  })
}

/** slots gives each key a colour of its own for as long as it is there. */
export function slots(n) {
  let held = new Map()
  return (keys) => {
    const next = new Map(keys.filter((k) => held.has(k)).map((k) => [k, held.get(k)]))
    const free = [...Array(n).keys()].filter((i) => ![...next.values()].includes(i))
    for (const k of keys) if (!next.has(k)) next.set(k, free.shift())
    held = next
    return held
  }
}

/** hatch is a pattern that is told apart without its colour: of what is in flight, or not complete. */
export function hatch(colour) {
  const size = 6
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const pen = canvas.getContext('2d')
  pen.strokeStyle = colour
  pen.lineWidth = 2.4
  pen.beginPath()
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1)
    pen.lineTo(shift + size + 1, -1)
  }
  pen.stroke()
  return { image: canvas, repeat: 'repeat' }
}

/** whenReady calls begin when the chart library is there. */
export function whenReady(begin) {
  if (window.echarts) begin(window.echarts)
  else document.getElementById('chart-library').addEventListener('load', () => begin(window.echarts))
}

/** tipOf is what a chart shows of one place: a title, and lines of [name, text, swatch element or null]. */
export function tipOf(title, rows) {
  const list = make('dl')
  for (const [name, text, swatch] of rows) {
    const term = make('dt', 'cut')
    if (swatch) term.append(swatch)
    term.append(name)
    list.append(term, make('dd', '', text))
  }
  return make('div', 'tip', '', title, list)
}

/** axes is what all charts have in common. */
export function axes(colour) {
  const label = { color: colour.soft, fontSize: 12 }
  return {
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 46, right: 6, top: 10, bottom: 24 },
    xAxis: { axisLine: { lineStyle: { color: colour.line } }, axisTick: { lineStyle: { color: colour.line } }, axisLabel: label },
    yAxis: { axisLabel: label, splitLine: { lineStyle: { color: colour.line } } },
    tooltip: {
      trigger: 'axis', axisPointer: { type: 'shadow', shadowStyle: { color: colour.ink, opacity: 0.06 } }, confine: true, transitionDuration: 0,
      backgroundColor: colour.raised, borderColor: colour.line, borderWidth: 1, padding: 0, textStyle: { color: colour.ink, fontSize: 13 },
    },
  }
}
