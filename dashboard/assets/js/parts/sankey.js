// A flow of many ways between columns of nodes, in SVG.

const svg = 'http://www.w3.org/2000/svg'

function draw(name, attributes, ...children) {
  const made = document.createElementNS(svg, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/**
 * layout gives each node {x, y, height} and each link {from, to, y0, y1, thick}, within a width and a height. Nodes have
 * {column, value}, links {from, to, value} with the indexes of nodes; nodes of a column stand in their order, at least pitch
 * apart, so that there is room for words: what that takes may be more than the height, and is given back as tall.
 */
export function layout(nodes, links, { width, height, thick = 10, gap = 14, least = 2, pitch = 0 }) {
  const columns = []
  nodes.forEach((n, i) => (columns[n.column] ??= []).push(i))
  const scale = Math.min(...columns.filter(Boolean).map((list) => {
    const sum = list.reduce((all, i) => all + nodes[i].value, 0)
    return (height - gap * (list.length - 1) - least * list.length) / Math.max(1, sum)
  }))
  const step = columns.length > 1 ? (width - thick) / (columns.length - 1) : 0
  const placed = []
  let bottom = 0
  columns.forEach((list, column) => {
    let y = 0
    for (const i of list ?? []) {
      const height = least + nodes[i].value * Math.max(0, scale)
      placed[i] = { x: column * step, y, height }
      y += Math.max(height + gap, pitch)
      bottom = Math.max(bottom, y)
    }
  })
  const out = nodes.map(() => 0)
  const into = nodes.map(() => 0)
  const drawn = [...links].sort((a, b) => a.from - b.from || a.to - b.to).map((link) => {
    const wide = Math.max(1, link.value * Math.max(0, scale))
    const one = { ...link, thick: wide, y0: placed[link.from].y + out[link.from] + wide / 2, y1: 0 }
    out[link.from] += wide
    return one
  })
  for (const link of [...drawn].sort((a, b) => a.to - b.to || a.from - b.from)) {
    link.y1 = placed[link.to].y + into[link.to] + link.thick / 2
    into[link.to] += link.thick
  }
  return { nodes: placed, links: drawn, step, tall: bottom }
}

/** pressable makes a button of a part of the drawing. */
function pressable(part, name, act) {
  for (const [key, value] of Object.entries({ tabindex: 0, role: 'button', 'aria-label': name })) part.setAttribute(key, value)
  part.addEventListener('click', act)
  part.addEventListener('keydown', (key) => {
    if (key.key !== 'Enter' && key.key !== ' ') return
    key.preventDefault()
    act()
  })
}

/**
 * sankey draws into a box. Nodes have {column, value, name, text, tone, title}, links {from, to, value, title}; onNode(i) and
 * onLink(link) hear what is pressed, by the mouse or by Enter. Each has its title as its name.
 */
export function sankey(box, { nodes, links, label, onNode = null, onLink = null }) {
  const columns = Math.max(0, ...nodes.map((n) => n.column)) + 1
  const tallest = Math.max(1, ...Array.from({ length: columns }, (_, c) => nodes.filter((n) => n.column === c).length))
  const room = 150
  const width = Math.max(box.clientWidth, columns * room)
  const thick = 8
  const inner = width - room + thick
  const at = layout(nodes, links, { width: inner, height: Math.max(252, tallest * 46), thick, gap: 18, pitch: 36 })
  const height = Math.ceil(at.tall)
  const root = draw('svg', { viewBox: `0 0 ${width} ${height}`, width, height, class: 'sankey', role: 'group', 'aria-label': label })
  const ways = draw('g', { class: 'ways' })
  for (const link of at.links) {
    const [x0, x1] = [at.nodes[link.from].x + thick, at.nodes[link.to].x]
    const mid = (x0 + x1) / 2
    const path = draw('path', { d: `M${x0} ${link.y0}C${mid} ${link.y0} ${mid} ${link.y1} ${x1} ${link.y1}`, 'stroke-width': link.thick, class: 'way' }, draw('title', {}))
    path.style.setProperty('--tone', nodes[link.from].tone)
    path.firstChild.textContent = link.title
    if (onLink && link.value) pressable(path, link.title, () => onLink(link))
    ways.append(path)
  }
  root.append(ways)
  nodes.forEach((n, i) => {
    const p = at.nodes[i]
    const name = draw('text', { x: p.x + thick + 6, y: p.y + Math.min(p.height / 2, 18), class: 'way-name', 'aria-hidden': true })
    const most = Math.floor((at.step || room) / 7.2) - 3
    name.textContent = n.name.length > most ? `${n.name.slice(0, Math.max(3, most))}…` : n.name
    const text = draw('text', { x: p.x + thick + 6, y: p.y + Math.min(p.height / 2, 18) + 14, class: 'way-text', 'aria-hidden': true })
    text.textContent = n.text
    const rect = draw('rect', { x: p.x, y: p.y, width: thick, height: p.height, rx: 1.5 })
    // What is pressed is the bar with its words.
    const whole = draw('rect', { x: p.x, y: p.y - 2, width: Math.min(room, at.step || room) - 12, height: Math.max(p.height + 4, 34), class: 'way-whole' })
    const group = draw('g', { class: 'way-node' }, draw('title', {}), whole, rect)
    group.firstChild.textContent = n.title
    group.style.setProperty('--tone', n.tone)
    if (onNode && n.value) pressable(group, n.title, () => onNode(i))
    root.append(group, name, text) // the button's own name says the words, whole
  })
  box.replaceChildren(root)
}
