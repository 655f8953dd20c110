// A report on a dashboard: drawn small, linked to its page, with its own wait and its own fault.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'
import { shows } from '../show/shows.js'
import { answers, button, fetchJSON } from './ask.js'
import { behind } from './behind.js'
import { exports } from './sorted.js'

/**
 * card makes a list item of a dashboard's tile (saved.Tile) and its report, null where that is gone. move(card, by),
 * resize(card, by) and take(card) are behind its buttons while it is arranged. open(card, point) is asked for the people
 * behind a number; they are opened by people(point, onWay, onClose) once the card is answered, of which answered hears.
 */
export function card({ tile, report, move, resize, take, open, answered }) {
  const how = report && shows[report.body.question]
  const name = tile.title || report?.name || 'A report that was removed'
  const title = make('h3', 'cut')
  if (how) {
    const link = make('a', '', name)
    link.href = `${how.path}?report=${encodeURIComponent(report.id)}`
    title.append(link)
  } else title.textContent = name
  title.title = name
  const said = make('span', 'sub')
  const files = make('span', 'card-files no-print')
  files.hidden = true
  const tools = make('div', 'card-tools no-print')
  const box = make('div', 'card-answer')
  const element = make('li', 'card', '', make('header', '', '', title, said, files), tools, box)
  const named = {}
  for (const [key, text, label, act] of [
    ['earlier', '←', 'Move earlier', () => move(c, -1)], ['later', '→', 'Move later', () => move(c, 1)],
    ['narrower', '−', 'Narrower', () => resize(c, -1)], ['wider', '+', 'Wider', () => resize(c, 1)], ['take', '×', 'Take off', () => take(c)],
  ]) {
    const made = button(text, act, 'button small')
    made.setAttribute('aria-label', `${label}: ${name}`)
    made.title = label
    named[key] = made
    tools.append(made)
  }
  tools.hidden = true
  const view = answers(box, { what: 'Asking' })
  const drawn = make('div')
  let drawer = null
  let answer = null
  // The same table as on the report's page, whole, whatever the card has room for.
  const figures = () => drawer.figures(answer, report.body.params)
  const value = (column, row) => (column.value ? column.value(row) : row[column.key])
  if (how) {
    view.body.append(drawn)
    files.append(...exports(name, name, () => figures().columns, { valueOf: value, rows: () => figures().rows }))
  }
  else {
    view.body.append(make('p', 'none', report ? `A ${report.body.question} is not drawn here; it can be asked by the API.` : 'This report is not saved any more. Its place goes when the dashboard is changed.'))
  }

  const c = {
    element,
    gone: !report,
    get tile() { return tile },
    title: () => name,
    setTile(next) {
      tile = next
      element.dataset.width = tile.width ?? 2
    },
    arranging(is) {
      tools.hidden = !is
      element.draggable = is
    },
    focusTool: (key) => named[key].focus(),
    cancel: () => view.cancel(),
    /** people opens who is behind a point, null where there is no answer yet; the list's turnTo(point) shows its other side. */
    people(at, onWay, onClose) {
      if (!answer) return null
      const { params } = report.body
      const list = behind({ ...how.behind(at, params, answer), onWay, onClose })
      list.turnTo = (to) => list.turn(how.behind(to, params, answer))
      return list
    },
    ask: () => (how ? view.run(async ({ signal, follow }) => {
      const { question, params, view: as } = report.body
      const found = await fetchJSON(`/api/query/${question}`, { body: params, signal, follow })
      return () => {
        answer = found
        drawer ??= how.draw(drawn, (at) => open(c, at))
        drawer.draw(answer, params, as || how.view)
        put(said, format.complete(answer.complete))
        show(files, true)
        answered(c)
      }
    }) : Promise.resolve()),
  }
  c.setTile(tile)
  return c
}
