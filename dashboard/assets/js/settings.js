// The page Settings: tokens.
import * as format from './format.js'
import { byId, make } from './dom.js'
import { Fault, answers, button, emptyState, faultPanel, fetchJSON } from './parts/ask.js'
import { copy } from './parts/copy.js'
import { confirm, dialog } from './parts/dialog.js'
import { table } from './parts/table.js'
import { toast } from './parts/toast.js'

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
    } catch (err) {
      fault.replaceChildren(faultPanel(err))
    } finally {
      send.disabled = false
    }
  })
}

const tokensView = answers(byId('tokens'), { what: 'Reading the tokens', pale: false })
const tokens = table(tokensView.body, {
  caption: 'Tokens', file: 'tokens', what: ['token', 'tokens'],
  empty: emptyState('No program has a token', 'Make one for each script or tool. What it may do is its scope; a token that is not needed any more is revoked alone.'),
  columns: [
    { key: 'name', name: 'Token' },
    { key: 'scope', name: 'Scope' },
    { key: 'created', name: 'Made', kind: 'time', text: (v) => format.date(new Date(v)) },
    { key: 'expires', name: 'Expires', kind: 'time', none: 'never', text: (v) => format.date(new Date(v)) },
    { key: 'used', name: 'Last used', kind: 'time', none: 'never', text: (v) => format.date(new Date(v)) },
    { key: 'act', name: 'Act', sort: false, exported: false, value: () => '', cell: (_, token) => {
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

readTokens()
