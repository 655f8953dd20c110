// Keeping a report, and putting it on a dashboard.
import { make } from '../dom.js'
import { button, fetchJSON } from './ask.js'
import { copy } from './copy.js'
import { dialog } from './dialog.js'
import { toast } from './toast.js'

/** savedList gives all documents of a kind: reports or dashboards. */
export const savedList = async (kind, signal) => (await fetchJSON(`/api/saved/${kind}`, { signal })).documents

/** savedOne gives one document. */
export const savedOne = (kind, id, signal) => fetchJSON(`/api/saved/${kind}/${encodeURIComponent(id)}`, { signal })

/** create keeps a new document. */
export const create = (kind, name, body) => fetchJSON(`/api/saved/${kind}`, { body: { name, body } })

/** change keeps a document's next version; who changed it meanwhile is not overwritten: that is a Fault of code conflict. */
export const change = (kind, document, { name = document.name, body = document.body } = {}) => fetchJSON(`/api/saved/${kind}/${encodeURIComponent(document.id)}`, {
  method: 'PUT', headers: { 'If-Match': `"${document.version}"` }, body: { name, body },
})

/** discard removes a document. */
export const discard = (kind, document) => fetchJSON(`/api/saved/${kind}/${encodeURIComponent(document.id)}`, { method: 'DELETE', headers: { 'If-Match': `"${document.version}"` } })

/** said tells why something was not kept. */
export const notKept = (err) => toast(err.code === 'conflict' ? 'Somebody else has changed it meanwhile. Load the page again, and make the change to what is there now.' : `It was not kept: ${err.message}`, { kind: 'bad' })

/** nameField asks for a name. */
export function nameField(label, value) {
  const input = Object.assign(make('input', 'field'), { type: 'text', value, maxLength: 200, required: true })
  return { input, label: make('label', 'labelled', '', make('span', 'label', label), input) }
}

/** askName opens a dialog for a name and gives it, or undefined. */
export async function askName({ title, label = 'Name', value = '', yes = 'Save', also = [] }) {
  const name = nameField(label, value)
  const trimmed = () => {
    if (name.input.value.trim()) return true
    name.input.focus()
    return false
  }
  const asked = dialog({
    title, body: [name.label, ...also], choices: [{ text: 'Cancel' }, { text: yes, value: true, className: 'button main', act: trimmed }],
  })
  name.input.addEventListener('keydown', (key) => { if (key.key === 'Enter' && trimmed()) asked.close(true) })
  name.input.select()
  return (await asked.closed) ? name.input.value.trim() : undefined
}

/**
 * keeping gives the buttons Save, Add to dashboard and Copy link. document() is the saved report that is looked at, or null;
 * body() what would be saved; name() what it would be called; kept(document) hears that it was.
 */
export function keeping({ document: current, body, name, kept, link }) {
  async function saveNew() {
    const called = await askName({ title: 'Save this report', value: current() ? `${current().name}, changed` : name() })
    if (!called) return null
    return keep(() => create('reports', called, body()), (made) => toast(`“${made.name}” is saved.`))
  }
  async function keep(act, then) {
    try {
      const made = await act()
      kept(made)
      then(made)
      return made
    } catch (err) {
      notKept(err)
      return null
    }
  }
  async function save() {
    const is = current()
    if (!is) return saveNew()
    const asked = dialog({
      title: 'Save this report', body: make('p', 'ask', `“${is.name}” is saved already. Its dashboards show what it asks.`),
      choices: [{ text: 'Cancel' }, { text: 'Save as a new one', value: 'new' }, { text: 'Save the changes', value: 'same', className: 'button main' }],
    })
    const choice = await asked.closed
    if (choice === 'new') return saveNew()
    return choice === 'same' ? keep(() => change('reports', is, { body: body() }), () => toast(`“${is.name}” is saved.`)) : null
  }

  async function add() {
    let dashboards
    try {
      dashboards = await savedList('dashboards')
    } catch (err) {
      return notKept(err)
    }
    const select = make('select', 'field')
    select.append(...dashboards.map((d) => new Option(d.name, d.id)), new Option('A new dashboard', ''))
    const fresh = nameField('Name of the new dashboard', 'My dashboard')
    const title = nameField('Name of the report', current()?.name ?? name())
    title.label.hidden = Boolean(current())
    const choose = make('label', 'labelled', '', make('span', 'label', 'Dashboard'), select)
    const draw = () => { fresh.label.hidden = select.value !== '' }
    select.addEventListener('change', draw)
    draw()
    const asked = dialog({
      title: 'Add to a dashboard', body: make('div', 'asked', '', title.label, choose, fresh.label),
      choices: [{ text: 'Cancel' }, { text: 'Add', value: true, className: 'button main', act: () => [title, ...(select.value ? [] : [fresh])].every((f) => f.input.value.trim() || f.input.focus()) }],
    })
    if (!(await asked.closed)) return
    try {
      const report = current() ?? (await create('reports', title.input.value.trim(), body()))
      kept(report)
      const tile = { report: report.id }
      let to = dashboards.find((d) => d.id === select.value)
      to = to ? await change('dashboards', to, { body: { ...to.body, tiles: [...to.body.tiles, tile] } })
        : await create('dashboards', fresh.input.value.trim(), { tiles: [tile] })
      toast(`“${report.name}” is on “${to.name}”.`, { action: { text: 'Open it', act: () => location.assign(`/dashboards?id=${encodeURIComponent(to.id)}`) } })
    } catch (err) {
      notKept(err)
    }
  }
  async function share() {
    const to = new URL(link(), location.href).href
    toast((await copy(to)) ? 'The link is copied: it opens this report as it is.' : `The link: ${to}`)
  }
  return [button('Save', save, 'button small'), button('Add to dashboard', add, 'button small'), button('Copy link', share, 'button small')]
}
