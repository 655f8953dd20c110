// What a filter's tree (query.Filter) is: its operators, which of its lines are finished, and the whole in words.
import { called } from './selection.js'

const anyText = ['=', '!=', 'in', 'not in', 'contains', 'not contains', 'regex', 'not regex', '>', '>=', '<', '<=', 'between', 'set', 'not set']
const ofNumber = ['=', '!=', '>', '>=', '<', '<=', 'between', 'in', 'not in', 'set', 'not set']
const ofBoolean = ['=', '!=', 'set', 'not set']

/** words has the operators as people read them. */
export const words = {
  '=': 'is', '!=': 'is not', in: 'is one of', 'not in': 'is none of', contains: 'contains', 'not contains': 'does not contain',
  regex: 'matches', 'not regex': 'does not match', '>': '>', '>=': '≥', '<': '<', '<=': '≤', between: 'is between', set: 'is set', 'not set': 'is not set',
}

export const isNumber = (kind) => ['number', 'integer', 'int32', 'int64'].includes(kind)
export const isBoolean = (kind) => kind === 'boolean' || kind === 'bool'

/** opsFor gives the operators that make sense for a kind: string, number, integer, boolean, timestamp, or not known. */
export const opsFor = (kind) => (isBoolean(kind) ? ofBoolean : isNumber(kind) ? ofNumber : anyText)

/** how many values an operator takes: 0, 1, 2 or Infinity. */
export const arity = (op) => ({ set: 0, 'not set': 0, between: 2, in: Infinity, 'not in': Infinity })[op] ?? 1

/** typed reads what somebody typed as the field's kind; undefined: it is none. */
export function typed(text, kind) {
  if (isNumber(kind)) return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
  if (isBoolean(kind)) return text === 'true' ? true : text === 'false' ? false : undefined
  return text === '' ? undefined : text
}

/** ofPerson tells whether a field is the person's, whichever event it is asked of. */
export const ofPerson = (field) => field === 'person' || field.startsWith('person.')

/** clean gives the tree without lines that are not finished; null: it lets all through. */
export function clean(tree) {
  if (!tree) return null
  for (const name of ['all', 'any']) {
    if (!tree[name]) continue
    const kept = tree[name].map(clean).filter(Boolean)
    return kept.length ? { [name]: kept } : null
  }
  const not = tree.not ? { not: true } : {}
  if (tree.did) {
    if (tree.pending) return null
    const { where, ...did } = tree.did
    const kept = clean(where)
    return { did: { ...did, ...(kept ? { where: kept } : {}) }, ...not }
  }
  if (tree.cohort) {
    const filter = clean(tree.cohort.filter)
    return tree.cohort.id || filter ? { cohort: { ...tree.cohort, ...(filter ? { filter } : {}) }, ...not } : null
  }
  const n = tree.values?.length ?? 0
  const want = arity(tree.op)
  if (!tree.field || !tree.op || (want === Infinity ? n < 1 : want > 0 && n !== want)) return null
  return want ? { field: tree.field, op: tree.op, values: tree.values } : { field: tree.field, op: tree.op }
}

/** timesOf says how often something was done: how (least, most, exact, between) and the numbers. */
export function timesOf({ at_least: least = 0, at_most: most }) {
  if (most === undefined) return { how: 'least', n: least || 1 }
  if (!least) return { how: most === 0 ? 'exact' : 'most', n: most }
  return least === most ? { how: 'exact', n: least } : { how: 'between', n: least, m: most }
}

/** timesAs is the way back: the members of query.Did. */
export function timesAs({ how, n, m }) {
  if (how === 'least') return n > 1 ? { at_least: n } : {}
  if (how === 'most' || (how === 'exact' && n === 0)) return { at_most: n }
  return { at_least: n, at_most: how === 'exact' ? n : m }
}

const times = (n) => (n === 1 ? 'once' : `${n} times`)
function often(did) {
  const { how, n, m } = timesOf(did)
  if (how === 'least') return n > 1 ? ` at least ${times(n)}` : ''
  if (how === 'most') return ` at most ${times(n)}`
  return how === 'exact' ? ` exactly ${times(n)}` : ` ${n} to ${m} times`
}
function when(range) {
  if (!range) return ''
  if (range.last) return range.last === 1 ? ` in the current ${range.unit}` : ` in the last ${range.last} ${range.unit}s`
  return ` from ${range.from} to ${range.to}`
}

/** described puts a filter into words; nameOf gives a cohort's name where it is not as in the tree. */
export function described(tree, nameOf = ({ name }) => name) {
  // What would be read with its neighbour stands in brackets.
  const grouped = (t, among) => (t.all?.length > 1 || t.any?.length > 1 || (among && t.did?.where) ? `(${described(t, nameOf)})` : described(t, nameOf))
  if (!tree) return 'everything'
  for (const [name, word] of [['all', ' and '], ['any', ' or ']]) {
    if (tree[name]) return tree[name].map((t) => grouped(t, tree[name].length > 1)).join(word)
  }
  if (tree.cohort) {
    const { filter } = tree.cohort
    return `${tree.not ? 'not in' : 'in'} ${nameOf(tree.cohort) || (filter ? `the cohort (${described(filter, nameOf)})` : 'a cohort')}`
  }
  if (tree.did) {
    const { event, where, range } = tree.did
    return `${tree.not ? 'did not do' : 'did'} ${event?.event || event?.type ? called(event) : 'anything'}${often(tree.did)}${when(range)}${where ? ` where ${grouped(where, false)}` : ''}`
  }
  return `${tree.field} ${words[tree.op] ?? tree.op} ${(tree.values ?? []).join(tree.op === 'between' ? ' and ' : ', ')}`.trim()
}
