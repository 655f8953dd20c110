// What the numbers of a snapshot say about the line.
import * as format from './format.js'

const smoothOver = 5 // seconds

/** doorRate is the events a second at the door, over the last whole seconds. */
export const doorRate = (seconds) => seconds.slice(-smoothOver).reduce((a, b) => a + b, 0) / smoothOver

/** totals sums the minutes of a snapshot. */
export function totals(snapshot) {
  const sum = { accepted: 0, loaded: 0, duplicate: 0, dead: 0, flying: 0 }
  for (const m of snapshot.minutes) {
    sum.accepted += m.accepted
    sum.loaded += m.loaded
    sum.duplicate += m.duplicate
    sum.dead += m.dead
    sum.flying += m.in_flight
  }
  return sum
}

/** loadedRate gives a function that takes snapshots and tells the rows a second that the warehouse gained, or null at first. */
export function loadedRate() {
  let kept = [] // {at, rows}: rows since the first snapshot
  let before = null
  let rows = 0
  return (snapshot) => {
    const now = new Map(snapshot.minutes.map((m) => [`${m.minute} ${m.source}`, m.loaded]))
    if (before) {
      // By minute: the sum falls when the oldest minute leaves the hour.
      for (const [key, loaded] of now) rows += Math.max(0, loaded - (before.get(key) ?? 0))
    }
    before = now
    const at = Date.parse(snapshot.now)
    kept = kept.filter((k) => at - k.at <= smoothOver * 1000 + 500 && k.at < at)
    kept.push({ at, rows })
    const first = kept[0]
    return at > first.at ? (1000 * (rows - first.rows)) / (at - first.at) : null
  }
}

/** freshness puts an age in seconds into words. */
export function freshness(age) {
  if (age < 5) return { state: 'good', text: 'up to date' }
  if (age < 60) return { state: 'warn', text: 'catching up' }
  return { state: 'bad', text: 'far behind' }
}

/** fill puts how full the stream is into words. */
export function fill(used, limit) {
  if (!limit) return { state: '', text: 'without a limit' }
  const part = used / limit
  const of = `${format.share(used, limit)} of ${format.bytes(limit)}`
  if (part >= 0.95) return { state: 'bad', text: `${of}: almost full` }
  if (part >= 0.8) return { state: 'warn', text: `${of}: filling up` }
  return { state: '', text: of }
}
