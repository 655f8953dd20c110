// An answer about paths: a flow of events, step by step, and the most frequent ways.
import * as format from '../format.js'
import { make } from '../dom.js'
import { button } from '../parts/ask.js'
import { stepName } from '../parts/events.js'
import { colours, slots } from '../parts/palette.js'
import { sankey } from '../parts/sankey.js'
import { called } from '../parts/selection.js'
import { table } from '../parts/table.js'

export const views = [['flow', 'Flow'], ['table', 'Table']]

/** eventName names what happened at a step (query.PathEvent). */
export const eventName = (e, before) => (e.end ? (before ? 'Began here' : 'Nothing more') : e.other ? 'Other events' : called(e))

const eventOf = ({ type, event, other, end }) => ({ ...(type ? { type } : {}), ...(event ? { event } : {}), ...(other ? { other } : {}), ...(end ? { end } : {}) })
const ways = (n) => format.plural(n, 'path', 'paths')
const whose = (n) => format.plural(n, 'person', 'people')

/** paths draws answers into a box: draw(answer, question, view). open({step, event, next}) is asked for the people. small is for a card. */
export function paths(box, { open = null, small = false }) {
  const headline = make('div', 'headline')
  const flow = make('div', 'flow')
  const list = make('div', 'lines-table')
  const sequences = make('div', 'lines-table')
  box.replaceChildren(headline, flow, list, sequences)
  flow.tabIndex = 0
  flow.setAttribute('role', 'group')
  flow.setAttribute('aria-label', 'The flow')
  let redraw = null
  let wide = 0
  new ResizeObserver(() => {
    if (!redraw || Math.abs(flow.clientWidth - wide) < 2) return
    redraw()
  }).observe(flow)
  const slotOf = slots(colours)

  function drawFlow(answer, question) {
    const { before } = question
    const last = Math.max(...answer.nodes.map((n) => n.step))
    const seen = new Map() // how many paths lead through an event, at any step: the most get the colours
    for (const n of answer.nodes) if (!n.end && !n.other) seen.set(called(n), (seen.get(called(n)) ?? 0) + n.paths)
    const names = [...seen.keys()].sort((a, b) => seen.get(b) - seen.get(a))
    const slot = slotOf(names.slice(0, colours))
    const tone = (n) => (n.end || n.other || slot.get(called(n)) === undefined ? 'var(--part-rest)' : `var(--part-${slot.get(called(n))})`)
    const column = (step) => (before ? last - step : step)
    const title = (n) => `${eventName(n, before)}, step ${n.step}: ${ways(n.paths)} of ${whose(n.people)}`
    const nodes = answer.nodes.map((n) => ({ column: column(n.step), value: n.paths, name: eventName(n, before), text: format.compact(n.paths), tone: tone(n), title: title(n), of: n }))
    const links = answer.links.map((l) => {
      const [from, to] = before ? [l.to, l.from] : [l.from, l.to]
      return { from, to, value: l.paths, of: l, title: `${nodes[from].name} → ${nodes[to].name}: ${ways(l.paths)} of ${whose(l.people)}` }
    })
    redraw = () => {
      wide = flow.clientWidth
      sankey(flow, {
        nodes, links, label: 'The flow of events',
        onNode: open && ((i) => open({ step: nodes[i].of.step, event: eventOf(nodes[i].of) })),
        onLink: open && ((l) => open({ step: l.of.step, event: eventOf(answer.nodes[l.of.from]), next: eventOf(answer.nodes[l.of.to]) })),
      })
    }
    redraw()
  }

  /** figures is the steps between events as a table. */
  function figures(answer, question) {
    const { before } = question
    const rows = answer.links.map((l) => ({ ...l, a: answer.nodes[l.from], b: answer.nodes[l.to] }))
    return {
      caption: 'Steps between events', file: 'paths', what: ['step', 'steps'], rows,
      columns: [
        { key: 'step', name: 'Step', kind: 'number', value: (r) => r.step + 1 },
        { key: 'from', name: before ? 'Event' : 'From', value: (r) => eventName(r.a, before) },
        { key: 'to', name: before ? 'What came before' : 'To', value: (r) => eventName(r.b, before) },
        { key: 'paths', name: 'Paths', kind: 'number' },
        { key: 'share', name: 'Of all from there', kind: 'share', value: (r) => (r.a.paths ? r.paths / r.a.paths : null) },
        {
          key: 'people', name: 'People', kind: 'number',
          cell: (v, r) => (open && v ? button(format.count(v), () => open({ step: r.step, event: eventOf(r.a), next: eventOf(r.b) }), 'bare') : make('span', '', format.count(v))),
        },
      ],
    }
  }

  function drawTables(answer, question) {
    const { rows, ...of } = figures(answer, question)
    table(list, { ...of, first: 50, sort: null, exports: !small }).show(rows)
  }

  function drawSequences(answer, question) {
    table(sequences, {
      caption: 'The most frequent ways', file: 'ways', what: ['way', 'most frequent ways'], sort: null,
      columns: [
        { key: 'way', name: question.before ? 'Way, backwards' : 'Way', value: (s) => s.events.map((e) => eventName(e, question.before)).join(' → '), cell: (v) => make('span', '', v) },
        { key: 'paths', name: 'Paths', kind: 'number' },
        { key: 'people', name: 'People', kind: 'number' },
      ],
    }).show(answer.sequences)
  }

  return {
    draw(answer, question, view) {
      const roots = answer.nodes.filter((n) => n.step === 0)
      const all = roots.reduce((sum, n) => sum + n.paths, 0)
      const of = question.from?.event?.event || question.from?.event?.type ? stepName(question.from) : question.before ? 'the end of a visit' : 'the beginning of a visit'
      headline.replaceChildren(make('span', 'value', format.count(all)), make('span', 'sub', `${all === 1 ? 'path' : 'paths'} ${question.before ? 'to' : 'from'} ${of}`))
      flow.hidden = view === 'table'
      list.hidden = view !== 'table'
      sequences.hidden = small
      if (view === 'table') drawTables(answer, question)
      else drawFlow(answer, question)
      if (!small) drawSequences(answer, question)
    },
    figures,
  }
}

/** isEmpty tells whether nobody went anywhere. */
export const isEmpty = (answer) => !answer.nodes.length

/** behindPaths says whose list a point's is. */
export function behindPaths(at, question) {
  const name = (e) => eventName(e, question.before)
  const way = at.next ? (question.before ? `${name(at.next)} → ${name(at.event)}` : `${name(at.event)} → ${name(at.next)}`) : name(at.event)
  return { title: `${way}, step ${at.step}`, point: { paths: { paths: question, ...at } }, words: { events: 'Paths' } }
}
