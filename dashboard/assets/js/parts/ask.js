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

/** fetchJSON asks the API: GET, or POST where there is a body, unless method says another. It throws a Fault, or an AbortError when signal ends it. */
export async function fetchJSON(path, options) {
  const response = await request(path, options)
  return response.status === 204 ? null : response.json()
}

/** fetchBlob gets a whole answer as a file; progress(bytes) hears how much has come. */
export async function fetchBlob(path, { progress = () => {}, ...options } = {}) {
  const response = await request(path, { accept: '*/*', ...options })
  const parts = []
  let bytes = 0
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read()
    if (done) return new Blob(parts, { type: response.headers.get('Content-Type') ?? '' })
    parts.push(value)
    progress((bytes += value.length))
  }
}

/** fetchLines reads an answer of one JSON value a line as it comes, and calls take for each. */
export async function fetchLines(path, options, take) {
  const response = await request(path, { accept: 'application/x-ndjson', ...options })
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
  failed: 'The server’s log says more. It can be tried again.',
}
const titles = {
  network: 'No connection', timeout: 'It took too long', unauthorized: 'The password is needed', bad_request: 'That cannot be asked', invalid: 'That cannot be asked',
  bad_sql: 'The warehouse refuses the statement', too_large: 'That is too large',
}

/** faultPanel says what went wrong and what can be done; again, if given, is behind its button. */
export function faultPanel(err, again) {
  const fault = err instanceof Fault ? err : new Fault(String(err?.message ?? err), 'page')
  const panel = make('div', 'fault', '', make('p', 'title', titles[fault.code] ?? 'There is no answer'))
  panel.setAttribute('role', 'alert')
  panel.dataset.code = fault.code
  panel.append(fault.message.includes('\n') ? make('pre', '', fault.message) : make('p', '', fault.message))
  if (advice[fault.code]) panel.append(make('p', 'sub', advice[fault.code]))
  if (again) panel.append(button('Try again', again, 'button small'))
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

const waitShownAfter = 200 // ms: what is faster needs no word

/**
 * answers takes over a box in which a question's answer is shown.
 *
 *     const view = answers(box, { what: 'Asking the warehouse' })
 *     view.run(async ({ signal, progress }) => {
 *       const answer = await fetchJSON('/api/…', { params, signal })
 *       return () => draw(view.body, answer) // called if no other question was asked meanwhile
 *     })
 *
 * A new run ends the one before. progress(text, part) says how far it is; part is 0 to 1, or left out. What was shown
 * stays, paler unless pale is false, until the new answer is there. run gives true once an answer is shown.
 */
export function answers(box, { what = 'Asking', pale = true } = {}) {
  const body = make('div', 'answer-body', '', ...box.childNodes)
  const said = make('span')
  const bar = make('progress')
  const stop = button('Cancel', () => current?.abort(), 'button small')
  const wait = make('div', 'answer-wait no-print', '', bar, said, stop)
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
    const tell = () => {
      const seconds = (performance.now() - began) / 1000
      put(said, `${told || `${what}…`}${seconds >= 2 ? ` ${format.duration(seconds)}` : ''}`)
      show(bar, part !== undefined)
      if (part !== undefined) bar.value = part
    }
    const appear = setTimeout(() => {
      tell()
      wait.hidden = false
    }, waitShownAfter)
    const tick = setInterval(tell, 1000)
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
    try {
      const draw = await ask({ signal: mine.signal, progress: (text, p) => { told = text; part = p; if (mine === current) tell() } })
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
