// Buttons that copy a text of the page.
import { byId, put } from '../dom.js'

/** copy puts a text on the clipboard. false: there is none, as without a secure connection. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** copyButtons makes every [data-copy] within root copy the element of that id. */
export function copyButtons(root = document) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    const text = byId(button.dataset.copy)
    button.addEventListener('click', async () => {
      const copied = await copy(text.textContent)
      // What cannot be copied is selected, to be copied by hand.
      if (!copied) getSelection().selectAllChildren(text)
      put(button, copied ? 'Copied' : 'Selected')
      setTimeout(() => put(button, 'Copy'), 2000)
    })
  }
}

/** nameServer lets what is to be copied name the server as this browser reaches it. */
export function nameServer(root = document) {
  for (const text of root.querySelectorAll('pre[data-base]')) {
    text.textContent = text.textContent.replaceAll(text.dataset.base, location.origin)
  }
}
