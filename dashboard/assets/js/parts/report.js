// The frame of the report pages: a question that is built at the side, its answer, and the address that holds both.
import * as format from '../format.js'
import { byId, make, put, show } from '../dom.js'
import { watchable, watching } from './alert-form.js'
import { answers, button, emptyState, fetchJSON } from './ask.js'
import { behind } from './behind.js'
import { lastName } from './breakdown.js'
import { described } from './conditions.js'
import { stepName } from './events.js'
import { topEvents } from './known.js'
import { keeping, savedOne } from './keep.js'
import { range, zoneNow } from './range.js'
import { urlState } from './url-state.js'

const letters = { minute: 'h', hour: 'h', day: 'd', week: 'w', month: 'm' }

/** rangeOf gives a question's range (query.Range) as the range's fields have it. */
export function rangeOf({ last, unit, from = '', to = '', zone = 'UTC', interval = '' }) {
  let text = `${from.slice(0, 10)}..${to.slice(0, 10)}`
  if (last) text = unit === 'day' && last === 1 ? '0d' : `${unit === 'minute' ? Math.ceil(last / 60) : last}${letters[unit]}`
  return { range: text, interval, zone: zone === zoneNow() ? '' : zone }
}

/** withoutEmpty leaves out of a question what is not said. */
export const withoutEmpty = (question) => Object.fromEntries(Object.entries(question).filter(([, v]) => v !== undefined && v !== null && v !== false && !(Array.isArray(v) && !v.length)))

/**
 * reportPage runs a report's page.
 *
 *     reportPage({
 *       question: 'trend',                     // as POST /api/query/… calls it
 *       first: async () => question,           // what is asked at a first visit
 *       blank: () => question,                 // what the builder shows before that is known
 *       views: [['line', 'Line'], …],          // how the answer may be shown
 *       build: (question, change) => …,        // shows the question in the builder; change(patch) asks another one
 *       lacks: (question) => '',               // what must be chosen first, in words
 *       named: (question) => 'Buy by day',     // what it would be saved as
 *       drawing: (box, open) => ({ draw(answer, question, view) }),  // open(point) shows the people behind a number
 *       behind: (point, question, answer) => ({ title, point: {trend: …}, words }),
 *       interval: true,                        // the range is cut
 *       examples: (names) => [{ text, question }],               // to begin with, of the events there are
 *     })
 */
