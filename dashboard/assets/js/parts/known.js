// The events and fields that there are, as pickers and filters offer them.
import * as format from '../format.js'
import { fetchJSON } from './ask.js'

let catalog = null

/** readCatalog gives the events of the last 30 days and before, once a page. */
export function readCatalog() {
  catalog ??= fetchJSON('/api/query/catalog', { body: { range: { last: 30, unit: 'day' } } }).then((a) => a.events)
  catalog.catch(() => (catalog = null)) // to be asked again
  return catalog
}

/** topEvents are the names of track events that came lately, the most frequent first. */
export const topEvents = async () => (await readCatalog()).filter((e) => e.type === 'track' && e.volume > 0).map((e) => e.event)

/** eventOptions are the names of track events that hold a text, the most frequent first, for a picker. */
export async function eventOptions(text) {
  const low = text.toLowerCase()
  return (await readCatalog()).filter((e) => e.event && e.event.toLowerCase().includes(low))
    .map((e) => ({ value: e.event, hint: format.compact(e.volume) }))
}

let fields = null

/** escape writes one name of a field's way: a dot in it is no step. */
const escape = (name) => name.replaceAll('\\', '\\\\').replaceAll('.', '\\.')

/** fieldOptions are the fields that a filter can be about: columns, and every property that was ever seen. */
export function fieldOptions() {
  fields ??= fetchJSON('/api/schema').then(({ tables }) => {
    const columns = tables.find((t) => t.name === 'events').columns.filter((c) => !['json', 'bytes'].includes(c.kind) && c.name !== 'load_id')
    const seen = new Map()
    for (const t of tables.filter((t) => t.view)) {
      // Identify and group calls carry traits; all others, properties.
      const set = /^(identify|group)\b/.test(t.doc) ? 'traits' : 'properties'
      for (const c of t.columns) {
        const name = c.doc || c.name
        const field = `${set}.${escape(name)}`
        if (c.kind === 'json') continue
        if (!seen.has(field)) seen.set(field, { value: field, label: name, group: set === 'traits' ? 'Traits as sent' : 'Properties', kind: c.kind })
        else if (seen.get(field).kind !== c.kind) seen.get(field).kind = ''
      }
    }
    const traits = [...seen.values()].filter((f) => f.group !== 'Properties')
      .map((f) => ({ ...f, value: f.value.replace(/^traits/, 'person'), group: 'Person, as known now' }))
    const byLabel = (a, b) => (a.label < b.label ? -1 : 1)
    return [
      { value: 'person', label: 'person', group: 'Person, as known now', kind: 'text' }, ...traits.sort(byLabel),
      ...[...seen.values()].sort((a, b) => a.group.localeCompare(b.group) || byLabel(a, b)),
      ...columns.map((c) => ({ value: c.name, label: c.name, group: 'Columns', kind: c.kind, hint: c.doc })),
    ]
  })
  fields.catch(() => (fields = null))
  return fields
}

// Names that the common specifications give to the steps of a purchase and of a beginning.
const spoken = [['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'], ['Signed Up', 'Trial Started', 'Plan Upgraded', 'Invoice Paid']]

/** usualSteps gives steps to begin with: those that are known by their names, or events of which each is rarer than the one before. */
export function usualSteps(names, n = 4) {
  const known = spoken.map((list) => list.filter((name) => names.includes(name))).find((list) => list.length > 1)
  return known ?? names.slice(0, 16).filter((_, i, all) => i % Math.max(1, Math.floor(all.length / n)) === 0).slice(0, n)
}
