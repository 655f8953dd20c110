// What became of an event, as the warehouse and the stream tell it.

/**
 * story gives what became of an id: a verdict and the steps to it, from what the warehouse knows, and what the stream
 * still holds, in the order in which it was taken.
 */
export function story(known, found, searched) {
  const steps = []
  const copies = [...found].sort((a, b) => Date.parse(a.taken_at) - Date.parse(b.taken_at))
  const claimed = new Set()
  const copyOf = (source, receivedAt) => copies.find((c) => !claimed.has(c) && c.source === source && Date.parse(c.received_at) === Date.parse(receivedAt))
  for (const row of known.rows) {
    const copy = copyOf(row.source, row.received_at)
    if (copy) claimed.add(copy)
    steps.push({ kind: 'accepted', at: row.received_at, source: row.source, row, copy })
    steps.push({ kind: 'loaded', at: row.loaded_at ?? row.received_at, source: row.source, row })
  }
  for (const letter of known.dead) {
    const copy = copyOf(letter.source, letter.received_at)
    if (copy) claimed.add(copy)
    steps.push({ kind: 'dead', at: letter.received_at, source: letter.source, letter, copy })
  }
  for (const copy of copies) {
    if (claimed.has(copy)) continue
    const kind = copy.in_flight ? 'flight' : copy.refused ? 'refused' : known.rows.some((r) => r.source === copy.source) ? 'duplicate' : 'passed'
    steps.push({ kind, at: copy.received_at, source: copy.source, copy })
  }
  steps.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const has = (kind) => steps.some((s) => s.kind === kind)
  const verdict = has('loaded') ? 'loaded' : has('flight') ? 'flight' : has('dead') ? 'dead' : steps.length ? 'passed' : searched?.done ? 'unknown' : 'searching'
  return { verdict, steps }
}
