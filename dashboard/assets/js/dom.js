// Small things to do to a page.

/** byId finds an element that must be there. */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/** put sets an element's text, if it is another, and its title. */
export function put(element, text, title) {
  if (element.textContent !== text) element.textContent = text
  if (title === undefined) return
  if (title === '') element.removeAttribute('title')
  else if (element.title !== title) element.title = title
}

/** mark sets an attribute, if it is another: one that is set again costs the browser as much as a new one. */
export function mark(element, name, value) {
  const text = String(value)
  if (element.getAttribute(name) !== text) element.setAttribute(name, text)
}

/** show shows or hides an element. */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown
}

/** make makes an element with a class, a text and children. */
export function make(tag, className = '', text = '', ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text) element.textContent = text
  element.append(...children)
  return element
}

/** spark draws values as an SVG path over a width of 1 a value and a height of 1. */
export function spark(values, peak) {
  if (!peak) return ''
  return values.map((v, i) => (v ? `M${i + 0.1} 1V${(1 - Math.max(0.04, v / peak)).toFixed(3)}h.8V1z` : '')).join('')
}

/** setting reads and writes one parameter of the page's address, where what is chosen is kept. */
export const setting = {
  get: (name) => new URLSearchParams(location.search).get(name) ?? '',
  set(values) {
    const query = new URLSearchParams(location.search)
    for (const [name, value] of Object.entries(values)) {
      if (value) query.set(name, value)
      else query.delete(name)
    }
    const text = query.toString()
    history.replaceState(history.state, '', text ? `?${text}` : location.pathname)
  },
}
