// A funnel's answer: a bar for each step, with who came, who dropped, and how long they took.
import * as format from '../format.js'
import { make, put } from '../dom.js'
import { button } from '../parts/ask.js'
import { groupName, lastName } from '../parts/breakdown.js'
import { stepName } from '../parts/events.js'
import { colours } from '../parts/palette.js'
import { table } from '../parts/table.js'

const share = (v) => (v === null || v === undefined ? '–' : format.share(v, 1))
const time = (v) => (v === null || v === undefined ? '–' : format.duration(v))
const ofGroup = (g) => ({ ...(g?.group ? { group: g.group } : {}), ...(g?.other ? { other: true } : {}) })

/**
 * funnel draws answers into a box: draw(answer, question). open({step, dropped, group, other}) is asked for the people
 * behind a number. small is for a card.
 */
export function funnel(box, { open = null, small = false }) {
  const headline = make('div', 'headline')
  const legend = make('ul', 'legend')
  legend.setAttribute('aria-label', 'The groups')
  const steps = make('ol', 'funnel')
  const note = make('p', 'sub note')
  const list = make('div', 'lines-table')
  box.replaceChildren(headline, legend, steps, note, list)

  /** opener is a number that opens who is behind it. */
  function opener(text, more, at, none) {
    if (!open || none) return make('span', '', text)
    const made = button(text, () => open(at), 'bare')
    made.setAttribute('aria-label', `${text} ${more}`)
    made.title = 'Who they are'
    return made
  }

  /** bar shows of one group who came to a step, as a part of who began, and above it who dropped before. */
  function bar(of, i, group, tone, name) {
    const [here, before] = [of[i], of[i - 1]]
    const part = (n) => (of[0].people ? n / of[0].people : 0)
    const made = make('div', 'funnel-bar')
    made.style.setProperty('--tone', tone)
    for (const [className, n, at, words] of [
      ['dropped', before?.dropped ?? 0, { step: i - 1, dropped: true, ...ofGroup(group) }, 'dropped before'],
      ['came', here.people, { step: i, ...ofGroup(group) }, 'came to'],
    ]) {
      // Where the numbers below say and do the same, this is for the mouse; of groups on a card there are none below.
      const alone = open && n && group && small
      const piece = make(alone ? 'button' : 'span', className)
      piece.style.setProperty('--part', part(n))
      piece.title = `${group ? `${groupName(group)}: ` : ''}${format.count(n)} ${words} ${name}`
      if (alone) {
        piece.type = 'button'
        piece.setAttribute('aria-label', piece.title)
      }
      if (open && n) {
        piece.classList.add('pressable')
        piece.addEventListener('click', () => open(at))
      }
      made.append(piece)
    }
    return made
  }

  function drawSteps(answer, question) {
    const groups = answer.groups?.slice(0, small ? 4 : 12) ?? [null]
    steps.classList.toggle('many', groups.length > 1)
    steps.replaceChildren(...answer.steps.map((step, i) => {
      const name = stepName(question.steps[i])
      const title = make('p', 'funnel-name', '', make('span', 'event-mark', String(i + 1)), make('span', 'cut', question.order === 'any' ? `${i + 1} of ${answer.steps.length}` : name))
      title.title = name
      const bars = make('div', 'funnel-bars', '', ...groups.map((g, n) => bar(g?.steps ?? answer.steps, i, g, g?.other ? 'var(--part-rest)' : `var(--part-${n < colours ? n : 'rest'})`, name)))
      if (!open || !small || groups[0] === null) bars.setAttribute('aria-hidden', 'true')
      const foot = make('div', 'funnel-foot', '',
        make('p', 'funnel-share', share(step.of_first)),
        make('p', 'sub', '', opener(format.plural(step.people, 'person', 'people'), `came to ${name}`, { step: i }, !step.people)))
      if (i > 0) {
        foot.append(make('p', 'sub', `${share(step.of_previous)} of step ${i}`), make('p', 'sub', `median ${time(step.median)}`))
        const { dropped } = answer.steps[i - 1]
        foot.append(make('p', 'sub', '', opener(`${format.compact(dropped)} dropped`, `before ${name}`, { step: i - 1, dropped: true }, !dropped)))
      }
      return make('li', 'funnel-step', '', title, bars, foot)
    }))
    legend.hidden = groups[0] === null
    legend.replaceChildren(...(legend.hidden ? [] : groups.map((g, n) => {
      const swatch = make('i', 'swatch')
      swatch.style.setProperty('--swatch', g.other ? 'var(--part-rest)' : `var(--part-${n < colours ? n : 'rest'})`)
      return make('li', 'legend-item', '', swatch, make('span', 'cut', groupName(g)))
    })))
  }

  /** figures is the answer as a table. */
  function figures(answer, question) {
    const name = (i) => stepName(question.steps[i])
    if (answer.groups) {
      const rows = answer.groups.map((g) => ({ ...g, name: groupName(g) }))
      const last = answer.steps.length - 1
      return {
        caption: 'The funnel by group', file: 'funnel', what: ['group', 'groups'], rows,
        columns: [
          { key: 'name', name: question.breakdown.by.map(lastName).join(', ') },
          ...answer.steps.map((_, i) => ({
            key: `step ${i + 1}`, name: `${i + 1}. ${name(i).length > 16 ? `${name(i).slice(0, 15)}…` : name(i)}`, title: name(i), kind: 'number', value: (g) => g.steps[i].people,
            cell: (v, g) => opener(format.count(v), `of ${g.name} came to ${name(i)}`, { step: i, ...ofGroup(g) }, !v),
          })),
          { key: 'conversion', name: 'Conversion', kind: 'share', value: (g) => g.steps[last].of_first },
          { key: 'median', name: 'Median time', kind: 'duration', value: (g) => g.steps[last].median_of_all },
        ],
      }
    }
    return {
      caption: 'The funnel step by step', file: 'funnel', what: ['step', 'steps'], rows: answer.steps.map((s, i) => ({ ...s, i })),
      columns: [
        { key: 'step', name: 'Step', text: (_, s) => `${s.i + 1}. ${name(s.i)}`, value: (s) => s.i + 1 },
        { key: 'event', name: 'Event', shown: false, value: (s) => name(s.i) },
        { key: 'people', name: 'Came', kind: 'number', cell: (v, s) => opener(format.count(v), `came to ${name(s.i)}`, { step: s.i }, !v) },
        { key: 'of_previous', name: 'Of the step before', kind: 'share' },
        { key: 'of_first', name: 'Of the first', kind: 'share' },
        { key: 'dropped', name: 'No further', kind: 'number', cell: (v, s) => opener(format.count(v), `came no further than ${name(s.i)}`, { step: s.i, dropped: true }, !v) },
        { key: 'median', name: 'Median time', kind: 'duration' },
        { key: 'mean', name: 'Mean', kind: 'duration' },
        { key: 'median_of_all', name: 'Since the first', kind: 'duration' },
      ],
    }
  }

  function drawTable(answer, question) {
    const { rows, ...of } = figures(answer, question)
    table(list, { ...of, first: 100 }).show(rows)
  }

  return {
    draw(answer, question) {
      const last = answer.steps.at(-1)
      headline.replaceChildren(make('span', 'value', share(last.of_first)), make('span', 'sub', `convert: ${format.count(last.people)} of ${format.count(answer.steps[0].people)} people`))
      if (last.median_of_all !== null) headline.append(make('span', 'sub', `median time ${time(last.median_of_all)}`))
      drawSteps(answer, question)
      put(note, answer.open ? 'Some who began may still go on: their time is not over, so these numbers can grow.' : '')
      list.hidden = small
      if (!small) drawTable(answer, question)
    },
    figures,
  }
}

/** isEmpty tells whether nobody began. */
export const isEmpty = (answer) => !answer.steps[0]?.people

/** behindFunnel says whose list a point's is. */
export function behindFunnel(at, question) {
  const step = stepName(question.steps[at.step] ?? {})
  const of = at.group || at.other ? `${groupName(at)}: ` : ''
  return {
    title: `${of}${at.dropped ? `came to ${step}, and no further` : `came to ${step}`}`, point: { funnel: { funnel: question, ...at } },
    words: { events: 'Steps', first: 'Began', last: 'Last step' },
  }
}
