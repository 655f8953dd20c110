// The page Settings: alerts and tokens.
import * as format from './format.js'
import { byId, make, put, show } from './dom.js'
import { Fault, answers, button, emptyState, faultPanel, fetchJSON } from './parts/ask.js'
import { copy } from './parts/copy.js'
import { confirm, dialog } from './parts/dialog.js'
import { eventOptions } from './parts/known.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'

const again = 30_000 // how often the alerts are looked at

/** remove asks the API to take something away. */
async function remove(path) {
  let response
  try {
    response = await fetch(path, { method: 'DELETE' })
  } catch {
    throw new Fault('The server cannot be reached.', 'network')
  }
  if (response.ok) return
  const { error, code } = await response.json()
  throw new Fault(error, code, response.status)
}

/** tried does something, and says what went wrong. */
async function tried(act) {
  try {
    return await act()
  } catch (err) {
    toast(err.message, { kind: 'bad' })
    return null
  }
}

const number = (v) => (v === null || v === undefined ? '' : format.decimal(Math.round(v * 100) / 100))

function usual(a) {
  const { low = null, high = null } = a
  if (low !== null && high !== null) return `${number(low)} to ${number(high)}`
  if (low !== null) return `${number(low)} or more`
  return high !== null ? `${number(high)} or less` : ''
}

const alertsView = answers(byId('alerts'), { what: 'Reading the alerts', pale: false })
const alerts = table(alertsView.body, {
  caption: 'Alerts', file: 'alerts', what: ['alert', 'alerts'], exports: false,
  columns: [
    { key: 'name', name: 'Alert' },
    { key: 'status', name: 'Status', cell: (v) => { const s = make('span', 'status', v); s.dataset.status = v; return s } },
    { key: 'since', name: 'Since', kind: 'time' },
    { key: 'value', name: 'Now', kind: 'number', text: number },
    { key: 'fine', name: 'Fine', value: usual },
    { key: 'watches', name: 'Watches', text: (v, a) => (a.fault ? `${v}: ${a.fault}` : v) },
    { key: 'notify', name: 'Tells', value: (a) => a.notify.join(', '), none: 'nobody', text: (v, a) => (a.undelivered ? `${v} (not delivered: ${a.undelivered})` : v) },
    { key: 'act', name: 'Act', sort: false, value: () => '', cell: (_, a) => acts(a) },
  ],
})

function acts(a) {
  const box = make('span', 'acts')
  if (a.notify.length > 0) {
    const test = button('Test', () => tried(() => tell(a)), 'bare')
    test.setAttribute('aria-label', `Test ${a.name}`)
    box.append(test)
  }
  if (a.version > 0) {
    const gone = button('Remove', () => tried(async () => {
      if (!(await confirm({ title: `Remove the alert ${a.name}?`, text: 'Nobody is told of it any more.', yes: 'Remove', danger: true }))) return
      await remove(`/api/saved/alerts/${encodeURIComponent(a.id)}`)
      toast(`${a.name} is removed`)
      readAlerts()
    }), 'bare')
    gone.setAttribute('aria-label', `Remove ${a.name}`)
    box.append(gone)
  }
  return box.children.length > 0 ? box : make('span', 'sub', 'always on')
}

async function tell(a) {
  const { results } = await fetchJSON(`/api/alerts/${encodeURIComponent(a.id)}/test`, { body: {} })
  for (const r of results) toast(r.ok ? `${r.to} was told` : `${r.to}: ${r.error}`, { kind: r.ok ? '' : 'bad' })
}

function readAlerts() {
  return alertsView.run(async ({ signal }) => {
    const answer = await fetchJSON('/api/alerts', { signal })
    return () => {
      alerts.show(answer.alerts)
      drawSilent(answer.alerts.flatMap((a) => a.silent ?? []).filter((s) => s.status === 'firing'))
    }
  })
}

function drawSilent(silent) {
  const box = byId('silent')
  if (silent.length === 0) {
    box.replaceChildren()
    return
  }
  const list = make('ul', '', '', ...silent.map((s) => make('li', '',
    `${s.event ?? s.type} from ${s.source}: none since ${format.moment(new Date(s.since))}; usually ${number(s.usual)} in ${s.hours === 1 ? 'this hour' : 'a day'}`)))
  box.replaceChildren(make('div', 'silent-list', '', make('p', 'title', 'These events normally come, and have stopped coming'), list))
}

const alertForm = byId('alert-form')

