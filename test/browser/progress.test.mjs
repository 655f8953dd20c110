// What takes long says how far it is, and can be cancelled.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { accessible, close, fits, phone, picture, visit, wide } from './browser.mjs'

after(close)

// Hours of work, of which DuckDB can count how much is done.
const endless = 'select count(*) from events a, events b, events c where hash(a.message_id || b.message_id || c.message_id) % 100 = 1'

test('a long statement shows how much of it is done and how long it has taken, and can be cancelled', async () => {
  for (const [viewport, scheme] of [[wide, 'light'], [phone, 'dark']]) {
    await visit({ path: '/sql', viewport, scheme }, async (page) => {
      await page.getByRole('textbox', { name: 'SQL' }).fill('select count(*) as n from events')
      await page.getByRole('button', { name: 'Run' }).click()
      await page.locator('#result .grid').getByText('12,000').waitFor()
      assert.equal(await page.getByRole('progressbar', { name: 'Asking the warehouse' }).isVisible(), false, 'what is fast shows none')
      await page.getByRole('textbox', { name: 'SQL' }).fill(endless)
      await page.getByRole('button', { name: 'Run' }).click()
      const bar = page.getByRole('progressbar', { name: 'Asking the warehouse' })
      await bar.waitFor()
      await page.locator('#result .clock').getByText(/^\d+ % · [\d.]+ s$/).waitFor()
      const value = Number(await bar.evaluate((e) => e.value))
      assert.ok(value > 0 && value <= 1, `want a part of 1; have ${value}`)
      assert.match(await bar.getAttribute('aria-valuetext'), /^\d+ % · /)
      assert.match(await page.locator('#result [role=status]').first().textContent(), /^Asking the warehouse…$/, 'what is spoken does not tick')
      await fits(page)
      await accessible(page)
      await picture(page, `progress-${viewport.width}-${scheme}`, false)
      await page.locator('#result').getByRole('button', { name: 'Cancel' }).click()
      await page.getByText('Cancelled.').waitFor()
      assert.equal(await bar.isVisible(), false)
      await page.getByRole('button', { name: 'Ask again' }).click()
      await bar.waitFor()
      await page.locator('#result').getByRole('button', { name: 'Cancel' }).click()
      await page.getByText('Cancelled.').waitFor()
    })
  }
})
