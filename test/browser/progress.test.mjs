// What takes long says how far it is, and can be cancelled.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { accessible, close, comes, fits, phone, picture, visit, wide } from './browser.mjs'

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
      await comes(async () => {
        const value = Number(await bar.evaluate((e) => e.value))
        assert.ok(value > 0 && value <= 1, `want a part of 1; have ${value}`)
      })
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

const run = async (page, sql) => {
  await page.getByRole('textbox', { name: 'SQL' }).fill(sql)
  await page.getByRole('button', { name: 'Run' }).click()
  // What was shown before stays until the answer is there.
  await page.locator('#result[aria-busy]').waitFor({ state: 'detached' })
  await page.locator('#result-said').waitFor()
}
const exported = async (page, how) => (await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Export as ${how}` }).click()]))[0]

test('a file comes as a download of the browser, with its rows and bytes; it can be cancelled', async () => {
  await visit({ path: '/sql' }, async (page) => {
    await run(page, 'select message_id, event from events')
    await page.locator('#result-said').getByText('1,000 rows of more').waitFor()
    const file = await exported(page, 'CSV')
    assert.match(file.suggestedFilename(), /^answer \d{4}-\d\d-\d\d\.csv$/)
    assert.equal(readFileSync(await file.path(), 'utf8').split('\r\n').join('\n').trim().split('\n').length, 12_001, 'all rows, though 1,000 are shown')
    await page.locator('.file-wait').getByText(/\.csv: 12,000 rows, /).waitFor()

    await run(page, 'select a.message_id, hash(b.message_id) as h from events a, events b')
    const long = await exported(page, 'CSV')
    const line = page.locator('.file-wait')
    await line.getByText(/rows · .*[MG]iB · /).waitFor()
    await line.getByRole('progressbar', { name: /^Writing answer/ }).waitFor()
    await accessible(page)
    await picture(page, 'file-1440', false)
    await line.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('The export was cancelled.').waitFor()
    assert.ok(await long.failure(), 'what was given up does not look whole')
  })
})

test('a file that fails says why, and does not look whole', async () => {
  await visit({ path: '/sql', allow: /status of 400/ }, async (page) => {
    // One of the rows behind those that are shown is no number.
    await run(page, "select r, cast(case when r < 900000 then '1' else 'none' end as integer) as n from range(1000000) x(r)")
    await page.locator('#result-said').getByText('1,000 rows of more').waitFor()
    const file = await exported(page, 'CSV')
    assert.ok(await file.failure(), 'the download fails')
    await page.locator('.file-wait.bad').getByText(/The export failed: .*(none|DuckDB does not say why)/).waitFor()
    await page.locator('.file-wait').getByRole('button', { name: 'Dismiss' }).click()
    assert.equal(await page.locator('.file-wait').count(), 0)
  })
})

test('the people of a list are all in its file, not the page of them alone', async () => {
  await visit({ path: '/people?range=12m' }, async (page) => {
    await page.locator('#list .grid tbody tr').first().waitFor()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export People as CSV' }).click()])
    const lines = readFileSync(await file.path(), 'utf8').trim().split(/\r?\n/)
    assert.equal(lines[0], 'person,events,first,last,traits')
    await page.locator('.file-wait').getByText(/people.*\.csv: \d+ rows, /).waitFor()
  })
})
