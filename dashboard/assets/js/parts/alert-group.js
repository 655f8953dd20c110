// Of which group of a report's breakdown an alert watches the number.
import { make } from '../dom.js'
import { fetchJSON } from './ask.js'
import { groupName } from './breakdown.js'

/** groupsOf are the groups that an answer has: arrays of values. */
function groupsOf({ lines, groups }) {
  const all = (lines ?? groups ?? []).map((l) => l.group).filter(Boolean).map((g) => JSON.stringify(g))
  return [...new Set(all)].map((g) => JSON.parse(g))
}

const everybody = {}
const others = { other: true }
const named = (of) => (of.other ? 'all other groups' : of.group ? groupName(of) : 'all groups together')

/**
 * groupChoice is a list of the groups that a report has now: fill(report, number) offers them, and get() gives the part of the
 * alert's number that says which. fill answers whether there is anything to choose. What was chosen before stays on offer, whether the
 * report has it now or not.
 */
export function groupChoice(changed) {
  const element = make('select', 'field')
  let asking = null
  let of = ''
  const value = () => JSON.parse(element.value || '{}')
  function offer(list, chosen) {
    element.replaceChildren(...list.map((g) => new Option(named(g), JSON.stringify(g))))
    element.value = JSON.stringify(chosen)
  }
  /** ask finds the groups; until it has, what is chosen can be chosen. */
  async function ask({ question, params }, kept) {
    const mine = (asking = new AbortController())
    const first = [everybody, ...(kept.group ? [kept] : [])]
    offer([...first, others], kept)
    element.setAttribute('aria-busy', 'true')
    try {
      const found = groupsOf(await fetchJSON(`/api/query/${question}`, { body: params, signal: mine.signal })).map((group) => ({ group }))
      const missing = kept.group && !found.some((g) => JSON.stringify(g) === JSON.stringify(kept))
      offer([everybody, ...found, ...(missing ? [kept] : []), others], value())
    } catch (err) {
      if (err.name === 'AbortError') return
      element.append(Object.assign(new Option(`The groups are not known: ${err.message}`, ''), { disabled: true }))
    }
    element.removeAttribute('aria-busy')
  }
  element.addEventListener('change', changed)
  return {
    element,
    get: value,
    fill(report, { group, other } = {}) {
      const by = report?.body.params.breakdown
      if (report && of === report.id) return Boolean(by)
      of = report?.id ?? ''
      asking?.abort()
      const kept = group ? { group } : other ? others : everybody
      if (by) ask(report.body, kept)
      else offer([everybody, ...(kept === everybody ? [] : [kept])], kept)
      return Boolean(by) || kept !== everybody
    },
    stop: () => asking?.abort(),
  }
}
