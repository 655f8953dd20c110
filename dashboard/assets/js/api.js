// The page API. It is written by the server; here routes are found, and what is copied names the server as this browser
// reaches it.
import * as format from './format.js'
import { byId, put, show } from './dom.js'
import { copyButtons, nameServer } from './parts/copy.js'

nameServer()
copyButtons()

const find = byId('find')

/** sift hides the routes that do not hold every word. */
function sift() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean)
  let found = 0
  for (const section of document.querySelectorAll('.operations')) {
    let some = false
    for (const route of section.querySelectorAll('.operation')) {
      const text = route.textContent.toLowerCase()
      const fits = words.every((word) => text.includes(word))
      show(route, fits)
      some ||= fits
      found += fits ? 1 : 0
    }
    show(section, some)
  }
  put(byId('found'), words.length > 0 ? format.plural(found, 'route', 'routes') : '')
}
find.addEventListener('input', sift)
find.form.addEventListener('submit', (event) => event.preventDefault())
sift()
