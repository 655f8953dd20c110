// The numbers at the top: what is true of the line right now.
import * as format from './format.js'
import { byId, mark, put, spark } from './dom.js'
import { doorRate, fill, freshness, loadedRate, totals } from './measures.js'

function fact(id) {
  const box = byId(`fact-${id}`)
  const value = box.querySelector('[data-value]')
  const sub = box.querySelector('[data-sub]')
  return (text, under, { state = '', title = '', underTitle = under } = {}) => {
    put(value, text, title)
    put(sub, under, underTitle)
    mark(box, 'data-state', state)
  }
}

/** numbers gives the function that draws them. */
export function numbers() {
  const show = Object.fromEntries(
    ['complete', 'rows', 'hour', 'flight', 'duplicates', 'dead', 'stream', 'door'].map((id) => [id, fact(id)]),
  )
  const gain = loadedRate()
  const rate = byId('rate')
  const seconds = byId('seconds')
  const path = seconds.querySelector('path')
  const peakText = byId('seconds-peak')
  seconds.setAttribute('viewBox', '0 0 60 1')

  return (s) => {
    const now = Date.parse(s.now)
    const sum = totals(s)
    const perSecond = doorRate(s.seconds)
    put(rate, format.rate(perSecond))
    const peak = Math.max(...s.seconds)
    mark(path, 'd', spark(s.seconds, peak))
    put(peakText, peak ? `last 60 seconds, at most ${format.count(peak)}` : 'nothing in the last 60 seconds')

    if (s.complete_to) {
      const to = new Date(s.complete_to)
      const age = Math.max(0, (now - to) / 1000)
      const { state, text } = freshness(age)
      show.complete(format.clock(to), `${format.duration(age)} ago · ${text}`, { state, title: format.utc(to) })
    } else {
      show.complete('–', 'not known yet', { state: '' })
    }
    const gained = gain(s)
    show.rows(gained === null ? '–' : format.rate(gained), 'rows a second')
    const first = s.minutes.length ? Math.min(...s.minutes.map((m) => Date.parse(m.minute))) : now
    const minutes = Math.max(1, Math.min(60, (now - first) / 60_000))
    show.hour(format.count(sum.loaded + sum.flying), `${format.compact(Math.round((sum.loaded + sum.flying) / minutes))} a minute`, {
      title: `${format.count(sum.loaded)} in the warehouse, ${format.count(sum.flying)} on their way`,
    })
    const f = s.in_flight
    show.flight(
      format.compact(f.events),
      f.events ? `${format.bytes(f.bytes)} · oldest ${format.duration((now - Date.parse(f.oldest)) / 1000)}` : 'all in the warehouse',
      { title: `${format.count(f.events)} events in ${format.count(f.records)} records`, state: f.events ? 'flight' : '' },
    )
    show.duplicates(format.compact(sum.duplicate), `${format.share(sum.duplicate, sum.accepted)} of the hour`, { title: format.count(sum.duplicate) })
    show.dead(format.compact(sum.dead), `${format.share(sum.dead, sum.accepted)} of the hour`, {
      title: format.count(sum.dead), state: sum.dead ? 'warn' : '',
    })
    const { state, text } = fill(s.stream.used, s.stream.limit)
    show.stream(format.bytes(s.stream.used), text, { state })
    if (s.ready) show.door('Open', 'each 200 is on disk', { state: 'good' })
    else show.door('Closed', 'answers 503', { state: 'bad', underTitle: s.not_ready })
    return perSecond
  }
}
