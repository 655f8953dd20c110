// Server-sent events that come back by themselves: after an error with growing pauses, and when the tab is looked at
// again. While it is hidden there is no connection, and the server does nothing for it.

const firstPause = 1000
const longestPause = 15_000

/**
 * connect opens url() and calls on[name](data) for each named event, its JSON parsed. say(state) hears connecting, open,
 * lost and hidden. It gives an object whose again() opens the URL anew, as after a change of filter.
 */
export function connect(url, on, say) {
  let source = null
  let timer = 0
  let pause = firstPause
  let state = ''

  const become = (next) => {
    if (next !== state) say((state = next))
  }
  const close = () => {
    clearTimeout(timer)
    source?.close()
    source = null
  }
  const open = () => {
    close()
    if (state === 'hidden') become('connecting')
    const mine = new EventSource(url())
    source = mine
    mine.onopen = () => {
      pause = firstPause
      become('open')
    }
    mine.onerror = () => {
      if (mine !== source) return
      // The browser's own way of trying again ends for good at the first answer that is no stream.
      close()
      become('lost')
      timer = setTimeout(open, pause * (0.75 + Math.random() / 2))
      pause = Math.min(2 * pause, longestPause)
    }
    for (const [name, take] of Object.entries(on)) {
      mine.addEventListener(name, (message) => {
        if (mine === source) take(JSON.parse(message.data))
      })
    }
  }
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      close()
      become('hidden')
    } else if (!source) {
      pause = firstPause
      open()
    }
  })
  addEventListener('online', () => {
    if (state === 'lost') open()
  })
  // A page that leaves for the back/forward cache must not hold its connection.
  addEventListener('pagehide', close)
  addEventListener('pageshow', (shown) => {
    if (shown.persisted && !document.hidden) open()
  })

  become('connecting')
  if (!document.hidden) open()
  return {
    again() {
      if (document.hidden) return
      become('connecting')
      open()
    },
  }
}
