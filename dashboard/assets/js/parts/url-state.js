// What is chosen on a page stands in its address: a link is the report, and back and forward are undo and redo.

/** decode reads a parameter as its default is: text, number, yes or no, or (null, array, object) JSON. */
function decode(text, otherwise) {
  if (text === null) return otherwise
  switch (typeof otherwise) {
    case 'string': return text
    case 'boolean': return text === '1'
    case 'number': return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : otherwise
  }
  try {
    return JSON.parse(text)
  } catch {
    return otherwise // an address that somebody has cut
  }
}

function encode(value) {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** fromQuery reads the fields, given with their defaults, from a query string. */
export function fromQuery(search, fields) {
  const query = new URLSearchParams(search)
  return Object.fromEntries(Object.entries(fields).map(([name, otherwise]) => [name, decode(query.get(name), otherwise)]))
}

/** toQuery writes them: what is as its default is left out. Other parameters of search stay as they are. */
export function toQuery(search, fields, values) {
  const query = new URLSearchParams(search)
  for (const [name, otherwise] of Object.entries(fields)) {
    const text = encode(values[name])
    if (text === encode(otherwise)) query.delete(name)
    else query.set(name, text)
  }
  return query.toString()
}

/**
 * urlState keeps fields, given with their defaults, in the page's address.
 *
 *     const state = urlState({ event: '', range: '-30d', filter: null })
 *     state.now.event            // what is chosen now
 *     state.set({ event: 'Buy' }) // a step that back undoes; {replace: true}: none
 *     state.leave({ point: null }) // the same by going back, where that is what the step before was; else replacing
 *     state.on((now, before) => …) // at every change, by set or by back and forward
 *     state.link({ event: 'Buy' }) // the address that a set would lead to
 */
export function urlState(fields) {
  const told = new Set()
  const state = { now: fromQuery(location.search, fields) }
  const change = (next) => {
    const before = state.now
    state.now = next
    for (const tell of told) tell(next, before)
  }
  // A browser goes back some time after it was told to. What is set until then is told at once, and written to the address
  // behind the step that is gone back to. Every step knows the address that it was taken from.
  let going = null
  const here = () => location.search || location.pathname
  const write = (to, replace) => {
    if (replace) history.replaceState(history.state, '', to)
    else history.pushState({ from: address(fromQuery(location.search, fields)) }, '', to)
  }
  addEventListener('popstate', () => {
    const waiting = going
    going = null
    for (const { to, replace } of waiting ?? []) write(to, replace)
    if (!waiting || address(state.now) !== here()) change(fromQuery(location.search, fields))
  })
  const address = (values) => {
    const query = toQuery(location.search, fields, values)
    return query ? `?${query}` : location.pathname
  }
  state.on = (tell) => {
    told.add(tell)
    return () => told.delete(tell)
  }
  state.link = (patch) => address({ ...state.now, ...patch })
  state.set = (patch, { replace = false } = {}) => {
    const next = { ...state.now, ...patch }
    const to = address(next)
    if (!going && to === here()) {
      state.now = next
      return
    }
    if (going) going.push({ to, replace })
    else write(to, replace)
    change(next)
  }
  state.leave = (patch) => {
    const next = { ...state.now, ...patch }
    if (going || history.state?.from !== address(next)) return state.set(patch, { replace: true })
    going = []
    history.back()
    change(next)
  }
  return state
}
