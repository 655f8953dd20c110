// The people behind a number: a list that is as long as the number is great.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'
import { titleOf } from '../preview.js'
import { answers, button, emptyState, fetchJSON } from './ask.js'
import { cohortLink } from './cohorts.js'
import { dialog } from './dialog.js'
import { keepCohort } from './keep-cohort.js'
import { table } from './table.js'

const atOnce = 500

/**
 * behind opens the list: title says of which number, point is the member of query.PeopleList, such as {trend: …}. onClose
 * is called when it is left. The words for an event and for first and last are the report's. Of a number that has another
 * side, as those who came back have those who did not, ways are both: [{text, at}], at being what onWay(at) hears; who asks
 * then answers with turn({title, point}). answer is the report's, for those who save the people as a cohort.
 */
export function behind({ title, point, answer = null, onClose = () => {}, words = {}, ways = [], way = 0, onWay = () => {} }) {
  const said = make('p', 'sub')
  said.id = 'behind-said'
  said.setAttribute('role', 'status')
  const search = Object.assign(make('input', 'field'), { type: 'search', placeholder: 'Find a person', autocomplete: 'off', spellcheck: false })
  search.setAttribute('aria-label', 'Find a person')
  search.autofocus = true // a key that opened the list would press a button that has the focus
  const box = make('div', 'behind-list')
  const kept = make('a', 'sub')
  kept.hidden = true
  const keep = button('Save as a cohort', async () => {
    const made = await keepCohort({ point, answer, remark: search.value.trim() ? 'What is searched for is no part of it.' : '' })
    if (!made) return
    kept.href = cohortLink(made.id)
    put(kept, `Saved as “${made.name}”`)
    show(kept, true)
    show(keep, false)
    kept.focus()
  }, 'button small')
  const sides = make('fieldset', 'switch', '', make('legend', 'unseen', 'Which people'))
  ways.forEach(({ text, at }, i) => {
    const radio = Object.assign(make('input'), { type: 'radio', name: 'behind-way', checked: i === way })
    radio.addEventListener('change', () => onWay(at))
    sides.append(make('label', '', '', radio, make('span', '', text)))
  })
  const opened = dialog({ title, body: [...(ways.length ? [sides] : []), make('div', 'behind-head', '', said, kept, keep, search), box], choices: [{ text: 'Close', value: null }] })
  opened.element.classList.add('behind')
  const view = answers(box, { what: 'Finding the people' })
  const list = table(view.body, {
    caption: title, file: `people ${title}`, what: ['person', 'people'], first: 1000, sort: null, all: () => ({ people: { ...point, ...(search.value.trim() ? { search: search.value.trim() } : {}) } }),
    href: (p) => `/people?person=${encodeURIComponent(p.person)}`,
    empty: emptyState('Nobody', 'No person fits.'),
    columns: [
      { key: 'person', name: 'Person', kind: 'code' },
      { key: 'name', name: 'Name', value: (p) => titleOf(p.traits), none: '' },
      { key: 'events', name: words.events ?? 'Events', kind: 'number' },
      { key: 'first', name: words.first ?? 'First', kind: 'time', text: (v) => format.date(new Date(v)) },
      { key: 'last', name: words.last ?? 'Last', kind: 'time', text: (v) => format.date(new Date(v)) },
    ],
  })
  const more = button('', () => ask(people.length), 'more')
  more.hidden = true
  view.body.after(more)
  let people = []
  const ask = (skip) => view.run(async ({ signal, follow }) => {
    const text = search.value.trim()
    const found = await fetchJSON('/api/query/people', { signal, follow, body: { ...point, limit: atOnce, ...(skip ? { skip } : {}), ...(text ? { search: text } : {}) } })
    return () => {
      people = skip ? [...people, ...found.list] : found.list
      const rest = found.found - people.length
      put(said, `${format.count(found.people)} ${found.people === 1 ? 'person' : 'people'}${words.events ? '' : `, ${format.count(found.events)} ${found.events === 1 ? 'event' : 'events'}`}${text ? ` · ${format.count(found.found)} found` : ''}`)
      list.show(people, { remark: rest > 0 ? ` of ${format.count(found.found)}` : '' })
      show(more, rest > 0)
      put(more, format.more(atOnce, rest))
    }
  })
  let typing = 0
  search.addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(() => ask(0), 250)
  })
  ask(0)
  opened.turn = (to) => {
    ;({ point, answer = null } = to)
    show(kept, false)
    show(keep, true)
    put(opened.element.querySelector('h2'), to.title)
    return ask(0)
  }
  opened.closed.then(() => {
    view.cancel()
    onClose()
  })
  return opened
}
