// A table that sorts, exports, and can be used with the keyboard.
import * as format from '../format.js'
import { make, put, show } from '../dom.js'
import { button } from './ask.js'
import { fileName } from './download.js'
import { keepFile } from './file.js'
import { exports as exportButtons, heads } from './sorted.js'

const usual = 200 // rows on the page; more are asked for

/** How each kind of column is written and aligned. A column may have a text(value, row) of its own. */
const kinds = {
  text: { text: (v) => String(v) },
  code: { text: (v) => String(v), className: 'code' },
  number: { text: (v) => format.count(v), className: 'n', desc: true },
  bytes: { text: (v) => format.bytes(v), className: 'n', desc: true },
  share: { text: (v) => format.share(v, 1), className: 'n', desc: true },
  duration: { text: (v) => format.duration(v), className: 'n', desc: true },
  time: { text: (v) => format.moment(new Date(v)), title: (v) => format.utc(new Date(v)), className: 'when', desc: true },
}

const isNone = (v) => v === null || v === undefined || v === ''

const headOf = ({ kind = 'text' }) => ({ className: kinds[kind].className === 'n' ? 'n' : '', desc: kinds[kind].desc })

/**
 * table takes over a box.
 *
 *     const list = table(box, {
 *       caption: 'Events', file: 'events', empty: emptyState(…),
 *       columns: [{ key: 'event', name: 'Event', kind: 'text' }, { key: 'n', name: 'Rows', kind: 'number' }],
 *       sort: { key: 'n', desc: true },  // how it begins
 *       onSort: ({ key, desc }) => …,    // to keep it in the address
 *       onRow: (row) => …,               // a row's first cell is a button, or with href: (row) => '/…' a link
 *     })
 *     list.show(rows)
 *
 * exports: false leaves out the buttons that export, a column's exported: false the column, and its shown: false has it in
 * the export alone; all, where the page has not
 * all rows, gives what the server is asked for as a file ({people} or {sql}); first is how many rows are shown before more
 * are asked for. A column's value(row) gives what is sorted by and exported (row[key] unless told),
 * text(value, row) how it is written, cell(value, row) an element to show; head an element beside its name. total is how
 * many rows there are in all where show got fewer. Within the box the table scrolls by itself; a CSS height is given by
 * --table-height.
 */
export function table(box, options) {
  const { caption, file = caption, empty = null, exports = true, first = usual, onRow = null, href = null, onSort = () => {}, what = ['row', 'rows'], all = null } = options
  const columns = options.columns.filter((c) => c.shown !== false)
  const value = (column, row) => (column.value ? column.value(row) : row[column.key])
  let rows = []
  let shown = first
  let selected = null
  let note = ''

  const count = make('span')
  count.setAttribute('role', 'status')
  const kept = make('div', 'files')
  const tools = make('span', 'end no-print', '', ...exportButtons(caption, file, options.columns, {
    valueOf: value, rows: () => sorted.ordered(rows), whole: all && ((kind) => keepFile(kept, { ...all(), format: kind, name: fileName(file, '').slice(0, -1) })),
  }))
  const head = make('div', 'table-head', '', count, tools)
  head.hidden = !exports
  const line = make('tr')
  const body = make('tbody')
  const grid = make('table', 'grid', '', make('caption', 'unseen', caption), make('thead', '', '', line), body)
  const scroll = make('div', 'grid-box', '', grid)
  scroll.tabIndex = 0
  scroll.setAttribute('role', 'group')
  scroll.setAttribute('aria-label', caption)
  const more = button('', () => {
    shown += 5 * usual
    draw()
  }, 'more')
  const none = make('div', '', '', empty ?? make('p', 'none', 'Nothing.'))
  grid.classList.toggle('many', columns.length > 12)
  box.classList.add('tabled')
  box.style.setProperty('--columns', columns.length)
  box.replaceChildren(head, kept, scroll, more, none)

  const sorted = heads(line, columns.map((c) => ({ ...c, ...headOf(c) })), {
    sort: options.sort ?? null, valueOf: value, onSort: (sort) => {
      onSort(sort)
      draw()
    },
  })
  box.append(sorted.said)

  function cellOf(column, row, first) {
    const kind = kinds[column.kind ?? 'text']
    const cell = make(first ? 'th' : 'td', kind.className ?? '')
    if (first) cell.scope = 'row'
    const v = value(column, row)
    if (column.cell) cell.append(column.cell(v, row) ?? '')
    else if (isNone(v)) {
      cell.classList.add('none')
      cell.textContent = column.none ?? '–'
    } else {
      const text = column.text ? column.text(v, row) : kind.text(v)
      const title = column.hint?.(v, row) ?? kind.title?.(v) ?? (text.length > 60 ? text : '')
      const to = first && href?.(row)
      if (to) {
        const link = make('a', '', text)
        link.href = to
        cell.append(link)
      } else if (first && onRow) cell.append(button(text, () => onRow(row), 'bare'))
      else if (text.length > 60) cell.append(make('span', 'clip', text))
      else cell.textContent = text
      if (title) cell.title = title
    }
    return cell
  }

  function draw() {
    const all = sorted.ordered(rows)
    body.replaceChildren(...all.slice(0, shown).map((row) => {
      const element = make('tr', '', '', ...columns.map((column, i) => cellOf(column, row, i === 0)))
      if (selected !== null && options.key?.(row) === selected) element.setAttribute('aria-current', 'true')
      return element
    }))
    put(count, `${format.plural(rows.length, ...what)}${note}`)
    const over = all.length - shown
    show(more, over > 0)
    put(more, format.more(5 * usual, over))
    show(head, exports && rows.length > 0)
    show(scroll, rows.length > 0)
    show(none, rows.length === 0)
  }

  return {
    /** show takes the rows; remark is put behind their number. */
    show(next, { remark = '' } = {}) {
      rows = next
      note = remark
      shown = first
      draw()
    },
    /** select marks the row whose key(row) is this. */
    select(key) {
      selected = key
      draw()
    },
    sortBy(next) {
      sorted.sortBy(next)
      draw()
    },
    rows: () => sorted.ordered(rows),
  }
}
