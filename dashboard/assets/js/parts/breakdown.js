// What a report is broken down by (query.Breakdown): up to two fields, and how many groups are shown.
import { make } from '../dom.js'
import { button } from './ask.js'
import { fieldOptions } from './known.js'
import { find, picker } from './picker.js'

const most = 2
const tops = [3, 5, 10, 20, 50]

/** fieldPicker puts a picker of a field into a box; only(field) may leave some out. */
export function fieldPicker(box, { label, value = '', only = () => true, onPick }) {
  const made = picker(box, {
    label, labelled: false, placeholder: 'Property', value: '', any: true, onPick,
    options: async (text) => find((await fieldOptions()).filter(only), text),
  })
  made.set(value, lastName(value))
  return made
}

/** lastName is a field as people say it: properties.cart\.size is cart.size. */
export function lastName(field) {
  const name = field.replace(/^(properties|traits|context|person)\.(?=.)/, '').replace(/\\(.)/g, '$1')
  return name.replaceAll('_', ' ')
}

/** groupName puts a group's values into words. */
export const groupName = ({ group, other }) => (other ? 'Other' : (group ?? []).map((v) => (v === null ? '(not set)' : v === '' ? '(empty)' : v)).join(' · '))

/** breakdown puts the fields into a box: onChange(query.Breakdown or undefined). */
export function breakdown(box, { onChange, few = 10 }) {
  let by = []
  let top = few
  let adding = false
  const tell = () => onChange(by.length ? { by, ...(top === 10 ? {} : { top }) } : undefined)
  const change = (next) => {
    by = next
    adding = false
    draw()
    tell()
  }
  function draw() {
    const lines = [...by, ...(adding ? [''] : [])].map((field, i) => {
      const place = make('div')
      const remove = button('×', () => (i < by.length ? change(by.filter((_, j) => j !== i)) : ((adding = false), draw())), 'bare')
      remove.setAttribute('aria-label', `Remove the property ${i + 1} of the breakdown`)
      fieldPicker(place, {
        label: `Break down by property ${i + 1}`, value: field, only: (f) => f.kind !== 'timestamp' && !by.some((b, j) => j !== i && b === f.value),
        onPick: (v) => change(v ? [...by.slice(0, i), v, ...by.slice(i + 1)] : by.filter((_, j) => j !== i)),
      })
      return make('div', 'by-line', '', place, remove)
    })
    const row = make('div', 'by-more')
    if (by.length < most && !adding) {
      row.append(button(by.length ? 'And by…' : 'Break down by…', () => {
        adding = true
        draw()
        box.querySelectorAll('input')[by.length]?.focus()
      }, 'button small'))
    }
    if (by.length) {
      const select = make('select', 'field')
      select.append(...[...new Set([...tops, top])].sort((a, b) => a - b).map((n) => new Option(`Top ${n}`, n)))
      select.value = top
      select.setAttribute('aria-label', 'How many groups are shown')
      select.addEventListener('change', () => {
        top = Number(select.value)
        tell()
      })
      row.append(select, make('span', 'sub', 'the rest as one, “Other”'))
    }
    box.replaceChildren(...lines, row)
  }
  draw()
  return {
    draw(b) {
      const next = b?.by ?? []
      if (JSON.stringify(next) === JSON.stringify(by) && (b?.top ?? 10) === top) return
      by = next
      top = b?.top ?? (by.length ? 10 : few)
      draw()
    },
  }
}
