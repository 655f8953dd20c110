// A filter's tree (query.Filter), built line by line: {all: […]} or {any: […]} of comparisons, of what people did, of saved
// cohorts, and of such groups.
import { make, put } from '../dom.js'
import { button } from './ask.js'
import { cohortFields } from './cohorts.js'
import { arity, clean, isBoolean, isNumber, ofPerson, opsFor, typed, words } from './conditions.js'
import { choices, didFields, didFresh } from './did.js'
import { keepFilter } from './keep-cohort.js'
import { picker } from './picker.js'
import { valuesOf } from './selection.js'

/**
 * filters puts the builder into a box.
 *
 *     const f = filters(box, {
 *       label: 'Only events where', value: tree,        // or null
 *       fields: async () => [{ value: 'properties.plan', label: 'plan', group: 'Properties', kind: 'string' }],
 *       values: async (field, text, signal) => [{ value: 'pro', hint: '1,234' }], // optional: what is offered to be typed
 *       onChange: (tree) => …,                           // clean, at each change that changes it
 *       about: 'all',   // or 'person': what a cohort is, or 'event': what was done
 *       except: id,     // a cohort that cannot be named
 *     })
 *     f.set(tree)
 *
 * A cohort that has its filter in it, which has no id, has its conditions below its line, and can be saved.
 */
