// The people behind a number, said as a filter about people: what a saved cohort is.
import { isBoolean, isNumber, ofPerson } from './conditions.js'

/** Unsayable is why no filter says who is behind a number, in words for people. */
export class Unsayable extends Error {}

/** parts splits a condition into what is about events and what is about people. Each is a list of which all must hold. */
function parts(tree) {
  if (!tree) return { event: [], person: [] }
  if (tree.all) {
    const all = tree.all.map(parts)
    return { event: all.flatMap((p) => p.event), person: all.flatMap((p) => p.person) }
  }
  if (tree.any) {
    const any = tree.any.map(parts)
    if (any.every((p) => !p.person.length)) return { event: [tree], person: [] }
    if (any.every((p) => !p.event.length)) return { event: [], person: [tree] }
    throw new Unsayable('It has a condition in which something about the event or something about the person is enough; a cohort cannot say that.')
  }
  return tree.did || tree.cohort || ofPerson(tree.field) ? { event: [], person: [tree] } : { event: [tree], person: [] }
}

const joined = (list) => (list.length > 1 ? { all: list } : list[0])

/** doers is the filter for the people with an event that fits. */
function doers({ event, range, conditions }) {
  const split = parts({ all: conditions.filter(Boolean) })
  const where = joined(split.event)
  return joined([{ did: { event: event ?? {}, ...(where ? { where } : {}), ...(range ? { range } : {}) } }, ...split.person])
}

/** equals is the condition that a field has a group's value; the negative one where not. kindOf knows what the field holds. */
function equals(field, value, kindOf, not = false) {
  if (value === null) return { field, op: not ? 'set' : 'not set' }
  const kind = kindOf(field)
  const column = !field.includes('.')
  const typed = column && isNumber(kind) ? Number(value) : column && isBoolean(kind) ? value === 'true' : value
  return { field, op: not ? '!=' : '=', values: [typed] }
}

function ofGroup(by, { group, other }, lines, kindOf) {
  if (group) return by.map((field, i) => equals(field, group[i], kindOf))
  if (!other) return []
  const shown = new Map(lines.filter((l) => l.group).map((l) => [JSON.stringify(l.group), l.group]))
  return [...shown.values()].map((g) => {
    const none = by.map((field, i) => equals(field, g[i], kindOf, true))
    return none.length > 1 ? { any: none } : none[0]
  })
}

function ofTrend({ trend, series: index, bucket, previous, ...of }, answer, kindOf) {
  if (trend.bots) throw new Unsayable('It counts bots, which a cohort does not by itself.')
  const series = trend.series[index]
  const measure = series.measure?.of ?? 'count'
  if (!['count', 'people', 'sessions'].includes(measure)) throw new Unsayable('It is of those whose event has a number; a cohort cannot say that.')
  const period = previous ? answer.previous : answer.period
  const at = bucket === undefined ? period : period.buckets[bucket]
  // The whole range goes on with time, as it does in the report; what is one of its parts, or over, is fixed.
  const { interval: _, ...range } = trend.range
  return doers({
    event: series.event, range: bucket === undefined && !previous ? range : { from: at.from, to: at.to, zone: trend.range.zone },
    conditions: [trend.where, series.where, ...(measure === 'sessions' ? [{ field: 'session_id', op: 'set' }] : []), ...ofGroup(trend.breakdown?.by ?? [], of, answer.lines, kindOf)],
  })
}

function ofFunnel({ funnel, step, dropped, group, other }) {
  if (funnel.bots) throw new Unsayable('It counts bots, which a cohort does not by itself.')
  if (step > 0 || dropped) throw new Unsayable('It is of those who did things one after the other; a cohort knows no order.')
  if (group || other) throw new Unsayable('It is of one group of a funnel; take the group as a filter, and then save who came to the first step.')
  const first = funnel.steps[0]
  if (funnel.order === 'any') throw new Unsayable('The steps come in any order: there is no first one.')
  return doers({ event: first.event, range: funnel.range, conditions: [funnel.where, first.where] })
}

/**
 * cohortOf gives the filter (query.Filter) for those behind a number: point is the member of query.PeopleList, answer the
 * report's, kindOf(field) tells what a field holds. It throws an Unsayable where no filter can say who they are.
 */
export function cohortOf(point, answer = null, kindOf = () => '') {
  if (point.trend) return ofTrend(point.trend, answer, kindOf)
  if (point.funnel) return ofFunnel(point.funnel)
  if (point.events) return doers({ event: point.events.event, range: point.events.range, conditions: [point.events.where] })
  throw new Unsayable(`It is of those who did things in an order, or again after a time; a cohort knows neither.`)
}
