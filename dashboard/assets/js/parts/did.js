// A filter's line about what people did: which event, how often, when, and of which kind (query.Did).
import { make, put, show } from '../dom.js'
import { timesAs, timesOf } from './conditions.js'
import { dayIn, zoneNow } from './range.js'
import { eventPicker } from './selection.js'

const units = ['minute', 'hour', 'day', 'week', 'month']
const mostUnits = 1500

/** didFresh is what is said of it at first: at least once in the last 30 days. */
export const didFresh = () => ({ event: {}, range: { last: 30, unit: 'day', zone: zoneNow() } })

/** choices makes a select of [value, text]. */
export function choices(label, list, value, onChange) {
  const select = make('select', 'field')
  select.setAttribute('aria-label', label)
  select.append(...list.map(([v, text]) => new Option(text, v)))
  select.value = value
  select.addEventListener('change', () => onChange(select.value))
  return select
}

function counter(label, value, onChange) {
  const input = Object.assign(make('input', 'field count'), { type: 'number', step: 1, value })
  input.setAttribute('aria-label', label)
  input.addEventListener('change', () => onChange(input.value.trim() === '' ? NaN : Number(input.value)))
  return input
}

const whole = (n, least) => Number.isInteger(n) && n >= least

/**
 * didFields gives the elements of the line below its first, and the picker's place, which stands in it. node is the tree's
 * part, {did, not, pending}, which is changed; changed() is called after. inside(box) builds the filter of the events.
 */
export function didFields(node, { changed, inside }) {
  const place = make('div')
  const fault = make('p', 'rule-fault')
  fault.setAttribute('role', 'alert')
  fault.hidden = true
  eventPicker(place, {
    label: 'What they did', placeholder: 'Event', value: node.pending ? null : node.did.event, onPick(event) {
      node.did.event = event
      delete node.pending
      changed()
    },
  })

  // How often.
  let times = { m: 3, ...timesOf(node.did) }
  const often = make('div', 'rule-line')
  const n = counter('How many times', times.n, (v) => { times.n = v; setTimes() })
  const m = counter('And at most how many times', times.m, (v) => { times.m = v; setTimes() })
  const and = make('span', 'sub', 'and')
  const unit = make('span', 'sub')
  const how = choices('How often', [['least', 'at least'], ['most', 'at most'], ['exact', 'exactly'], ['between', 'between']], times.how, (v) => {
    times.how = v
    // Between a number and itself would be exactly so often, and read as that when the line is drawn anew.
    if (v === 'between' && !(times.m > times.n)) times.m = m.value = times.n + 1
    setTimes()
  })
  often.append(how, n, and, m, unit)

  // When.
  const span = make('div', 'rule-line')
  const zone = node.did.range?.zone ?? zoneNow()
  const today = dayIn(new Date(), zone)
  let range = { last: 30, unit: 'day', from: today, to: today, ...(node.did.range ?? {}) }
  const inMonths = node.did.range?.from && !/^\d{4}-\d\d-\d\d$/.test(node.did.range.from) // from a moment to a moment
  const kinds = [['last', 'in the last'], ['days', 'from … to …'], ['ever', 'at any time'], ...(inMonths ? [['moments', `from ${range.from} to ${range.to}`]] : [])]
  const last = counter('How long ago at most', range.last, (v) => { range.last = v; setRange() })
  const every = choices('Unit of time', units.map((u) => [u, `${u}s`]), range.unit, (v) => { range.unit = v; setRange() })
  const dates = ['from', 'to'].map((name) => {
    const input = Object.assign(make('input', 'field'), { type: 'date', value: range[name].slice(0, 10) })
    input.setAttribute('aria-label', name === 'from' ? 'First day' : 'Last day')
    input.addEventListener('change', () => { range[name] = input.value; setRange() })
    return input
  })
  const to = make('span', 'sub', 'to')
  const kind = choices('When', kinds, !node.did.range ? 'ever' : node.did.range.last ? 'last' : inMonths ? 'moments' : 'days', (v) => {
    if (v === 'days') for (const [i, name] of ['from', 'to'].entries()) range[name] = dates[i].value
    setRange()
  })
  span.append(kind, last, every, dates[0], to, dates[1])

  const wrong = () => {
    if (!whole(times.n, times.how === 'least' || times.how === 'between' ? 1 : 0)) return [n, `How many times must be a whole number${times.how === 'least' || times.how === 'between' ? ' of 1 or more' : ''}.`]
    if (times.how === 'between' && !(whole(times.m, 1) && times.m >= times.n)) return [m, `At most how many times must be a whole number, and no less than ${times.n}.`]
    if (kind.value === 'last' && !(whole(range.last, 1) && range.last <= mostUnits)) return [last, `How long ago must be a whole number of ${range.unit}s, 1 to 1,500.`]
    if (kind.value === 'days' && !(dates[0].value && dates[1].value)) return [dates[0].value ? dates[1] : dates[0], `The ${dates[0].value ? 'last' : 'first'} day is missing.`]
    if (kind.value === 'days' && dates[0].value > dates[1].value) return [dates[1], 'The last day cannot be before the first.']
    return null
  }
  /** settle says what is wrong beside its field, or gives the change on. */
  function settle() {
    const bad = wrong()
    for (const field of [n, m, last, ...dates]) {
      if (bad?.[0] === field) field.setAttribute('aria-invalid', 'true')
      else field.removeAttribute('aria-invalid')
    }
    put(fault, bad?.[1] ?? '')
    show(fault, Boolean(bad))
    if (!bad) changed()
  }
  function drawTimes() {
    n.min = times.how === 'least' || times.how === 'between' ? 1 : 0
    for (const e of [and, m]) show(e, times.how === 'between')
    put(unit, times.how !== 'between' && times.n === 1 ? 'time' : 'times')
  }
  function drawRange() {
    for (const e of [last, every]) show(e, kind.value === 'last')
    for (const e of [...dates, to]) show(e, kind.value === 'days')
  }
  function setTimes() {
    drawTimes()
    const { at_least: _, at_most: __, ...rest } = node.did
    if (!wrong()) node.did = { ...rest, ...timesAs(times) }
    settle()
  }
  function setRange() {
    drawRange()
    const { range: _, ...rest } = node.did
    const says = {
      ever: () => ({}), last: () => ({ range: { last: range.last, unit: range.unit, zone } }), days: () => ({ range: { from: range.from, to: range.to, zone } }),
      moments: () => ({ range: node.did.range }),
    }[kind.value]
    if (!wrong()) node.did = { ...rest, ...says() }
    settle()
  }
  drawTimes()
  drawRange()

  const box = make('div', 'rule-inside')
  inside(box)
  return { place, below: [often, span, fault, box] }
}