export function reportPage({ question: name, first, blank, views = [], build, lacks = () => '', named, drawing, behind: who, interval = false, examples = () => [], isEmpty = () => false }) {
  const state = urlState({ q: null, as: views[0]?.[0] ?? '', point: null, report: '' })
  const box = byId('answer')
  const tools = byId('tools')
  const view = answers(box, { what: 'Asking the warehouse' })
  const drawn = make('div', 'drawn')
  const other = make('div')
  view.body.replaceChildren(drawn, other)
  // The frame stands before any answer: the axes, or the lines of a table, where they will be.
  hideDrawn(true)
  sketch()
  const drawer = drawing(drawn, (point) => state.set({ point }))
  let asked = state.now.q ?? blank() // the question
  let guessed = true // what is asked is not known yet: the builder shows a guess
  let kept = null // the saved report that is looked at
  let answer = null
  let answered = null // the question that it answers: another one may be asked already
  let opened = null // the list behind a number
  let usual = null // what is asked at a first visit
  let ranges = null

  const onPaper = make('p', 'only-print sub') // what is asked, where no builder shows it
  tools.before(onPaper)
  const complete = make('span', 'sub report-complete')
  complete.setAttribute('role', 'status')
  const kinds = make('fieldset', 'switch', '', make('legend', 'unseen', 'Show as'))
  for (const [value, text] of views) {
    const radio = Object.assign(make('input'), { type: 'radio', name: 'as', value })
    radio.addEventListener('change', () => state.set({ as: value }))
    kinds.append(make('label', '', '', radio, make('span', '', text)))
  }
  const body = () => ({ question: name, params: asked, ...(views.length ? { view: state.now.as } : {}) })
  const keeper = {
    document: () => kept, body, name: () => named(asked), link: () => state.link({ q: asked, point: null }),
    kept: (document) => {
      kept = document
      sayName()
      state.set({ report: document.id, q: asked }, { replace: true })
    },
  }
  const buttons = [...keeping(keeper), ...(watchable.includes(name) ? [watching(keeper)] : [])]
  const again = button('Refresh', () => run(), 'button small')
  tools.append(...(views.length ? [kinds] : []), complete, make('span', 'end', '', again, ...buttons))
  const wide = matchMedia('(min-width: 1100px)')
  const open = () => { byId('build').open = wide.matches }
  wide.addEventListener('change', open)
  open()

  function sayName() {
    const changed = kept && !guessed && JSON.stringify(asked) !== JSON.stringify(kept.body.params)
    put(byId('saved-name'), kept ? `${kept.name}${changed ? ', changed' : ''}` : '')
    document.title = `${kept ? kept.name : document.title.split(' · ')[0]} · Spoor`
  }
  const change = (patch) => state.set({ q: withoutEmpty({ ...asked, ...patch }), point: null })

  /** inWords says what was asked: for paper. */
  function inWords(question) {
    const { from, to, zone } = ranges.resolved()
    const write = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: zone })
    const by = question.range.interval ?? (interval ? ranges.resolved().interval : '')
    const steps = [question.series, question.steps].find(Array.isArray) ?? [question.start, question.return, question.from]
    const parts = [
      named(question), `${write.format(from)} to ${write.format(new Date(to - 1))}${by && `, by ${by}`}, days in ${zone}`,
      ...steps.filter((s) => s?.where).map((s) => `${stepName(s)} where ${described(s.where)}`),
      question.where && `only where ${described(question.where)}`, question.breakdown && `by ${question.breakdown.by.map(lastName).join(' and ')}`, question.bots && 'bots counted too',
      `${format.complete(answer.complete)}, asked at ${format.moment(new Date(answer.complete.asked_at))}`,
    ]
    return parts.filter(Boolean).join('; ')
  }

  /** settle finds the question that the address means. */
  async function settle(signal) {
    const { q, report } = state.now
    if (report && kept?.id !== report) {
      kept = await savedOne('reports', report, signal)
      if (!q && kept.body.view && !new URLSearchParams(location.search).has('as')) state.set({ as: kept.body.view }, { replace: true })
    } else if (!report) kept = null
    sayName()
    if (q) return q
    if (kept) return kept.body.params
    return (usual ??= await first())
  }

  function build_() {
    const value = rangeOf(asked.range)
    if (!ranges) {
      ranges = range(byId('range'), {
        value, interval, onChange: () => {
          const { interval: by, ...rest } = ranges.asked()
          change({ range: interval ? { ...rest, interval: by } : { ...rest, ...(asked.range.interval ? { interval: asked.range.interval } : {}) } })
        },
      })
    } else ranges.set(value)
    build(asked, change)
  }

  // A chart measures its box: what is not shown yet keeps its width.
  function hideDrawn(is) {
    drawn.classList.toggle('unasked', is)
  }
  function sketch() {
    const made = make('div', views.some(([as]) => as === 'table') && state.now.as === 'table' ? 'sketch rows' : 'sketch')
    made.setAttribute('aria-hidden', 'true')
    other.replaceChildren(made)
  }

  const none = (title, texts) => {
    const empty = emptyState(title, texts)
    hideDrawn(true)
    other.replaceChildren(empty)
    topEvents().then((names) => {
      const row = make('p', 'examples-row')
      for (const { text, question } of examples(names)) row.append(button(text, () => state.set({ q: question, point: null }), 'button small'))
      if (names.length) empty.append(row)
      else {
        const to = make('a', 'button', 'Send the first event')
        to.href = '/sources'
        empty.append(make('p', '', 'No event is known yet.'), to)
      }
    }, () => {})
  }

  function drawKinds() {
    for (const radio of kinds.querySelectorAll('input')) radio.checked = radio.value === state.now.as
  }
  function draw() {
    drawKinds()
    if (!answer) return
    hideDrawn(false)
    other.replaceChildren()
    drawer.draw(answer, answered, state.now.as)
    put(complete, format.complete(answer.complete), `Asked at ${format.moment(new Date(answer.complete.asked_at))}`)
    put(onPaper, inWords(answered))
    if (isEmpty(answer)) none('Nothing of this in the range', ['No event fits what is asked. Choose a longer range, take a filter away, or begin with one of these:'])
    openPoint()
  }

  function close() {
    opened = null
    state.leave({ point: null })
  }

  function openPoint() {
    const { point } = state.now
    if (opened && JSON.stringify(opened.of) === JSON.stringify(point)) return
    const before = opened
    opened = null
    before?.list.close()
    if (!point || !answer) return
    const mine = { of: point, list: null }
    opened = mine
    mine.list = behind({
      ...who(point, answered, answer),
      onWay: (at) => {
        mine.of = at
        mine.list.turn(who(at, answered, answer))
        state.set({ point: at }, { replace: true })
      },
      onClose: () => { if (opened === mine) close() },
    })
  }

  const run = () => view.run(async ({ signal, follow }) => {
    const question = await settle(signal)
    signal.throwIfAborted() // another one is asked meanwhile
    if (!question) {
      return () => {
        answer = null
        none('Ask about what people do', ['Nothing has been sent yet that could be asked about. As soon as events come, this page begins with the most frequent one.'])
      }
    }
    asked = question
    guessed = false
    sayName()
    build_()
    const lack = lacks(asked)
    if (lack) {
      return () => {
        answer = null
        put(complete, '')
        none('Something is missing', [lack])
      }
    }
    const found = await fetchJSON(`/api/query/${name}`, { body: asked, signal, follow })
    return () => {
      answer = found
      answered = question
      draw()
    }
  })
  drawKinds()
  // The builder does not wait for what the server knows. Where the address is cut, what comes back says so.
  try {
    build_()
  } catch {
    guessed = true
  }
  state.on((now, before) => {
    if (JSON.stringify(now.q) !== JSON.stringify(before.q) || (now.report !== before.report && !now.q)) {
      if (JSON.stringify(now.q) !== JSON.stringify(asked)) return void run()
    }
    draw()
  })
  run()
}
