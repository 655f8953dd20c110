// The form of an alert: what is watched, when it fires and whom it tells.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'
import { seriesName } from '../show/trend.js'
import { groupChoice } from './alert-group.js'
import { button, faultPanel, fetchJSON } from './ask.js'
import { dialog } from './dialog.js'
import { stepName } from './events.js'
import { askName, change, create, savedList } from './keep.js'
import { eventPicker } from './selection.js'
import { toast } from './toast.js'

/** watchable are the questions that have numbers to watch. */
export const watchable = ['trend', 'funnel', 'retention']

/** written writes a number of an alert: a share, which is 0 to 1, in percent. */
export function written(v, kind) {
  if (v === null || v === undefined) return '–'
  return kind === 'share' ? `${format.decimal(Math.round(v * 1000) / 10)}%` : format.decimal(Math.round(v * 100) / 100)
}

/** fineText puts the range in which an alert does not fire into words. */
export function fineText({ low = null, high = null }, kind) {
  if (low !== null && high !== null) return `${written(low, kind)} to ${written(high, kind)}`
  if (low !== null) return `${written(low, kind)} or more`
  return high !== null ? `${written(high, kind)} or less` : ''
}

function rangeWords({ last, unit, from, to }) {
  if (!last) return `from ${from} to ${to}`
  return last === 1 ? `this ${unit}` : `the last ${last} ${unit}s`
}

/** places are the numbers of a report, and what there is of each: [{value, text, number, of: [[value, text, kind]]}]. */
function places({ question, params }) {
  const whole = rangeWords(params.range)
  if (question === 'trend') {
    const by = params.range.interval ?? 'day'
    const of = (kind) => [['total', params.range.last ? `over ${whole}` : whole, kind], ['last', `in the last full ${by}`, kind]]
    return [
      ...params.series.map((s, i) => ({ value: `series ${i}`, text: seriesName(s), number: { series: i }, of: of(['count', 'people', 'sessions', undefined].includes(s.measure?.of) ? 'count' : 'other') })),
      ...(params.formulas ?? []).map((f, i) => ({ value: `formula ${i}`, text: f, number: { formula: i }, of: of('other') })),
    ]
  }
  if (question === 'funnel') {
    const all = params.steps.map((s, i) => ({
      value: `step ${i}`, text: `${i + 1}. ${stepName(s)}`, number: { step: i },
      of: [...(i ? [['of_first', 'share of the first step', 'share'], ['of_previous', 'share of the step before', 'share']] : []), ['people', 'people who came to it', 'count']],
    }))
    return [...all.slice(1).reverse(), all[0]] // the last step is what is meant most often
  }
  const by = params.range.interval ?? 'day'
  const of = [['share', 'share of those who started', 'share'], ['people', 'people', 'count']]
  const most = params.range.last && params.range.unit === by ? Math.min(60, params.range.last) : 31
  const periods = Array.from({ length: most }, (_, i) => ({ value: `period ${i}`, text: `back in ${by} ${i}`, number: { period: i }, of }))
  return [...periods.slice(1), periods[0]]
}

/** hasUsual tells whether a number may be proposed to be held to what is usual; whether it can be is the server's to say. */
function hasUsual({ question, params: { range } = {} } = {}, of) {
  const short = (unit) => ['minute', 'hour', 'day'].includes(unit)
  if (!range?.last) return false
  if (question === 'trend' && of === 'last') return short(range.interval ?? 'day')
  return short(range.unit) && (question !== 'retention' || short(range.interval ?? 'day'))
}

let named = 0

/** field puts a label above an element. A list's own words are no part of its name. */
function field(text, element) {
  const label = make('span', 'label', text)
  label.id = `alert-field-${++named}`
  element.setAttribute('aria-labelledby', label.id)
  return make('label', 'labelled', '', label, element)
}
function choice(options, value) {
  const select = make('select', 'field')
  select.append(...options.map(([v, text]) => new Option(text, v)))
  if (value !== undefined && options.some(([v]) => String(v) === String(value))) select.value = value
  return select
}
const numberField = () => Object.assign(make('input', 'field'), { type: 'number', step: 'any', inputMode: 'decimal' })
const part = (title, ...children) => {
  const legend = make('legend', '', title)
  return make('fieldset', 'alert-part', '', legend, ...children)
}

