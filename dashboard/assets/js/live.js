// The live page: one snapshot a second, and the newest events as they pass.
import * as format from './format.js'
import { connect } from './connect.js'
import { byId, mark, put, show } from './dom.js'
import { minutesChart } from './minutes.js'
import { newest } from './newest.js'
import { numbers } from './numbers.js'
import { names, sources } from './tables.js'
import { copyButtons, nameServer } from './parts/copy.js'

const silentAfter = 5000

const link = byId('link')
const linkText = byId('link-text')
const banner = byId('banner')
const welcome = byId('welcome')
const live = byId('live')

const feed = newest(() => begin())
const parts = { numbers: numbers(), minutes: minutesChart(), names: names(feed.pick), sources: sources() }

let snapshot = null
let heard = 0 // when the last snapshot came, by the browser's clock
let state = 'connecting'
let fault = ''
let frame = 0
let begun = false // there is something to show

const schedule = () => (frame ||= requestAnimationFrame(draw))

connect(() => '/api/live/stream', {
  snapshot(s) {
    snapshot = s
    heard = performance.now()
    fault = ''
    schedule()
  },
  fault(f) {
    fault = f.error
    schedule()
  },
}, (now) => {
  state = now
  // Where nobody looks no frame is drawn, and a number would grow old.
  if (state === 'hidden') document.title = 'Spoor'
  schedule()
})

// A server that is there and says nothing is stuck: the page must not look alive.
setInterval(() => {
  if (!document.hidden && standing()[0] !== link.dataset.state) schedule()
}, 1000)

/** begin takes the page from its empty state to the one that shows events. */
function begin() {
  if (begun) return
  begun = true
  welcome.hidden = true
  live.hidden = false
}

/** standing puts into words how far what is shown can be trusted. */
function standing() {
  const silent = snapshot && performance.now() - heard > silentAfter
  const asOf = snapshot ? `, numbers of ${format.clock(new Date(snapshot.now))}` : ''
  if (state === 'lost') return ['lost', `reconnecting…${asOf}`]
  if (fault) return ['lost', `the warehouse does not answer${asOf}`]
  if (state === 'connecting' || !snapshot) return ['connecting', 'connecting…']
  if (silent && state === 'open') return ['lost', `no news${asOf}`]
  return ['open', 'live']
}

function draw() {
  frame = 0
  const [kind, text] = standing()
  mark(link, 'data-state', kind)
  put(linkText, text)
  mark(document.body, 'data-link', kind)
  const closed = snapshot && !snapshot.ready && kind === 'open'
  show(banner, closed || Boolean(fault))
  put(banner, closed ? `The door is closed: ${snapshot.not_ready}. Senders hear 503 and try again later; nothing that was accepted is lost.`
    : fault ? `The warehouse does not answer: ${fault}. Events are still accepted and kept on the stream.` : '')
  if (document.hidden) return
  if (kind !== 'open') {
    document.title = 'Live · Spoor'
    return
  }
  if (snapshot.newest || snapshot.in_flight.events) begin()
  else if (!begun) {
    welcome.hidden = false
    live.hidden = true
    document.title = 'Waiting · Spoor'
    return
  }
  const perSecond = parts.numbers(snapshot)
  parts.minutes(snapshot)
  parts.names(snapshot)
  parts.sources(snapshot)
  feed.know(snapshot)
  document.title = `${format.rate(perSecond)}/s · Spoor`
}

nameServer()
copyButtons()
put(byId('zone'), `Times in ${format.zone()}`)
