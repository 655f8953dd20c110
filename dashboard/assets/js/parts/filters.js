// A filter's tree (query.Filter), built line by line: {all: […]} or {any: […]} of {field, op, values} and of such groups.
import { make } from '../dom.js'
import { button } from './ask.js'
import { picker } from './picker.js'

const anyText = ['=', '!=', 'in', 'not in', 'contains', 'not contains', 'regex', 'not regex', '>', '>=', '<', '<=', 'between', 'set', 'not set']
const ofNumber = ['=', '!=', '>', '>=', '<', '<=', 'between', 'in', 'not in', 'set', 'not set']
const ofBoolean = ['=', '!=', 'set', 'not set']
const words = {
  '=': 'is', '!=': 'is not', in: 'is one of', 'not in': 'is none of', contains: 'contains', 'not contains': 'does not contain',
  regex: 'matches', 'not regex': 'does not match', '>': '>', '>=': '≥', '<': '<', '<=': '≤', between: 'is between', set: 'is set', 'not set': 'is not set',
}
const isNumber = (kind) => ['number', 'integer', 'int32', 'int64'].includes(kind)

/** opsFor gives the operators that make sense for a kind: string, number, integer, boolean, timestamp, or not known. */
export const opsFor = (kind) => (kind === 'boolean' || kind === 'bool' ? ofBoolean : isNumber(kind) ? ofNumber : anyText)

/** how many values an operator takes: 0, 1, 2 or Infinity. */
export const arity = (op) => ({ set: 0, 'not set': 0, between: 2, in: Infinity, 'not in': Infinity })[op] ?? 1

/** typed reads what somebody typed as the field's kind; undefined: it is none. */
export function typed(text, kind) {
  if (isNumber(kind)) return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
  if (kind === 'boolean' || kind === 'bool') return text === 'true' ? true : text === 'false' ? false : undefined
  return text === '' ? undefined : text
}

/** clean gives the tree without lines that are not finished; null: it lets all through. */
export function clean(tree) {
  if (!tree) return null
  for (const name of ['all', 'any']) {
    if (!tree[name]) continue
    const kept = tree[name].map(clean).filter(Boolean)
    return kept.length ? { [name]: kept } : null
  }
  if (tree.did || tree.cohort) return tree
  const n = tree.values?.length ?? 0
  const want = arity(tree.op)
  if (!tree.field || !tree.op || (want === Infinity ? n < 1 : want > 0 && n !== want)) return null
  return want ? { field: tree.field, op: tree.op, values: tree.values } : { field: tree.field, op: tree.op }
}

/** described puts a filter into words. */
export function described(tree) {
  if (!tree) return 'everything'
  for (const [name, word] of [['all', ' and '], ['any', ' or ']]) {
    if (tree[name]) return tree[name].map((t) => (t.all || t.any ? `(${described(t)})` : described(t))).join(word)
  }
  if (tree.cohort) return `${tree.not ? 'not in' : 'in'} ${tree.cohort.name || 'a cohort'}`
  if (tree.did) return `${tree.not ? 'did not' : 'did'} ${tree.did.event?.name ?? tree.did.event?.event ?? 'something'}`
  return `${tree.field} ${words[tree.op] ?? tree.op} ${(tree.values ?? []).join(tree.op === 'between' ? ' and ' : ', ')}`.trim()
}

/**
 * filters puts the builder into a box.
 *
 *     const f = filters(box, {
 *       label: 'Only events where', value: tree,        // or null
 *       fields: async () => [{ value: 'properties.plan', label: 'plan', group: 'Properties', kind: 'string' }],
 *       values: async (field, text, signal) => [{ value: 'pro', hint: '1,234' }], // optional: what is offered to be typed
 *       onChange: (tree) => …,                           // clean, at each change that changes it
 *     })
 *     f.set(tree)
 *
 * Parts of a tree that it cannot edit, did and cohort, are kept and shown in words.
 */
