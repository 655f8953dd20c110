// The heads of a table's columns: pressed, with the mouse or the keyboard, they sort, and say so.
import { make, mark, put } from '../dom.js'
import { button } from './ask.js'
import { csv, download, fileName } from './download.js'

const isNone = (v) => v === null || v === undefined || v === ''

/** compare orders two values: numbers as numbers, texts as people do, and what is missing behind all, in either direction. */
export function compare(a, b, desc = false) {
  if (isNone(a) || isNone(b)) return isNone(a) - isNone(b)
  const order = typeof a === 'number' && typeof b === 'number' ? a - b
    : String(a).localeCompare(String(b), 'en', { numeric: true, sensitivity: 'base' })
  return desc ? -order : order
}

/**
 * heads fills a table's first line with a cell a column and gives
 *
 *     { ordered(rows) }  the rows as they are sorted
 *     { sortBy(sort) }   {key, desc}, or null: as the rows come
 *     { said }           an element to put somewhere: it says to whom cannot see it how the rows are sorted
 *
 * A column has a key, a name, and maybe a title, a className, desc: it begins with the greatest, and sort: false.
 * valueOf(column, row) gives what is sorted by; onSort({key, desc}) hears a press.
 */
export function heads(line, columns, { sort = null, valueOf, onSort }) {
  const said = make('span', 'unseen')
  said.setAttribute('role', 'status')
  const cells = columns.map((column) => {
    const cell = make('th', column.className ?? '')
    cell.scope = 'col'
    if (column.title) cell.title = column.title
    if (column.sort === false) cell.append(column.name)
    else {
      cell.append(button(column.name, () => {
        sort = { key: column.key, desc: sort?.key === column.key ? !sort.desc : Boolean(column.desc) }
        draw()
        put(said, `Sorted by ${column.name}, ${sort.desc ? 'descending' : 'ascending'}`)
        onSort(sort)
      }, ''))
    }
    return cell
  })
  line.classList.add('sorts')
  line.replaceChildren(...cells)
  function draw() {
    cells.forEach((cell, i) => {
      if (columns[i].sort !== false) mark(cell, 'aria-sort', sort?.key === columns[i].key ? (sort.desc ? 'descending' : 'ascending') : 'none')
    })
  }
  draw()
  return {
    said,
    ordered(rows) {
      const by = sort && columns.find((c) => c.key === sort.key)
      return by ? [...rows].sort((a, b) => compare(valueOf(by, a), valueOf(by, b), sort.desc)) : rows
    },
    sortBy(next) {
      sort = next
      draw()
    },
  }
}

/**
 * exports makes the buttons that give a table's rows as files: rows() gives them, columns are as for heads, or a function
 * that gives them. Where the page has not all of the rows, whole(kind) has the server write the file, as Parquet too.
 */
export function exports(caption, file, columns, { valueOf, rows, whole = null }) {
  const kept = () => (typeof columns === 'function' ? columns() : columns).filter((c) => c.exported !== false)
  const save = {
    csv: (of) => [csv(of.map((c) => c.key), rows().map((row) => of.map((c) => valueOf(c, row)))), 'text/csv'],
    json: (of) => [`${JSON.stringify(rows().map((row) => Object.fromEntries(of.map((c) => [c.key, valueOf(c, row) ?? null]))), null, 1)}\n`, 'application/json'],
  }
  return [['csv', 'CSV'], ['json', 'JSON'], ...(whole ? [['parquet', 'Parquet']] : [])].map(([kind, name]) => {
    const made = button(name, () => (whole ? whole(kind) : download(fileName(file, kind), ...save[kind](kept()))), 'bare')
    made.setAttribute('aria-label', `Export ${caption} as ${name}`)
    return made
  })
}