/** receivers are the lines of who is told: get() gives them as the API takes them. name() is the alert's, for the test. */
function receivers(list, name, changed) {
  const box = make('div', 'receivers')
  const none = make('p', 'sub', 'Nobody is told: it is shown on the pages, and logged.')
  const lines = []
  function line(to) {
    const mail = to.email !== undefined
    const what = mail ? 'Mailbox' : 'Webhook'
    const input = Object.assign(make('input', 'field'), {
      type: mail ? 'email' : 'url', value: (mail ? to.email : to.webhook) ?? '', placeholder: mail ? 'ops@example.com' : 'https://chat.example/hook', autocomplete: 'off', spellcheck: false,
    })
    const result = make('p', 'receiver-result')
    result.setAttribute('role', 'status')
    const mine = { input, get: () => ({ [mail ? 'email' : 'webhook']: input.value.trim() }) }
    const say = (text, kind = '') => {
      put(result, text)
      result.dataset.kind = kind
    }
    const test = button('Test', async () => {
      test.disabled = true
      say('Telling it…')
      try {
        const { ok, error } = await fetchJSON('/api/alerts/try', { body: { name: name(), to: mine.get() } })
        say(ok ? `Told at ${format.clock(new Date())}` : error, ok ? 'good' : 'bad')
      } catch (err) {
        say(err.message, 'bad')
      }
      test.disabled = false
    }, 'button small')
    const gone = button('×', () => {
      const next = lines[lines.indexOf(mine) + 1] ?? lines[lines.indexOf(mine) - 1]
      lines.splice(lines.indexOf(mine), 1)
      row.remove()
      draw()
      ;(next?.input ?? add.firstElementChild).focus()
    }, 'bare')
    input.addEventListener('input', () => say(''))
    const row = make('div', 'receiver', '', make('span', 'receiver-kind', what), input, test, gone, result)
    row.setAttribute('role', 'group')
    lines.push(mine)
    mine.number = (i) => {
      row.setAttribute('aria-label', `Receiver ${i + 1}`)
      input.setAttribute('aria-label', `${what} ${i + 1}`)
      test.setAttribute('aria-label', `Test ${what.toLowerCase()} ${i + 1}`)
      gone.setAttribute('aria-label', `Remove ${what.toLowerCase()} ${i + 1}`)
      gone.title = 'Remove'
    }
    box.append(row)
    return mine
  }
  function draw() {
    lines.forEach((l, i) => l.number(i))
    show(none, !lines.length)
    changed()
  }
  const more = (to) => () => {
    const { input } = line(to)
    draw()
    input.focus()
  }
  const add = make('div', 'by-more', '', button('Add a webhook', more({ webhook: '' }), 'button small'), button('Add a mailbox', more({ email: '' }), 'button small'))
  for (const to of list) line(to)
  draw()
  return { element: make('div', '', '', box, none, add), get: () => lines.map((l) => l.get()) }
}

const lengths = [[5, '5 minutes'], [15, '15 minutes'], [60, 'hour'], [360, '6 hours'], [1440, 'day'], [10080, '7 days']]
const whens = [
  ['below', 'under a number'], ['above', 'over a number'], ['outside', 'outside of two numbers'],
  ['usual-below', 'under what is usual'], ['usual-above', 'over what is usual'], ['usual-both', 'outside of what is usual'],
]
const spreads = [[2, 'a little: 2 deviations'], [3, '3 deviations'], [4, '4 deviations'], [6, '6 deviations'], [10, 'a lot: 10 deviations']]
const rows = [1, 2, 3, 4, 5, 10, 15, 30, 60]

function whenOf({ above, below, usual }) {
  if (usual) return `usual-${usual.side ?? 'both'}`
  if (above !== undefined && below !== undefined) return 'outside'
  return above !== undefined ? 'above' : 'below'
}

/**
 * alertForm opens the form and gives the document that was kept, or undefined. document is a saved alert that is changed,
 * report a saved report of which a new one watches a number, name what a new one may be called.
 */