export function filters(box, { label = 'Filter', value = null, fields, values = null, about = 'all', except = '', onChange }) {
  let root = asGroup(value)
  let said = JSON.stringify(clean(root))
  let known = [] // fields
  let learning = [] // what the lines that are drawn do once the fields are known
  const fits = { all: () => true, person: (f) => ofPerson(f.value), event: (f) => !ofPerson(f.value) }[about]
  const loaded = Promise.resolve(fields()).then((list) => (known = list.filter(fits)))
  box.setAttribute('role', 'group')
  box.setAttribute('aria-label', label)

  function asGroup(tree) {
    if (!tree) return { all: [] }
    const copy = copied(tree)
    return copy.all || copy.any ? copy : { all: [copy] }
  }
  /** copied takes what stands in the builders below too, finished or not. */
  function copied({ inside, ...node }) {
    for (const name of ['all', 'any']) if (node[name]) return { ...node, [name]: node[name].map(copied) }
    const copy = structuredClone(node)
    if (inside && copy.did) copy.did.where = copied(inside.tree)
    else if (inside) copy.cohort.filter = copied(inside.tree)
    return copy
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
    learning = []
    box.replaceChildren(group(root, null, 0))
    const to = focus && box.querySelector(focus === 'add' ? ':scope > .rules > .rule-line:last-child > .rule-add' : `[data-line="${focus}"] input`)
    to?.focus()
  }

  /** crossed is a button that takes something away. */
  function crossed(name, act) {
    const made = button('×', act, 'bare rule-x')
    made.setAttribute('aria-label', name)
    made.title = name
    return made
  }

  let lines = 0
  function group(node, remove, depth) {
    const name = node.any ? 'any' : 'all'
    const list = node[name]
    const made = make('div', 'rules')
    list.forEach((child, i) => {
      const drop = () => {
        list.splice(i, 1)
        draw('add')
        changed()
      }
      const word = make('span', i ? 'word' : 'word first', i ? (name === 'all' ? 'and' : 'or') : 'where')
      if (child.all || child.any) made.append(make('div', 'rule-line rule-group', '', word, crossed('Remove the group', drop)), group(child, drop, depth + 1))
      else made.append(line(child, word, drop))
    })
    const tools = make('div', 'rule-line')
    const adds = (text, fresh) => button(text, () => {
      const id = `n${++lines}`
      list.push({ ...fresh(), id })
      draw(id)
    }, 'button small rule-add')
    tools.append(adds(list.length || label === 'Filter' ? 'Add a filter' : label, () => ({ field: '', op: '=', values: [] })))
    if (about !== 'event') {
      tools.append(adds('Did…', () => ({ did: didFresh(), pending: true })), adds('In a cohort…', () => ({ cohort: {} })))
    }
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

  /** inlineCohort is the line of a cohort that is not saved: its conditions stand below it, and can be saved as one. */
  function inlineCohort(node, word, side, removal) {
    const title = make('span', 'rule-name')
    const keep = button('Save as a cohort', async () => {
      const made = await keepFilter(clean(node.cohort.filter), node.cohort.name)
      if (!made) return
      node.cohort = { id: made.id, name: made.name }
      node.inline = false
      draw(node.id ??= `n${++lines}`)
      changed()
    }, 'button small')
    const sayName = () => {
      put(title, node.cohort.name ? `“${node.cohort.name}”, not saved` : 'of people who')
      keep.disabled = !clean(node.cohort.filter)
    }
    const inner = make('div', 'rule-inside rule-cohort')
    node.inside = filters(inner, {
      label: 'Filter', value: node.inside?.tree ?? node.cohort.filter, about: 'person', except, fields, values: valuesOf(() => ({})), onChange(tree) {
        // Its name was that of what it was before.
        node.cohort = tree ? { filter: tree } : {}
        sayName()
        changed()
      },
    })
    sayName()
    const made = make('div', 'rule-did', '', make('div', 'rule-line', '', word, side, title, keep, removal), make('div', 'rule-below', '', inner))
    made.setAttribute('role', 'group')
    made.setAttribute('aria-label', 'The cohort of this question')
    return made
  }

  /** turned is the select that turns a line round. */
  const turned = (node, label, yes, no) => choices(label, [['', yes], ['not', no]], node.not ? 'not' : '', (v) => {
    if (v) node.not = true
    else delete node.not
    changed()
  })

  function didLine(node, word, removal) {
    const { place, below } = didFields(node, {
      changed, inside(inner) {
        // What is not finished yet stays, when the lines around it are drawn anew.
        node.inside = filters(inner, {
          label: 'Only where…', value: node.inside?.tree ?? node.did.where ?? null, about: 'event', fields, values: valuesOf(() => node.did.event), onChange(tree) {
            if (tree) node.did.where = tree
            else delete node.did.where
            changed()
          },
        })
      },
    })
    const made = make('div', 'rule-did', '', make('div', 'rule-line', '', word, turned(node, 'Did, or did not', 'Did', 'Did not do'), place, removal), make('div', 'rule-below', '', ...below))
    made.setAttribute('role', 'group')
    made.setAttribute('aria-label', 'What they did')
    return made
  }

  function cohortLine(node, word, removal) {
    const side = turned(node, 'In the cohort, or not', 'In cohort', 'Not in cohort')
    if (node.inline ??= Boolean(node.cohort.filter)) return inlineCohort(node, word, side, removal)
    const { place, open, said } = cohortFields(node, { changed, except })
    return make('div', 'rule-line', '', word, side, place, open, removal, said)
  }

  function line(node, word, drop) {
    const removal = crossed('Remove', drop)
    const made = node.did ? didLine(node, word, removal) : node.cohort ? cohortLine(node, word, removal) : comparison(node, word, removal)
    if (node.id) made.dataset.line = node.id
    return made
  }

  function comparison(node, word, removal) {
    const made = make('div', 'rule-line', '', word)
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
    const property = picker(place, {
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
    })
    const nameIt = () => property.set(node.field, known.find((f) => f.value === node.field)?.label)
    nameIt()
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
      if (isBoolean(kind)) {
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
        const kind = kindOf(node.field) // which may have become known since
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
    // What is being typed stays as it is.
    learning.push(() => {
      const at = document.activeElement
      if (at !== property.input) nameIt()
      ops()
      if (!operands.contains(at)) operand()
    })
    made.append(place, op, operands, removal)
    return made
  }

  draw()
  loaded.then(() => { // kinds are known now, and labels
    for (const learn of learning) learn()
  }, () => {})
  return {
    /** tree is all that is in it, finished or not. */
    get tree() { return root },
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
