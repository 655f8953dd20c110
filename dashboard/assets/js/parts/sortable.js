// A list whose items are dragged to their places.

/** sortable lets the items of a list be dragged while may() is true; onDrop hears that the order is another. */
export function sortable(list, { may, onDrop }) {
  let dragged = null
  let before = []
  list.addEventListener('dragstart', (drag) => {
    const item = drag.target.closest?.('[draggable="true"]')
    if (!may() || item?.parentElement !== list) return
    dragged = item
    before = [...list.children]
    drag.dataTransfer.effectAllowed = 'move'
    drag.dataTransfer.setData('text/plain', '') // some browsers drag nothing without data
    item.classList.add('dragged')
  })
  list.addEventListener('dragover', (drag) => {
    if (!dragged) return
    drag.preventDefault()
    const over = drag.target.closest?.('[draggable="true"]')
    if (!over || over === dragged || over.parentElement !== list) return
    const items = [...list.children]
    // Behind what it comes from before, and before what it comes from behind: it takes its place.
    if (items.indexOf(dragged) < items.indexOf(over)) over.after(dragged)
    else over.before(dragged)
  })
  list.addEventListener('drop', (drag) => { if (dragged) drag.preventDefault() })
  list.addEventListener('dragend', () => {
    if (!dragged) return
    dragged.classList.remove('dragged')
    dragged = null
    if ([...list.children].some((item, i) => item !== before[i])) onDrop()
  })
}
