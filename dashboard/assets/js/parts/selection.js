// A selection of events (query.Selection): its name, a picker of one, and what its fields have been.
import * as format from '../format.js'
import { fetchJSON } from './ask.js'
import { readCatalog } from './known.js'
import { find, picker } from './picker.js'

/** called names a selection as people do. */
export function called({ event = '', type = '' } = {}) {
  if (!event) return type ? `${type} calls` : 'Any event'
  return !type || type === 'track' ? event : `${event} (${type})`
}

// A picker's value is text; a name that is typed and not listed is a track call's.
const encode = (selection) => JSON.stringify(selection ?? {})
const decode = (text) => (text.startsWith('{') ? JSON.parse(text) : text ? { event: text } : {})

/** selections are the events that there are, the most frequent first, for a picker of one. */
async function selections(text) {
  const options = [{ value: '{}', label: called(), hint: '' }]
  for (const { type, event, volume } of await readCatalog()) {
    const selection = type === 'track' ? { event } : { type }
    const value = encode(selection)
    if (!options.some((o) => o.value === value)) options.push({ value, label: called(selection), hint: format.compact(volume) })
  }
  return find(options, text)
}

/** eventPicker puts a picker of an event into a box: onPick(selection). A value of null is none yet. */
export function eventPicker(box, { label = 'Event', value, placeholder = called(), onPick }) {
  const made = picker(box, { label, labelled: false, placeholder, value: '', any: true, options: selections, onPick: (text) => onPick(decode(text)) })
  if (value !== null) made.set(encode(value), called(value))
  return made
}

/** valuesOf offers what a field of a selection's events has been lately, for a filter; of() gives the selection. */
export const valuesOf = (of) => async (field, text, signal) => {
  const answer = await fetchJSON('/api/query/trend', {
    signal, body: { range: { last: 30, unit: 'day', interval: 'month' }, series: [{ event: of() ?? {} }], breakdown: { by: [field], top: 100 } },
  })
  const values = answer.lines.filter((l) => l.group?.[0]).map((l) => ({ value: l.group[0], hint: format.compact(l.total ?? 0) }))
  return find(values, text)
}

/** valuesOfAll offers what a field of any event has been. */
export const valuesOfAll = valuesOf(() => ({}))
