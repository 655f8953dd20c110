// A field that finds one of many by typing: a combobox, as the ARIA practices describe it.
import { make, mark, show } from '../dom.js'

const most = 200 // options that are listed; the others are found by typing more

let made = 0

/** find gives the options that hold every word, those that begin with the text first. */
export function find(options, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hits = options.filter((o) => words.every((w) => `${o.label ?? o.value} ${o.hint ?? ''}`.toLowerCase().includes(w)))
  const begins = (o) => (o.label ?? o.value).toLowerCase().startsWith(words[0] ?? '')
  return words.length ? [...hits.filter(begins), ...hits.filter((o) => !begins(o))] : hits
}

/**
 * picker puts a field into a box.
 *
 *     const p = picker(box, {
 *       label: 'Event', placeholder: 'Any event', value: 'Buy',
 *       options: [{ value, label, hint, group }] or async (text, signal) => […],
 *       any: true,                    // what is typed may be a value that is not listed
 *       onPick: (value, option) => …, // '' when it was cleared
 *     })
 *     p.set('Sell'); p.value
 */
export function picker(box, { label, placeholder = '', value = '', options, any = false, labelled = true, onPick }) {
  const id = `picker-${++made}`
  const input = make('input')
  const list = make('div', 'picker-list')
  list.id = `${id}-list`
  for (const [name, of] of Object.entries({
    type: 'text', role: 'combobox', autocomplete: 'off', spellcheck: 'false', placeholder,
    'aria-expanded': 'false', 'aria-controls': list.id, 'aria-autocomplete': 'list', 'aria-label': label,
  })) input.setAttribute(name, of)
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', label)
  list.hidden = true
  box.classList.add('picker')
  box.replaceChildren(labelled ? make('label', '', '', make('span', '', label), input) : input, list)

  let current = value
  let known = typeof options === 'function' ? [] : options // what was listed last
  let hits = []
  let at = -1
  let typing = null

  const labelOf = (v) => known.find((o) => o.value === v)?.label ?? v
  const rest = () => {
    input.value = labelOf(current)
    input.title = input.value
  }
  rest()

  async function open(text) {
    typing?.abort()
    const mine = (typing = new AbortController())
    try {
      const found = typeof options === 'function' ? await options(text, mine.signal) : find(options, text)
      if (mine !== typing) return
      typing = null
      if (typeof options === 'function') known = found
      offer(found)
    } catch (err) {
      if (err.name === 'AbortError') return
      hits = []
      at = -1
      list.replaceChildren(make('div', 'none', err.message))
      expand(true)
    }
  }

  function offer(found) {
    const pointed = at < 0 ? current : hits[at].value // in a list that was shown while this one was awaited
    hits = found.slice(0, most)
    const children = []
    let group = ''
    hits.forEach((o, i) => {
      if (o.group && o.group !== group) children.push(make('div', 'heading', (group = o.group)))
      const option = make('div', '', '', make('span', '', o.label ?? o.value))
      if (o.hint) option.append(make('span', 'hint', o.hint))
      option.id = `${id}-${i}`
      option.setAttribute('role', 'option')
      // Pressed, not clicked: the field would lose the focus before.
      option.addEventListener('pointerdown', (press) => {
        press.preventDefault()
        pick(o)
      })
      children.push(option)
    })
    if (!hits.length) children.push(make('div', 'none', any && input.value ? `Enter takes “${input.value}”` : 'Nothing of that name'))
    if (found.length > most) children.push(make('div', 'none', `${found.length - most} more: type on to find them`))
    for (const child of children) if (!child.id) child.setAttribute('role', 'presentation')
    list.replaceChildren(...children)
    at = -1
    point(hits.findIndex((o) => o.value === pointed))
    expand(true)
  }

  function expand(is) {
    show(list, is)
    mark(input, 'aria-expanded', is)
    if (is) return
    at = -1
    input.removeAttribute('aria-activedescendant')
  }

  function point(i) {
    at = i
    for (const option of list.querySelectorAll('[role="option"]')) mark(option, 'aria-selected', option.id === `${id}-${i}`)
    const pointed = i >= 0 && document.getElementById(`${id}-${i}`)
    if (pointed) {
      input.setAttribute('aria-activedescendant', pointed.id)
      pointed.scrollIntoView({ block: 'nearest' })
    } else input.removeAttribute('aria-activedescendant')
  }

  function pick(option) {
    current = option.value
    if (!known.includes(option)) known = [...known, option]
    rest()
    typing?.abort()
    typing = null
    expand(false)
    onPick?.(current, option)
  }

  /** settle takes what stands in the field when it is left or Enter is pressed without a choice. */
  function settle() {
    const text = input.value.trim()
    if (text === labelOf(current)) return
    if (text === '') return pick({ value: '', label: '' })
    const exact = hits.find((o) => (o.label ?? o.value).toLowerCase() === text.toLowerCase())
    if (exact) pick(exact)
    else if (any) pick({ value: text, label: text })
    else rest()
  }

  input.addEventListener('focus', () => input.select())
  input.addEventListener('click', () => { if (list.hidden) open('') })
  input.addEventListener('input', () => {
    point(-1) // it was meant of what was listed before
    open(input.value)
  })
  input.addEventListener('blur', () => {
    typing?.abort()
    typing = null
    expand(false)
    settle()
  })
  input.addEventListener('keydown', (key) => {
    const last = hits.length - 1
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[key.key]
    if (step) {
      key.preventDefault()
      if (list.hidden) return void open(typing ? input.value : '') // the list may still be on its way
      point(at < 0 ? (step > 0 ? 0 : last) : Math.min(last, Math.max(0, at + step)))
    } else if (key.key === 'Enter' && !list.hidden) {
      key.preventDefault()
      if (at >= 0) pick(hits[at])
      else {
        settle()
        expand(false)
      }
    } else if (key.key === 'Enter' && any && input.value.trim() !== labelOf(current)) {
      key.preventDefault() // typed faster than the list came
      settle()
    } else if (key.key === 'Escape' && !list.hidden) {
      key.preventDefault()
      key.stopPropagation()
      rest()
      expand(false)
    } else if (key.key === 'Tab' && !list.hidden && at >= 0) pick(hits[at])
  })

  return {
    input,
    get value() { return current },
    set(v, name) {
      current = v
      if (name) known = [{ value: v, label: name }, ...known.filter((o) => o.value !== v)]
      rest()
    },
  }
}
