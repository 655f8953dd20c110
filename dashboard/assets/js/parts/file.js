// A file that the server writes and the browser puts on the disk as it comes: the page holds nothing of it.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'
import { button, fetchJSON, progressWords } from './ask.js'

const askEvery = 500 // ms
const saidFor = 8000 // ms, what became of it

/**
 * keepFile asks for a file, {sql, limit} or {people} with a format and a name (POST /api/files), and has the browser keep it. A line
 * in the box says how far it is, with a button that cancels, and at last what became of it. It gives the file's last state.
 */
export async function keepFile(box, ask) {
  const bar = make('progress', 'progress')
  const said = make('span', 'clock')
  const end = make('span')
  const stop = button('Cancel', () => cancel(), 'bare')
  const line = make('span', 'file-wait', '', bar, said, end, stop)
  bar.setAttribute('aria-label', `Writing ${ask.name}`)
  end.setAttribute('role', 'status')
  box.append(line)
  let id = null
  let given = false
  const cancel = () => {
    given = true
    stop.disabled = true
    if (id) return fetchJSON(`/api/files/${id}`, { method: 'DELETE' }).catch(() => {})
  }
  const draw = ({ rows, bytes, progress }) => {
    const done = progress?.done
    const most = progress?.deadline
    show(bar, done !== undefined || Boolean(most))
    bar.value = done ?? (most ? Math.min(1, progress.seconds / most) : 0)
    bar.classList.toggle('time', done === undefined)
    const far = progressWords(done, progress?.seconds ?? 0, most)
    put(said, rows ? `${format.plural(rows, 'row', 'rows')} · ${format.bytes(bytes)} · ${format.duration(progress?.seconds ?? 0)}` : far)
    bar.setAttribute('aria-valuetext', said.textContent)
  }
  const finish = (text, bad = false) => {
    bar.remove()
    said.remove()
    stop.remove()
    put(end, text)
    line.classList.toggle('bad', bad)
    if (bad) line.append(button('Dismiss', () => line.remove(), 'bare'))
    else setTimeout(() => line.remove(), saidFor)
  }
  draw({ rows: 0 })
  try {
    let state = await fetchJSON('/api/files', { body: ask })
    id = state.id
    if (given) await cancel()
    else {
      const link = make('a')
      link.href = `/api/files/${id}/content`
      link.download = state.name
      link.click()
    }
    while (['asked', 'running'].includes(state.state)) {
      await new Promise((resolve) => setTimeout(resolve, askEvery))
      state = await fetchJSON(`/api/files/${id}`)
      draw(state)
    }
    if (state.state === 'done') finish(`${state.name}: ${format.plural(state.rows, 'row', 'rows')}, ${format.bytes(state.bytes)}`)
    else if (state.state === 'cancelled') finish('The export was cancelled.')
    else finish(`The export failed: ${state.error}`, true)
    return state
  } catch (err) {
    finish(`The export failed: ${err.message}`, true)
    return null
  }
}
