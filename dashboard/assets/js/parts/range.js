// A range of days, how finely it is divided, and the time zone that days are counted in.
import { make } from '../dom.js'

/** zoneNow is the viewer's own. */
export const zoneNow = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

const presets = [
  ['0d', 'Today'], ['-1d', 'Yesterday'], ['7d', 'Last 7 days'], ['14d', 'Last 14 days'], ['30d', 'Last 30 days'], ['90d', 'Last 90 days'],
  ['12w', 'Last 12 weeks'], ['12m', 'Last 12 months'], ['1h', 'Last hour'], ['24h', 'Last 24 hours'], ['custom', 'From … to …'],
]

/** dayIn gives the day, as 2026-11-23, that a moment falls into in a zone. */
export function dayIn(moment, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .formatToParts(moment).map((p) => [p.type, p.value]))
  return `${parts.year}-${parts.month}-${parts.day}`
}

/** offset is how far a zone's clocks are ahead of UTC at a moment, in ms. */
function offset(moment, zone) {
  const p = Object.fromEntries(new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(moment / 1000) * 1000
}

/** startOf gives the moment at which a day, as 2026-11-23, begins in a zone, whatever its clocks do that day. */
export function startOf(day, zone) {
  const [y, m, d] = day.split('-').map(Number)
  const wall = Date.UTC(y, m - 1, d)
  let at = wall - offset(wall, zone)
  at = wall - offset(at, zone)
  // Where clocks are put forward at midnight the day begins later: the first moment that belongs to it.
  while (dayIn(at, zone) < day) at += 15 * 60_000
  return new Date(at)
}

/** addDays moves a day, as 2026-11-23. */
export function addDays(day, n) {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() + n)
  return at.toISOString().slice(0, 10)
}

/**
 * resolve gives {from, to} as moments: from inclusive, to exclusive. A range is '30d' (days, today the last of them),
 * '12w' (weeks, this one the last), '12m' (months), '24h' or '60m'-like '1h' (to now), '0d' (today), '-1d' (yesterday)
 * or '2026-11-01..2026-11-30' (both days included).
 */
