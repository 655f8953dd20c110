// Files that the browser keeps.

/** download offers a text or a Blob as a file. */
export function download(name, content, type = 'text/plain') {
  const blob = content instanceof Blob ? content : new Blob([content], { type })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

const field = (value) => {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** csv writes rows of values below a line of names, as RFC 4180 has it. */
export const csv = (names, rows) => [names, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('')

/** fileName makes a name that every system takes: sales by week → sales-by-week-2026-11-23.csv */
export function fileName(what, ending) {
  const plain = what.normalize('NFKD').replace(/[^\w]+/g, '-').replace(/^-+|-+$/g, '').toLowerCase() || 'answer'
  return `${plain.slice(0, 60)}-${new Date().toISOString().slice(0, 10)}.${ending}`
}
