// Saved cohorts: the list of them, and a filter's line that names one.
import { make, put, show } from '../dom.js'
import { savedList } from './keep.js'
import { find, picker } from './picker.js'

let saved = null

/** savedCohorts gives them by name, once a page. */
export function savedCohorts() {
  saved ??= savedList('cohorts')
  saved.catch(() => (saved = null)) // to be asked again
  return saved
}

/** forgetCohorts has them asked anew, after one was kept, changed or removed. */
export const forgetCohorts = () => { saved = null }

/** cohortLink is the address of one. */
export const cohortLink = (id) => `/cohorts?id=${encodeURIComponent(id)}`

/**
 * cohortFields gives the elements of the line: node is the tree's part, {cohort, not}, which is changed; changed() is called
 * after. except is the id of a cohort that cannot be named: the one that is made.
 */
export function cohortFields(node, { changed, except = '' }) {
  const place = make('div')
  const open = make('a', 'sub', 'open')
  const said = make('p', 'rule-fault')
  said.setAttribute('role', 'alert')
  said.hidden = true
  const field = picker(place, {
    label: 'Cohort', labelled: false, placeholder: 'Cohort', value: node.cohort.id ?? '',
    options: async (text) => find((await savedCohorts()).filter((c) => c.id !== except).map((c) => ({ value: c.id, label: c.name, hint: c.body.about })), text),
    onPick(id, option) {
      node.cohort = id ? { id, name: option.label } : {}
      draw()
      changed()
    },
  })
  if (node.cohort.id) field.set(node.cohort.id, node.cohort.name ?? node.cohort.id)
  async function draw() {
    const { id, name } = node.cohort
    show(open, Boolean(id))
    open.href = cohortLink(id ?? '')
    open.setAttribute('aria-label', `Open the cohort ${name ?? ''}`)
    show(said, false)
    let list
    try {
      list = await savedCohorts()
    } catch {
      return // the picker says it when it is opened
    }
    if (id !== node.cohort.id) return
    const now = list.find((c) => c.id === id)
    if (now && now.name !== name) field.set(id, now.name)
    if (id && !now) {
      show(open, false)
      put(said, `“${name ?? id}” is not saved any more. Choose another cohort, or remove this line.`)
      show(said, true)
    }
    if (!id && !list.some((c) => c.id !== except)) {
      const make_ = make('a', '', 'make one on the page Cohorts')
      make_.href = '/cohorts?new=1'
      said.replaceChildren(except ? 'There is no other cohort yet: ' : 'No cohort is saved yet: ', make_, ', or save the people behind a number as one.')
      show(said, true)
      show(place, false)
    }
  }
  draw()
  return { place, open, said }
}
