// A small chart in a line of text or a table's cell.
import { mark, spark } from '../dom.js'

const svg = 'http://www.w3.org/2000/svg'

/** sparkline makes one of so many bars: draw(values, peak) draws it, against its own greatest value unless told. */
export function sparkline(bars) {
  const chart = document.createElementNS(svg, 'svg')
  chart.setAttribute('viewBox', `0 0 ${bars} 1`)
  chart.setAttribute('preserveAspectRatio', 'none')
  chart.setAttribute('aria-hidden', 'true')
  chart.setAttribute('class', 'spark')
  const path = document.createElementNS(svg, 'path')
  chart.append(path)
  return { chart, draw: (values, peak = Math.max(...values)) => mark(path, 'd', spark(values, peak)) }
}