export function resolve(range, zone = zoneNow(), now = new Date()) {
  const today = dayIn(now, zone)
  const days = (first, last) => ({ from: startOf(first, zone), to: startOf(addDays(last, 1), zone) })
  const custom = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(range)
  if (custom) {
    const [first, last] = custom.slice(1).sort()
    return days(first, last)
  }
  const [, sign, count, unit] = /^(-?)(\d+)([hdwm])$/.exec(range) ?? ['', '', '30', 'd']
  const n = Number(count)
  if (sign) return days(addDays(today, -n), addDays(today, -n))
  if (unit === 'h') return { from: new Date(now - (now % 3600_000) - (n - 1) * 3600_000), to: now }
  if (unit === 'w') {
    const monday = addDays(today, -((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7))
    return days(addDays(monday, -7 * (n - 1)), today)
  }
  if (unit === 'm') {
    const first = new Date(`${today.slice(0, 7)}-01T00:00:00Z`)
    first.setUTCMonth(first.getUTCMonth() - (n - 1))
    return days(first.toISOString().slice(0, 10), today)
  }
  return days(addDays(today, -Math.max(0, n - 1)), today)
}

/** asked gives a range as the API takes it (query.Range): how many units back, or from a day to a day. */
export function asked(range, { zone = zoneNow(), interval = '', now = new Date() } = {}) {
  const rest = { zone, ...(interval ? { interval } : {}) }
  const custom = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(range)
  if (custom) {
    const [from, to] = custom.slice(1).sort()
    return { from, to, ...rest }
  }
  const [, sign, count, unit] = /^(-?)(\d+)([hdwm])$/.exec(range) ?? ['', '', '30', 'd']
  if (sign) {
    const day = addDays(dayIn(now, zone), -Number(count))
    return { from: day, to: day, ...rest }
  }
  return { last: Math.max(1, Number(count)), unit: { h: 'hour', d: 'day', w: 'week', m: 'month' }[unit], ...rest }
}

/** named puts a range into words. */
export function named(range) {
  const custom = /^(\S+)\.\.(\S+)$/.exec(range)
  if (custom) return `${custom[1]} to ${custom[2]}`
  const [, n, unit] = /^(\d+)([hdwm])$/.exec(range) ?? []
  const other = unit && `Last ${n} ${{ h: 'hour', d: 'day', w: 'week', m: 'month' }[unit]}${n === '1' ? '' : 's'}`
  return presets.find(([v]) => v === range)?.[1] ?? other ?? range
}

const intervals = ['minute', 'hour', 'day', 'week', 'month']

/** fitting gives the intervals that divide a range into no less than one and no more than 750 points, and the usual one. */
export function fitting({ from, to }) {
  const hours = (to - from) / 3600_000
  const size = { minute: 1 / 60, hour: 1, day: 24, week: 168, month: 730 }
  const all = intervals.filter((i) => hours / size[i] <= 1500 && hours / size[i] >= 0.9)
  const usual = hours <= 3 ? 'minute' : hours <= 49 ? 'hour' : hours <= 24 * 95 ? 'day' : hours <= 24 * 400 ? 'week' : 'month'
  return { all: all.length ? all : ['minute'], usual: all.includes(usual) ? usual : all[0] ?? 'minute' }
}

/**
 * range puts the fields into a box (of class controls).
 *
 *     const r = range(box, { value: { range: '30d', interval: '', zone: '' }, onChange: (value) => …, interval: true, only: ['7d', …] })
 *     r.set(value)
 *
 * An empty interval is the usual one for the range, an empty zone the viewer's own.
 */
export function range(box, { value, onChange, interval = true, zone = true, only = null }) {
  let now = { range: '30d', interval: '', zone: '', ...value }
  const preset = make('select')
  const from = Object.assign(make('input'), { type: 'date' })
  const to = Object.assign(make('input'), { type: 'date' })
  const every = make('select')
  const in_ = make('select')
  const labelled = (text, field) => make('label', '', '', make('span', '', text), field)
  const [fromLabel, toLabel] = [labelled('From', from), labelled('To', to)]
  const fields = [labelled('Time', preset), fromLabel, toLabel]
  if (interval) fields.push(labelled('By', every))
  if (zone) fields.push(labelled('Days in', in_))
  box.append(...fields)
  preset.append(...presets.filter(([v]) => !only || only.includes(v) || v === 'custom').map(([v, text]) => new Option(text, v)))
  const own = zoneNow()
  in_.append(new Option(own, ''), ...(own === 'UTC' ? [] : [new Option('UTC', 'UTC')]))
  // The list of all zones is long: it is made when somebody looks for another.
  in_.addEventListener('pointerdown', all, { once: true })
  in_.addEventListener('keydown', all, { once: true })
  function all() {
    for (const name of Intl.supportedValuesOf?.('timeZone') ?? []) if (name !== own && name !== 'UTC') in_.append(new Option(name, name))
  }

  function draw() {
    const custom = now.range.includes('..')
    if (!custom && ![...preset.options].some((o) => o.value === now.range)) preset.append(new Option(named(now.range), now.range))
    preset.value = custom ? 'custom' : now.range
    fromLabel.hidden = toLabel.hidden = !custom
    if (custom) [from.value, to.value] = now.range.split('..')
    const fit = fitting(resolve(now.range, now.zone || own))
    every.replaceChildren(new Option(`${fit.usual} (usual)`, ''), ...fit.all.filter((i) => i !== fit.usual).map((i) => new Option(i, i)))
    every.value = fit.all.includes(now.interval) && now.interval !== fit.usual ? now.interval : ''
    if (now.zone && ![...in_.options].some((o) => o.value === now.zone)) in_.append(new Option(now.zone, now.zone))
    in_.value = now.zone
  }
  function change(patch) {
    now = { ...now, ...patch }
    draw()
    onChange(now)
  }
  preset.addEventListener('change', () => {
    if (preset.value !== 'custom') return change({ range: preset.value, interval: '' })
    const { from: first, to: end } = resolve(now.range, now.zone || own)
    change({ range: `${dayIn(first, now.zone || own)}..${dayIn(new Date(end - 1), now.zone || own)}` })
    from.focus()
  })
  for (const field of [from, to]) {
    field.addEventListener('change', () => { if (from.value && to.value) change({ range: `${from.value}..${to.value}`, interval: '' }) })
  }
  every.addEventListener('change', () => change({ interval: every.value }))
  in_.addEventListener('change', () => change({ zone: in_.value }))
  draw()
  const r = {
    set(next) {
      now = { ...now, ...next }
      draw()
    },
    /** asked gives the range as the API takes it: query.Range, with the interval. */
    asked: () => asked(now.range, { zone: now.zone || own, interval: r.resolved().interval }),
    /** resolved gives {from, to, interval, zone}, as they are now. */
    resolved() {
      const z = now.zone || own
      const span = resolve(now.range, z)
      const fit = fitting(span)
      return { ...span, interval: fit.all.includes(now.interval) ? now.interval : fit.usual, zone: z }
    },
  }
  return r
}
