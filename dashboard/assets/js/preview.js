// Events and people in few words.

/** preview writes properties on one line: revenue 12 · sku "A-1" */
export function preview(item) {
  const found = item.properties ?? item.traits
  if (!found) return ''
  let text = ''
  for (const [name, value] of Object.entries(found)) {
    text += `${text ? ' · ' : ''}${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`
    if (text.length > 240) break
  }
  return text
}

/** titleOf is what a person is called: by the traits that usually hold a name. */
export function titleOf(traits) {
  const t = traits ?? {}
  const whole = [t.firstName ?? t.first_name, t.lastName ?? t.last_name].filter((x) => typeof x === 'string').join(' ')
  return [t.name, whole, t.email, t.username].find((x) => typeof x === 'string' && x) ?? ''
}
