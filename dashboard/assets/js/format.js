// How numbers, times and sizes are written. Numbers are in English, as the page is; times are in the viewer's zone.

const grouped = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const one = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const many = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const hourMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const second = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' })
const secondOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** 1234567 → 1,234,567 */
export const count = (n) => grouped.format(n)

/** A number as it is, grouped: 1,234.5; text that is a number too large to be one stays text. */
export const decimal = (n) => (typeof n === 'number' ? many.format(n) : String(n))

/** As count, and from 100,000 on in three digits: 10.2M */
export const compact = (n) => (Math.abs(n) < 100_000 ? grouped.format(n) : short.format(n))

/** A rate: one digit behind the point below 10. */
export const rate = (n) => (n < 9.95 ? one.format(n) : grouped.format(Math.round(n)))

/** 1, 'row', 'rows' → 1 row */
export const plural = (n, singular, many) => `${compact(n)} ${n === 1 ? singular : many}`

/** 100 of those that are left, 2020 → Show 100 more of 2,020 */
export const more = (n, left) => (n < left ? `Show ${count(n)} more of ${count(left)}` : left === 1 ? 'Show the last one' : `Show the other ${count(left)}`)

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** 1536 → 1.5 KiB */
export function bytes(n) {
  let unit = 0
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024
    unit++
  }
  return `${unit === 0 || n >= 100 ? Math.round(n) : one.format(n)} ${units[unit]}`
}

/** A part of a whole; a small part is never 0 and a large one never all. */
export function share(part, whole) {
  if (!whole || !part) return '0%'
  if (part === whole) return '100%'
  const percent = (100 * part) / whole
  if (percent < 0.01) return '<0.01%'
  if (percent < 1) return `${percent.toFixed(2)}%`
  return `${Math.min(percent, 99.9).toFixed(1)}%`
}

/** Seconds: 12 ms, 0.8 s, 12 s, 4 min 10 s, 3 h 12 min, 2 d 4 h */
export function duration(seconds) {
  const s = Math.max(0, seconds)
  if (s > 0 && s < 0.0995) return `${Math.max(1, Math.round(1000 * s))} ms`
  if (s < 9.95) return `${s.toFixed(1)} s`
  const whole = Math.round(s)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return pair(whole, 60, 'min', 1, 's')
  if (whole < 86400) return pair(whole, 3600, 'h', 60, 'min')
  return pair(whole, 86400, 'd', 3600, 'h')
}

function pair(s, large, largeName, small, smallName) {
  const rest = Math.floor((s % large) / small)
  return `${Math.floor(s / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ''}`
}

/** 12:03:41 */
export const clock = (t) => time.format(t)

/** 12:03 */
export const minute = (t) => hourMinute.format(t)

/** 23 Nov, 12:03 */
export const date = (t) => day.format(t)

/** 23 Nov, 12:03:41; of another year with it: 23 Nov 2025, 12:03:41 */
export const moment = (t) => (t.getFullYear() === new Date().getFullYear() ? second : secondOfYear).format(t)

/** 23 Nov, 12:03:41.123 */
export const exact = (t) => `${moment(t)}.${String(t.getMilliseconds()).padStart(3, '0')}`

/** 12:03:41.123 */
export const precise = (t) => `${time.format(t)}.${String(t.getMilliseconds()).padStart(3, '0')}`

/** 2026-11-23 12:03:41 UTC: for titles */
export const utc = (t) => `${t.toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** Europe/Vienna */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** What a row is called: a track event by its name, another by its type. */
export const nameOf = (type, event) => event || `${type} calls`

/** A chart's axis: 120K */
export const axis = (n) => (n < 10_000 ? grouped.format(n) : short.format(n))

/** How much an answer knows of (query.Completeness): complete up to 12:03:41 */
export const complete = ({ up_to: upTo }) => (upTo ? `complete up to ${clock(new Date(upTo))}` : 'nothing has been loaded yet')
