// Runs before the first paint, so that the page never shows in the wrong colours.
{
  const root = document.documentElement
  const key = 'spoor-theme'
  const themes = ['system', 'light', 'dark']
  const said = { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' }

  // A browser may refuse its storage; the theme then lasts as long as the page.
  const read = () => {
    try { return localStorage.getItem(key) } catch { return null }
  }
  const keep = (theme) => {
    try { localStorage.setItem(key, theme) } catch { /* see above */ }
  }
  let theme = themes.includes(read()) ? read() : 'system'

  const apply = () => {
    root.dataset.theme = theme
    const button = document.getElementById('theme')
    if (!button) return
    button.title = said[theme]
    button.setAttribute('aria-label', said[theme])
  }
  apply()
  document.addEventListener('DOMContentLoaded', () => {
    apply()
    document.getElementById('theme').addEventListener('click', () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length]
      keep(theme)
      apply()
    })
  })
}
