// Questions that must be answered before the page goes on.
import { make } from '../dom.js'
import { button } from './ask.js'

let made = 0

/**
 * dialog opens one with a title and a body, and gives {element, close(value), closed}: closed resolves with the value,
 * undefined when it was dismissed. choices are {text, value, className, act}; act may return false to keep it open.
 */
export function dialog({ title, body, choices = [] }) {
  const heading = make('h2', '', title)
  heading.id = `dialog-${++made}`
  const element = make('dialog')
  element.setAttribute('aria-labelledby', heading.id)
  const row = make('div', 'choices')
  let value
  const close = (with_) => {
    value = with_
    element.close()
  }
  for (const { text, value: with_, className = 'button', act } of choices) {
    row.append(button(text, async () => {
      if ((await act?.()) !== false) close(with_)
    }, className))
  }
  element.append(heading, ...[body].flat().filter(Boolean), row)
  document.body.append(element)
  const closed = new Promise((resolve) => {
    element.addEventListener('close', () => {
      element.remove()
      resolve(value)
    })
  })
  // A press beside it is no answer, but means to leave.
  element.addEventListener('click', (press) => { if (press.target === element) close(undefined) })
  element.showModal()
  return { element, close, closed, row }
}

/** confirm asks whether to do something, and resolves with the answer. */
export async function confirm({ title, text, yes, danger = false }) {
  const asked = dialog({
    title, body: make('p', 'ask', text),
    choices: [{ text: 'Cancel', value: false }, { text: yes, value: true, className: danger ? 'button danger' : 'button main' }],
  })
  return Boolean(await asked.closed)
}
