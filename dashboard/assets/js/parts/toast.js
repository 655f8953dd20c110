// What was done is said at the page's foot, and goes by itself; what went wrong stays until it is dismissed.
import { make } from '../dom.js'
import { button } from './ask.js'

const shownFor = 5000

let box = null

/** toast says a text. kind 'bad' stays; action {text, act} is offered beside it. */
export function toast(text, { kind = '', action = null } = {}) {
  if (!box) {
    box = make('div', 'toasts no-print')
    box.setAttribute('role', 'status')
    document.body.append(box)
  }
  const said = make('div', 'toast', '', make('span', '', text))
  if (kind) said.dataset.kind = kind
  const go = () => said.remove()
  if (action) said.append(button(action.text, () => { go(); action.act() }, ''))
  if (kind === 'bad') said.append(button('Dismiss', go, ''))
  box.append(said)
  while (box.children.length > 3) box.firstElementChild.remove()
  if (kind === 'bad') return
  let timer = setTimeout(go, shownFor)
  // Who reads it or is about to press keeps it.
  for (const [name, act] of [['pointerenter', () => clearTimeout(timer)], ['pointerleave', () => (timer = setTimeout(go, shownFor))], ['focusin', () => clearTimeout(timer)]]) {
    said.addEventListener(name, act)
  }
}
