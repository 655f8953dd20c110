// Questions to the API, and how a page shows that one is under way, was cancelled, failed or is answered.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'

/** Fault is why there is no answer: the API's own words and its stable code, or 'network'; field is what was wrong, if one was. */
export class Fault extends Error {
  constructor(message, code, status = 0, field = '') {
    super(message)
    this.code = code
    this.status = status
    this.field = field
  }
}

/** address writes path?params: what is empty is left out, a list is repeated, an object is JSON. */
export function address(path, params = {}) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v !== '' && v !== null && v !== undefined) query.append(name, typeof v === 'object' ? JSON.stringify(v) : v)
    }
  }
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

async function request(path, { params, body, signal, accept = 'application/json', method, headers = {} } = {}) {
  let response
  try {
    response = await fetch(address(path, params), {
      method: method ?? (body === undefined ? 'GET' : 'POST'), signal,
      headers: { Accept: accept, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (err) {
    if (err.name === 'AbortError') throw err
    throw new Fault('The server cannot be reached.', 'network')
  }
  if (response.ok) return response
  const text = await response.text()
  try {
    const { error, code, field } = JSON.parse(text)
    throw new Fault(error, code, response.status, field)
  } catch (err) {
    if (err instanceof Fault) throw err
    throw new Fault(text.trim() || `The server answers ${response.status}.`, 'failed', response.status)
  }
}

/**
 * fetchJSON asks the API: GET, or POST where there is a body, unless method says another. It throws a Fault, or an AbortError
 * when signal ends it. follow, if given, hears how far an answer is that takes long: {done, seconds, deadline, waiting}.
 */
export async function fetchJSON(path, { follow, ...options } = {}) {
  const response = await request(path, follow ? { accept: 'application/json, application/x-ndjson', ...options } : options)
  if (response.status === 204) return null
  if (!response.headers.get('Content-Type')?.startsWith('application/x-ndjson')) return response.json()
  let last = {}
  await readLines(response, (line) => {
    if (line.error) throw new Fault(line.error, line.code, 0, line.field)
    if (line.progress) follow(line.progress)
    else last = line
  })
  if (!('answer' in last)) throw new Fault('The connection ended before the answer did.', 'network')
  return last.answer
}

/** fetchLines reads an answer of one JSON value a line as it comes, and calls take for each. */
export async function fetchLines(path, options, take) {
  await readLines(await request(path, { accept: 'application/x-ndjson', ...options }), take)
}

async function readLines(response, take) {
  const decoder = new TextDecoder()
  let rest = ''
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read()
    const lines = (rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split('\n')
    rest = done ? '' : lines.pop()
    for (const line of lines) if (line) take(JSON.parse(line))
    if (done) return
  }
}

const advice = {
  network: 'Is it running, and is this machine on line? What was asked can be asked again.',
  timeout: 'Ask for a shorter time or for less, and try again.',
  invalid: 'Nothing was run. Change what is asked.',
  unauthorized: 'Load the page again, and give the password.',
  forbidden: 'This needs a right that you were not given.',
  scope: 'Show another token, or give the password.',
  bad_request: 'Nothing was run. Change what is asked.',
  bad_sql: 'Nothing was changed in the warehouse: it is only read.',
  too_large: 'Make it smaller, and try again.',
  busy: 'It can be tried again in a moment.',
  cut_off: 'What came of it is not all.',
  failed: 'The server’s log says more. It can be tried again.',
}
// The codes after which the same question may be answered; all others say that it is the question that must change.
const passing = ['network', 'timeout', 'failed', 'busy', 'cut_off', 'unauthorized', 'page']

/** canPass tells whether the same question may be answered when it is asked again. */
export const canPass = (fault) => passing.includes(fault.code ?? 'page')
const titles = {
  network: 'No connection', timeout: 'It took too long', unauthorized: 'The password is needed', bad_request: 'That cannot be asked', invalid: 'That cannot be asked',
  bad_sql: 'The warehouse refuses the statement', too_large: 'That is too large',
}

/** faultPanel says what went wrong and what can be done; again, if given, is behind its button, where it can help. */
export function faultPanel(err, again) {
  const fault = err instanceof Fault ? err : new Fault(String(err?.message ?? err), 'page')
  const panel = make('div', 'fault', '', make('p', 'title', titles[fault.code] ?? 'There is no answer'))
  panel.setAttribute('role', 'alert')
  panel.dataset.code = fault.code
  panel.append(fault.message.includes('\n') ? make('pre', '', fault.message) : make('p', '', fault.message))
  if (advice[fault.code]) panel.append(make('p', 'sub', advice[fault.code]))
  if (again && canPass(fault)) panel.append(button('Try again', again, 'button small'))
  return panel
}

/** button makes one that acts. */
export function button(text, act, className = 'button') {
  const made = make('button', className, text)
  made.type = 'button'
  made.addEventListener('click', act)
  return made
}

/** emptyState teaches what would be here: a title, a text or more of them, and maybe a link {text, href}. */
export function emptyState(title, texts, link) {
  const box = make('div', 'empty', '', make('p', 'title', title), ...[texts].flat().map((t) => make('p', '', t)))
  if (link) {
    const to = make('a', 'button', link.text)
    to.href = link.href
    box.append(to)
  }
  return box
}

const waitShownAfter = 400 // ms: what is faster needs no word

/** progressWords says how far something is: 42 %, 12 s; or 12 s of at most 1 min where only the time is known. */
export function progressWords(done, seconds, most) {
  const passed = format.duration(Math.max(seconds, 0.1))
  if (done !== undefined && done !== null) return `${Math.min(99, Math.floor(100 * done))} % · ${passed}` // there is no answer yet
  return most ? `${passed} of at most ${format.duration(most)}` : passed
}

/**
 * answers takes over a box in which a question's answer is shown.
 *
 *     const view = answers(box, { what: 'Asking the warehouse' })
 *     view.run(async ({ signal, follow }) => {
 *       const answer = await fetchJSON('/api/…', { params, signal, follow })
 *       return () => draw(view.body, answer) // called if no other question was asked meanwhile
 *     })
 *
 * A new run ends the one before. What takes long has a bar along the top of the box, the time that has passed, and a button
 * that cancels it. follow hears the server's word of how far it is; progress(text, part) that of who asks: part is 0 to 1, or
 * left out. Where nobody knows how far it is, the bar is the time that has passed of the most that may. What was shown
 * stays, paler unless pale is false, until the new answer is there. run gives true once an answer is shown.
 */
export function answers(box, { what = 'Asking', pale = true } = {}) {
  const body = make('div', 'answer-body', '', ...box.childNodes)
  const said = make('span')
  const clock = make('span', 'clock')
  const bar = make('progress')
  const stop = button('Cancel', () => current?.abort(), 'button small')
  const wait = make('div', 'answer-wait no-print', '', bar, said, clock, stop)
  const problem = make('div')
  said.setAttribute('role', 'status')
  bar.setAttribute('aria-label', what)
  box.classList.add('answer')
  box.replaceChildren(wait, problem, body)
  wait.hidden = true
  let current = null

  async function run(ask) {
    current?.abort()
    const mine = (current = new AbortController())
    const began = performance.now()
    let told = ''
    let part
    let heard = null // the server's word, and when it came
    const tell = () => {
      if (mine !== current) return
      const now = performance.now()
      const seconds = heard ? heard.seconds + (now - heard.at) / 1000 : (now - began) / 1000
      const done = part ?? heard?.done
      const most = heard?.deadline
      put(said, told || (heard?.waiting ? 'Waiting for its turn: much else is being asked…' : `${what}…`))
      put(clock, progressWords(done, seconds, most))
      show(bar, done !== undefined || Boolean(most))
      bar.value = done ?? (most ? Math.min(1, seconds / most) : 0)
      bar.classList.toggle('time', done === undefined)
      bar.setAttribute('aria-valuetext', clock.textContent)
    }
    const appear = setTimeout(() => {
      tell()
      wait.hidden = false
    }, waitShownAfter)
    const tick = setInterval(tell, 500)
    box.setAttribute('aria-busy', 'true')
    body.classList.toggle('pale', pale)
    const end = () => {
      clearTimeout(appear)
      clearInterval(tick)
      if (mine !== current) return false
      current = null
      wait.hidden = true
      box.removeAttribute('aria-busy')
      body.classList.remove('pale')
      return true
    }
    const tools = {
      signal: mine.signal,
      progress: (text, p) => {
        told = text
        part = p
        heard = null
        tell()
      },
      follow: (p) => {
        heard = { ...p, at: performance.now() }
        tell()
      },
    }
    try {
      const draw = await ask(tools)
      if (!end()) return false
      problem.replaceChildren()
      body.hidden = false
      draw?.()
      return true
    } catch (err) {
      mine.abort() // what else was under way for it
      if (!end()) return false
      const again = () => run(ask)
      if (err.name === 'AbortError') {
        problem.replaceChildren(make('p', 'sub', 'Cancelled. '), button('Ask again', again, 'button small'))
      } else {
        if (!(err instanceof Fault)) console.error(err)
        problem.replaceChildren(faultPanel(err, again))
        body.hidden = true
      }
      return false
    }
  }
  return { run, body, cancel: () => current?.abort(), busy: () => current !== null }
}