export function filters(box, { label = 'Filter', value = null, fields, values = null, onChange }) {
  let root = asGroup(value)
  let said = JSON.stringify(clean(root))
  let known = [] // fields
  const loaded = Promise.resolve(fields()).then((list) => (known = list))
  box.setAttribute('role', 'group')
  box.setAttribute('aria-label', label)

  function asGroup(tree) {
    if (!tree) return { all: [] }
    const copy = structuredClone(tree)
    return copy.all || copy.any ? copy : { all: [copy] }
  }
  const kindOf = (field) => known.find((f) => f.value === field)?.kind ?? ''

  function changed() {
    const now = clean(root)
    const text = JSON.stringify(now)
    if (text === said) return
    said = text
    onChange(now)
  }

  function draw(focus) {
    box.replaceChildren(group(root, null, 0))
    const to = focus && box.querySelector(`[data-line="${focus}"] input`)
    to?.focus()
  }

  let lines = 0
  function group(node, remove, depth) {
    const name = node.any ? 'any' : 'all'
    const list = node[name]
    const made = make('div', 'rules')
    list.forEach((child, i) => {
      const drop = () => {
        list.splice(i, 1)
        draw()
        changed()
      }
      const word = make('span', 'word', i ? (name === 'all' ? 'and' : 'or') : 'where')
      if (child.all || child.any) made.append(make('div', 'rule-line', '', word, button(`Remove the group`, drop, 'bare')), group(child, drop, depth + 1))
      else made.append(line(child, word, drop))
    })
    const tools = make('div', 'rule-line')
    const add = button(list.length ? 'Add a filter' : label === 'Filter' ? 'Add a filter' : label, () => {
      const id = `n${++lines}`
      list.push({ field: '', op: '=', values: [], id })
      draw(id)
    }, 'button small')
    tools.append(add)
    if (list.length > 1) {
      const match = make('select', 'field')
      match.setAttribute('aria-label', 'All of these, or any')
      match.append(new Option('all of these', 'all'), new Option('any of these', 'any'))
      match.value = name
      match.addEventListener('change', () => {
        if (match.value === name) return
        node[match.value] = list
        delete node[name]
        draw()
        changed()
      })
      tools.append(match)
    }
    if (list.length && depth < 2) {
      tools.append(button('Add a group', () => {
        const id = `n${++lines}`
        list.push({ [name === 'all' ? 'any' : 'all']: [{ field: '', op: '=', values: [], id }] })
        draw(id)
      }, 'button small'))
    }
    made.append(tools)
    return made
  }

  function line(node, word, drop) {
    const made = make('div', 'rule-line', '', word)
    if (node.id) made.dataset.line = node.id
    const removal = button('Remove', drop, 'bare')
    if (node.did || node.cohort) {
      made.append(make('span', '', described(node)), removal)
      return made
    }
    const place = make('div')
    const op = make('select', 'field')
    op.setAttribute('aria-label', 'How it is compared')
    const operands = make('span', 'rule-line')
    const ops = () => {
      const of = opsFor(kindOf(node.field))
      if (!of.includes(node.op)) node.op = of[0]
      op.replaceChildren(...of.map((o) => new Option(words[o], o)))
      op.value = node.op
    }
    picker(place, {
      label: 'Property', labelled: false, placeholder: 'Property', value: node.field, any: true,
      options: async (text, signal) => {
        await loaded
        signal.throwIfAborted()
        const low = text.toLowerCase()
        return known.filter((f) => `${f.label ?? ''} ${f.value}`.toLowerCase().includes(low))
      },
      onPick(field) {
        if (field !== node.field) node.values = []
        node.field = field
        ops()
        operand()
        changed()
      },
    }).set(node.field, known.find((f) => f.value === node.field)?.label)
    op.addEventListener('change', () => {
      node.op = op.value
      if (node.values.length > arity(node.op)) node.values = node.values.slice(0, arity(node.op))
      operand()
      changed()
    })

    function operand() {
      const kind = kindOf(node.field)
      const n = arity(node.op)
      operands.replaceChildren()
      if (n === 0) {
        node.values = []
        return
      }
      if (kind === 'boolean' || kind === 'bool') {
        const choice = make('select', 'field')
        choice.setAttribute('aria-label', 'Value')
        choice.append(new Option('', ''), new Option('true', 'true'), new Option('false', 'false'))
        choice.value = node.values.length ? String(node.values[0]) : ''
        choice.addEventListener('change', () => {
          node.values = [typed(choice.value, kind)].filter((v) => v !== undefined)
          changed()
        })
        operands.append(choice)
        return
      }
      const many = n === Infinity
      const take = (text, i) => {
        if (many) node.values = text.split(',').map((t) => typed(t.trim(), kind)).filter((v) => v !== undefined)
        else {
          const next = [...node.values]
          next[i] = typed(text, kind)
          node.values = next.slice(0, n)
        }
        if (node.values.every((v) => v !== undefined)) changed()
      }
      for (let i = 0; i < (many ? 1 : n); i++) {
        if (i) operands.append(make('span', 'sub', 'and'))
        const at = make('div')
        const written = many ? node.values.join(', ') : node.values[i] === undefined ? '' : String(node.values[i])
        if (values && !many && !isNumber(kind) && ['=', '!='].includes(node.op)) {
          picker(at, {
            label: 'Value', labelled: false, placeholder: 'Value', value: written, any: true,
            options: (text, signal) => (node.field ? values(node.field, text, signal) : []), onPick: (v) => take(v, i),
          })
        } else {
          const input = make('input', 'field')
          input.type = 'text'
          input.value = written
          input.placeholder = many ? 'Values, with commas between' : kind === 'timestamp' ? '2026-03-01T12:00:00Z' : 'Value'
          input.setAttribute('aria-label', many ? 'Values, with commas between' : 'Value')
          if (isNumber(kind)) input.inputMode = 'decimal'
          input.addEventListener('change', () => take(input.value, i))
          at.append(input)
        }
        operands.append(at)
      }
    }
    ops()
    operand()
    made.append(place, op, operands, removal)
    return made
  }

  draw()
  loaded.then(() => draw()) // kinds are known now, and labels
  return {
    get value() { return clean(root) },
    set(tree) {
      const text = JSON.stringify(clean(tree ? asGroup(tree) : null))
      if (text === said) return
      said = text
      root = asGroup(tree)
      draw()
    },
  }
}