/** fit shows the fields that what is chosen needs. */
function fit() {
  const { when, how } = alertForm.elements
  show(byId('number-label'), ['above', 'below'].includes(when.value))
  alertForm.elements.number.required = ['above', 'below'].includes(when.value)
  show(byId('to-label'), how.value !== '')
  alertForm.elements.to.required = how.value !== ''
  alertForm.elements.to.placeholder = how.value === 'email' ? 'ops@example.com' : 'https://chat.example/hook'
}
alertForm.addEventListener('change', fit)
fit()

byId('new-alert').addEventListener('toggle', async () => {
  const options = await tried(() => eventOptions(''))
  byId('events').replaceChildren(...(options ?? []).map(({ value }) => { const o = make('option'); o.value = value; return o }))
}, { once: true })

/** rule is the form as the API takes it. */
function rule() {
  const { event, minutes, when, number: limit, how, to } = alertForm.elements
  const body = { event: { minutes: Number(minutes.value) } }
  if (event.value) body.event.event = event.value
  if (when.value.startsWith('usual-')) body.usual = { side: when.value.slice('usual-'.length) }
  else body[when.value] = Number(limit.value)
  if (how.value) body.notify = [{ [how.value]: to.value.trim() }]
  return body
}

/** submitted does what a form asks for, and says beside it what is wrong. */
function submitted(form, fault, act) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const send = form.querySelector('[type="submit"]')
    send.disabled = true
    try {
      await act()
      fault.replaceChildren()
      form.reset()
      fit()
    } catch (err) {
      fault.replaceChildren(faultPanel(err))
    } finally {
      send.disabled = false
    }
  })
}

submitted(alertForm, byId('alert-fault'), async () => {
  const name = alertForm.elements.name.value
  await fetchJSON('/api/saved/alerts', { body: { name, body: rule() } })
  toast(`${name} is watched`)
  byId('new-alert').open = false
  readAlerts()
})

byId('show-key').addEventListener('click', () => tried(async () => {
  put(byId('webhook-key'), (await fetchJSON('/api/alerts/key')).key)
  show(byId('webhook-key'), true)
  show(byId('show-key'), false)
}))

const tokensView = answers(byId('tokens'), { what: 'Reading the tokens', pale: false })
const tokens = table(tokensView.body, {
  caption: 'Tokens', file: 'tokens', what: ['token', 'tokens'], exports: false,
  empty: emptyState('No program has a token', 'Make one for each script or tool. What it may do is its scope; a token that is not needed any more is revoked alone.'),
  columns: [
    { key: 'name', name: 'Token' },
    { key: 'scope', name: 'Scope' },
    { key: 'created', name: 'Made', kind: 'time', text: (v) => format.date(new Date(v)) },
    { key: 'expires', name: 'Expires', kind: 'time', none: 'never', text: (v) => format.date(new Date(v)) },
    { key: 'used', name: 'Last used', kind: 'time', none: 'never', text: (v) => format.date(new Date(v)) },
    { key: 'act', name: 'Act', sort: false, value: () => '', cell: (_, token) => {
      const revoke = button('Revoke', () => tried(async () => {
        if (!(await confirm({ title: `Revoke ${token.name}?`, text: 'Programs that show it are refused from now on.', yes: 'Revoke', danger: true }))) return
        await remove(`/api/tokens/${encodeURIComponent(token.id)}`)
        toast(`${token.name} is revoked`)
        readTokens()
      }), 'bare')
      revoke.setAttribute('aria-label', `Revoke ${token.name}`)
      return revoke
    } },
  ],
})

function readTokens() {
  return tokensView.run(async ({ signal }) => {
    const answer = await fetchJSON('/api/tokens', { signal })
    return () => tokens.show(answer.tokens)
  })
}

const tokenForm = byId('token-form')
submitted(tokenForm, byId('token-fault'), async () => {
  const { name, scope, days } = tokenForm.elements
  const made = await fetchJSON('/api/tokens', { body: { name: name.value, scope: scope.value, days: Number(days.value) } })
  byId('new-token').open = false
  const secret = make('code', 'mono', made.token)
  const box = make('pre', 'code-block wrap secret', '', secret)
  box.tabIndex = 0
  box.setAttribute('aria-label', 'The token')
  dialog({
    title: `The token ${made.name}`, body: [make('p', 'ask', 'Keep it now: it is not shown again.'), box],
    choices: [
      { text: 'Copy', className: 'button main', act: async () => {
        const copied = await copy(made.token)
        if (!copied) getSelection().selectAllChildren(secret)
        toast(copied ? 'Copied' : 'Selected: copy it by hand')
        return false
      } },
      { text: 'Done', value: true },
    ],
  })
  readTokens()
})

readAlerts()
readTokens()
setInterval(() => { if (!document.hidden) readAlerts() }, again)
