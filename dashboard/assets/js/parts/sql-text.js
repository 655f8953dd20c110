// SQL in colours: only what every dialect agrees on.

const words = new Set(`all and any as asc between by case cast count cross current_date current_timestamp date desc distinct else end except exists
explain extract false filter first following from full group having ilike in inner intersect interval is join last lateral left like limit not null
nulls offset on or order outer over partition preceding qualify range right rows select some sum min max avg table then timestamp true unbounded union
unnest using values when where window with`.split(/\s+/))

const token = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*(?:'|$))|("(?:[^"]|"")*(?:"|$))|([A-Za-z_]\w*)|([\s\S])/g

/** paint cuts a statement into [kind, text]: remark, text, word or '' for all else. */
export function paint(sql) {
  const out = []
  const add = (kind, text) => {
    const last = out.at(-1)
    if (last && last[0] === kind) last[1] += text
    else out.push([kind, text])
  }
  for (const [all, remark, text, , name] of sql.matchAll(token)) {
    add(remark ? 'remark' : text ? 'text' : name && words.has(name.toLowerCase()) ? 'word' : '', all)
  }
  return out
}