export async function alertForm({ document = null, report = null, name = '' } = {}) {
  const old = structuredClone(document?.body ?? (report ? { report: report.id } : {}))
  const reports = (await savedList('reports')).filter((r) => watchable.includes(r.body.question))
  const called = Object.assign(make('input', 'field'), { type: 'text', value: document?.name ?? name, maxLength: 200, placeholder: 'Few orders', autocomplete: 'off' })
  const ignore = Object.assign(make('textarea', 'field'), { rows: 3, value: (old.ignore ?? []).join('\n'), spellcheck: false })
  let event = old.event?.event ? { event: old.event.event } : {}

  // What is watched.
  const subject = choice([['report', 'A number of a saved report'], ['event', 'How often an event comes']], old.event || (!old.report && !reports.length) ? 'event' : 'report')
  const which = make('select', 'field')
  for (const question of watchable) {
    const of = reports.filter((r) => r.body.question === question)
    if (!of.length) continue
    const group = globalThis.document.createElement('optgroup')
    group.label = { trend: 'Trends', funnel: 'Funnels', retention: 'Retention' }[question]
    group.append(...of.map((r) => new Option(r.name, r.id)))
    which.append(group)
  }
  const gone = old.report && !reports.some((r) => r.id === old.report)
  if (gone) which.append(new Option('A report that was removed', old.report))
  if (old.report) which.value = old.report
  const place = make('select', 'field')
  const of = make('select', 'field')
  const groups = groupChoice(() => draw())
  const eventBox = make('div')
  const minutes = choice(lengths.some(([n]) => n === (old.event?.minutes ?? 60)) ? lengths : [...lengths, [old.event.minutes, `${old.event.minutes} minutes`]], old.event?.minutes ?? 60)

  // When it fires.
  const when = choice(whens, document ? whenOf(old) : 'usual-below')
  const [low, high] = [numberField(), numberField()]
  const k = old.usual?.k ?? 4
  const tolerance = choice(spreads.some(([n]) => n === k) ? spreads : [...spreads, [k, `${k} deviations`]], k)
  const inARow = choice((rows.includes(old.for ?? 2) ? rows : [...rows, old.for]).map((n) => [n, n === 1 ? 'at once' : `after ${n} looks in a row`]), old.for ?? (document ? 2 : 1))
  const now = make('p', 'alert-preview')
  now.setAttribute('role', 'status')
  const fault = make('div')
  const [lowLabel, highLabel] = [field('', low), field('', high)]
  const tell = receivers(old.notify ?? [], () => called.value.trim(), () => {})

  const current = () => reports.find((r) => r.id === which.value)
  const chosen = () => placesNow.find((p) => p.value === place.value)
  let placesNow = []
  let touched = Boolean(document) // when it fires was chosen, and is not to be proposed
  const kind = () => (subject.value === 'event' ? 'count' : chosen()?.of.find(([v]) => v === of.value)?.[2] ?? 'other')
  let unit = ''

  /** fill offers the numbers of the report that is chosen. */
  function fill(number = {}) {
    show(groupField, groups.fill(current(), number))
    placesNow = current() ? places(current().body) : []
    place.replaceChildren(...placesNow.map((p) => new Option(p.text, p.value)))
    const at = Object.entries(number).find(([name]) => ['series', 'formula', 'step', 'period'].includes(name))
    if (at && placesNow.some((p) => p.value === at.join(' '))) place.value = at.join(' ')
    fillOf(number.of)
  }
  function fillOf(value) {
    const options = chosen()?.of ?? []
    const before = value ?? of.value
    of.replaceChildren(...options.map(([v, text]) => new Option(text, v)))
    if (options.some(([v]) => v === before)) of.value = before
  }

  const groupField = field('Of which group', groups.element)
  const reportPart = make('div', 'alert-fields', '', field('Report', which), field('Number', place), field('Of it', of), groupField)
  const eventPart = make('div', 'alert-fields', '', make('div', 'labelled', '', make('span', 'label', 'Event'), eventBox), field('In the last', minutes))
  const noReport = make('p', 'sub', 'No trend, funnel or retention is saved yet: build one, and press “Alert me” there.')
  eventPicker(eventBox, { label: 'Event', value: event, onPick: (next) => { event = next; draw() } })
  const whole = old.tracking ? [
    part('What is watched', make('p', 'sub', 'Every event that normally comes: it fires when one has stopped coming.'), field('Except these, one in a line', ignore)),
    part('When it fires', make('div', 'alert-fields', '', field('It is told', inARow))),
  ] : [
    part('What is watched', field('Watch', subject), reportPart, noReport, eventPart),
    part('When it fires', make('div', 'alert-fields', '', field('When the number is', when), lowLabel, highLabel, field('Still usual', tolerance), field('It is told', inARow)), now),
  ]

  /** draw shows the fields that what is chosen needs. */
  function draw() {
    if (old.tracking) return
    const isReport = subject.value === 'report'
    if (!touched) when.value = isReport && !hasUsual(current()?.body, of.value) ? 'below' : 'usual-below'
    show(reportPart, isReport && reports.length > 0)
    show(noReport, isReport && !reports.length)
    show(eventPart, !isReport)
    const usual = when.value.startsWith('usual-')
    show(lowLabel, ['below', 'outside'].includes(when.value))
    show(highLabel, ['above', 'outside'].includes(when.value))
    show(tolerance.parentElement, usual)
    const next = kind() === 'share' ? ' (%)' : ''
    put(lowLabel.firstElementChild, `Fires under${next}`)
    put(highLabel.firstElementChild, `Fires over${next}`)
    if (unit !== kind() && unit !== '' && (unit === 'share' || kind() === 'share')) low.value = high.value = '' // it was another sort of number
    unit = kind()
    preview()
  }
  const scale = () => (kind() === 'share' ? 100 : 1)
  const limit = (input) => (input.value === '' ? undefined : Number((Number(input.value) / scale()).toPrecision(12)))

  /** rule is the form as the API takes it. */
  function rule() {
    const body = { ...(old.paused ? { paused: true } : {}), for: Number(inARow.value), notify: tell.get() }
    if (old.tracking) {
      const names = ignore.value.split('\n').map((s) => s.trim()).filter(Boolean)
      return { ...body, tracking: true, ...(names.length ? { ignore: names } : {}) }
    }
    if (subject.value === 'report') Object.assign(body, { report: which.value, number: { ...chosen()?.number, ...(of.value ? { of: of.value } : {}), ...groups.get() } })
    else {
      // What the form does not ask for stays as it was.
      const { type, source } = old.event ?? {}
      body.event = { ...(event.event ? { event: event.event } : {}), ...(event.type ? { type: event.type } : type && event.event === old.event.event ? { type } : {}), ...(source ? { source } : {}), minutes: Number(minutes.value) }
    }
    if (when.value.startsWith('usual-')) body.usual = { side: when.value.slice('usual-'.length), k: Number(tolerance.value) }
    else {
      if (['below', 'outside'].includes(when.value)) body.below = limit(low)
      if (['above', 'outside'].includes(when.value)) body.above = limit(high)
    }
    return body
  }

  let waiting = 0
  let asking = null
  /** preview says what the number is now, so that a threshold can be chosen. */
  function preview() {
    clearTimeout(waiting)
    asking?.abort()
    if (subject.value === 'report' && !current()) return void put(now, '')
    put(now, 'Asking for the number now…')
    now.dataset.kind = ''
    waiting = setTimeout(async () => {
      const mine = (asking = new AbortController())
      const { notify: _, ...body } = rule()
      // Without a threshold yet, the number is worth knowing all the more.
      if (!body.usual && body.below === undefined && body.above === undefined) body.above = kind() === 'share' ? 1 : 0
      try {
        const m = await fetchJSON('/api/alerts/measure', { body, signal: mine.signal })
        const fine = body.usual ? (m.known ? `usual is ${fineText(m, m.kind)}` : 'too little of the past is there to say what is usual: it learns first') : ''
        const value = m.value === undefined ? 'no value' : written(m.value, m.kind)
        put(now, [`Now: ${value}`, fine].filter(Boolean).join(' · '), `Up to ${format.moment(new Date(m.at))}`)
      } catch (err) {
        if (err.name === 'AbortError') return
        put(now, err.message.replace(/^body\.usual /, 'What is usual '))
        now.dataset.kind = 'bad'
      }
    }, 300)
  }

  when.addEventListener('change', () => { touched = true })
  which.addEventListener('change', () => fill())
  place.addEventListener('change', () => fillOf())
  for (const select of [subject, which, place, of, minutes, when, tolerance]) select.addEventListener('change', draw)
  for (const input of [low, high]) input.addEventListener('change', preview)
  fill(old.number)
  unit = kind()
  if (old.below !== undefined) low.value = Number((old.below * scale()).toPrecision(12))
  if (old.above !== undefined) high.value = Number((old.above * scale()).toPrecision(12))
  draw()

  /** refused says why the alert cannot be kept as it is. */
  function refused(err) {
    const panel = faultPanel(err)
    panel.querySelector('.title').textContent = err.code === 'network' ? 'No connection' : 'It is not saved'
    if (err.code !== 'network') panel.querySelector('.sub')?.remove()
    fault.replaceChildren(panel)
    fault.scrollIntoView({ block: 'nearest' })
  }
  const save = async () => {
    const body = rule()
    const limits = old.tracking || body.usual ? [] : [[low, lowLabel], [high, highLabel]].filter(([, label]) => !label.hidden).map(([input]) => input)
    const empty = called.value.trim() === '' ? called : limits.find((input) => input.value === '')
    if (empty) {
      refused(new Error(empty === called ? 'Give the alert a name.' : 'Give the number at which it fires.'))
      empty.focus()
      return false
    }
    const beyond = kind() === 'share' && limits.find((input) => input.value < 0 || input.value > 100)
    if (beyond) {
      refused(new Error(`The number is a share: it is 0 to 100%; got ${beyond.value}%.`))
      beyond.focus()
      return false
    }
    const draft = { name: called.value.trim(), body }
    try {
      if (document?.version === 0) kept = await fetchJSON(`/api/saved/alerts/${encodeURIComponent(document.id)}`, { method: 'PUT', headers: { 'If-None-Match': '*' }, body: draft })
      else kept = document ? await change('alerts', document, draft) : await create('alerts', draft.name, body)
      return true
    } catch (err) {
      refused(err)
      return false
    }
  }
  let kept
  const asked = dialog({
    title: document ? `Change the alert ${document.name}` : 'New alert',
    body: [make('div', 'alert-form', '', field('Name', called), ...whole, part('Who is told', tell.element), fault)],
    choices: [{ text: 'Cancel' }, { text: 'Save alert', value: true, className: 'button main', act: save }],
  })
  asked.element.classList.add('wide')
  asked.element.addEventListener('input', () => fault.replaceChildren())
  called.focus()
  await asked.closed
  clearTimeout(waiting)
  asking?.abort()
  groups.stop()
  return kept
}

/**
 * watching gives the button of a report's page that makes an alert on one of its numbers. An alert watches a saved report: one
 * that is not, or was changed since, is saved first. document() is the saved one or null, body() what would be saved, name()
 * what it would be called; kept(document) hears that it was saved.
 */
export function watching({ document, body, name, kept }) {
  return button('Alert me', async () => {
    try {
      let report = document()
      if (!report || JSON.stringify(report.body.params) !== JSON.stringify(body().params)) {
        const called = await askName({
          title: 'Save this report', value: report ? `${report.name}, changed` : name(), yes: 'Save and go on',
          also: [make('p', 'sub', 'An alert watches a number of a saved report. Which number, and when it is told, comes next.')],
        })
        if (!called) return
        report = await create('reports', called, body())
        kept(report)
      }
      const made = await alertForm({ report, name: report.name })
      if (made) toast(`“${made.name}” is watched.`, { action: { text: 'Open it', act: () => location.assign(`/alerts?id=${encodeURIComponent(made.id)}`) } })
    } catch (err) {
      toast(err.message, { kind: 'bad' })
    }
  }, 'button small')
}
