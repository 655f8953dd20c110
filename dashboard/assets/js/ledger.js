// The ledger's lines, laid out for a chart and a table.

const sizes = { minute: 60_000, hour: 3600_000, day: 86400_000 }

/** buckets lays the ledger's lines out along the range, every interval there. */
export function buckets(p) {
  const size = sizes[p.interval]
  const first = Math.floor(Date.parse(p.from) / size)
  const last = Math.floor((Math.min(Date.parse(p.to), Date.now()) - 1) / size)
  const points = Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => (first + i) * size)
  const sums = { loaded: points.map(() => 0), duplicate: points.map(() => 0), dead: points.map(() => 0) }
  const bySource = new Map()
  for (const m of p.ledger) {
    const i = Math.floor(Date.parse(m.minute) / size) - first
    if (!bySource.has(m.source)) bySource.set(m.source, { source: m.source, accepted: 0, loaded: 0, duplicate: 0, dead: 0 })
    const source = bySource.get(m.source)
    for (const what of ['accepted', 'loaded', 'duplicate', 'dead']) {
      source[what] += m[what]
      if (sums[what] && i >= 0 && i < points.length) sums[what][i] += m[what]
    }
  }
  const sources = [...bySource.values()]
  const total = sources.reduce((t, s) => ({ accepted: t.accepted + s.accepted, loaded: t.loaded + s.loaded, duplicate: t.duplicate + s.duplicate, dead: t.dead + s.dead }), { accepted: 0, loaded: 0, duplicate: 0, dead: 0 })
  return { points, sums, sources, total }
}
