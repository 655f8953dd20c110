// What a page says when its server does not.
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { accessible, close, picture, text, url, visit } from './browser.mjs'

after(close)
const tell = (what) => fetch(`${url}/test/${what}`).then((r) => r.text())
beforeEach(() => tell('mend')) // whatever the test before has left
const says = (page, what) => page.locator('#link-text').getByText(what).waitFor()

test('a lost connection is seen, the numbers turn pale, and it comes back', async () => {
  await visit({ allow: /503|EventSource/ }, async (page) => {
    await says(page, 'live')
    await tell('break')
    await says(page, 'reconnecting…')
    assert.match(await text(page, '#link-text'), /numbers of \d\d:\d\d:\d\d/)
    assert.equal(await page.locator('body').getAttribute('data-link'), 'lost')
    assert.match(await page.locator('#live').evaluate((e) => getComputedStyle(e).filter), /grayscale/)
    assert.equal(await page.title(), 'Live · Spoor')
    await accessible(page)
    await picture(page, 'lost-1440')
    await tell('mend')
    await page.locator('body[data-link=open]').waitFor()
    assert.equal(await text(page, '#link-text'), 'live')
  })
})

test('a warehouse that does not answer is named', async () => {
  await visit({}, async (page) => {
    await says(page, 'live')
    await tell('fault')
    await page.locator('#banner').getByText('The warehouse does not answer: the disk is gone.').waitFor()
    assert.equal(await page.locator('body').getAttribute('data-link'), 'lost')
    await tell('mend')
    await page.locator('#banner').waitFor({ state: 'hidden' })
  })
})

test('a closed door is told with its reason', async () => {
  await visit({}, async (page) => {
    await says(page, 'live')
    await tell('closed')
    await page.locator('#banner').getByText('The door is closed: the stream is full: 10 GiB of 10 GiB.').waitFor()
    assert.equal(await text(page, '#fact-door [data-value]'), 'Closed')
    await accessible(page)
    await picture(page, 'closed-1440')
    await tell('mend')
    await page.locator('#banner').waitFor({ state: 'hidden' })
  })
})

test('a server that says nothing more is not taken for one that is well', async () => {
  await visit({}, async (page) => {
    await says(page, 'live')
    await tell('silent')
    await says(page, 'no news')
    assert.equal(await page.locator('body').getAttribute('data-link'), 'lost')
    await tell('mend')
    await says(page, 'live')
  })
})

test('a hidden tab keeps no connection', async () => {
  await visit({}, async (page) => {
    await says(page, 'live')
    const streams = async (want) => {
      for (let i = 0; ; i++) {
        const have = await tell('streams')
        if (have === String(want)) return
        assert.ok(i < 300, `want ${want} streams; have ${have}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    await streams(2)
    // A headless browser has one tab: the page hears what it would hear.
    const become = (state) => page.evaluate((state) => {
      Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
    await become('hidden')
    await streams(0)
    await page.waitForFunction(() => document.title === 'Spoor')
    await become('visible')
    await streams(2)
    await page.waitForFunction(() => /\/s · Spoor/.test(document.title))
  })
})
