// A page under 100,000 events a second, 20 sources, 5,000 names, and names that are meant to break it.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { close, holds, phone, picture, text, visit, wide } from './browser.mjs'

after(close)

test('numbers of any size have room, in any light and at any width', async () => {
  await visit({ scheme: 'dark', viewport: phone }, async (page) => {
    await page.locator('#rows li').nth(12).waitFor()
    await page.locator('#chart canvas').waitFor()
    await page.waitForFunction(() => /^1?\d\d,\d\d\d\/s · Spoor$/.test(document.title))
    await page.locator('#pause').click()
    await holds(page, 'crowd', {
      viewports: [phone, { width: 768, height: 1024 }, wide, { width: 2560, height: 1440 }], audited: [phone, wide],
      at: async () => {
        const cut = await page.locator('.facts .value, .hero .value').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map((e) => e.textContent))
        assert.deepEqual(cut, [], 'numbers that are cut')
      },
    })
  })
})

test('what senders choose is text and nothing else', async () => {
  await visit({}, async (page) => {
    await page.locator('#rows li').nth(12).waitFor()
    for (const place of ['#names', '#sources', '#legend', '#rows']) {
      await page.locator(place).getByText('<img src=x').first().waitFor()
    }
    await page.locator('#chart').focus()
    await page.keyboard.press('End')
    await page.locator('.tip').getByText('<img src=x').waitFor()
    assert.equal(await page.locator('img').count(), 0)
    assert.notEqual(await page.title(), 'owned')
    await picture(page, 'crowd-tip-1440', false)
  })
})

test('a long name is cut, and told whole', async () => {
  await visit({ viewport: phone }, async (page) => {
    const cell = page.locator('#names tbody tr').nth(1).locator('.cut')
    await cell.waitFor()
    assert.ok(await cell.evaluate((e) => e.scrollWidth > e.clientWidth && e.getBoundingClientRect().height < 40), 'cut on one line')
    assert.match(await page.locator('#names tbody tr').nth(1).getByRole('button').getAttribute('title'), /^(Very Long Name ){17}/)
  })
})

test('a flood of events neither grows the page nor stops it', async () => {
  await visit({ path: '/?text=flood' }, async (page) => {
    await page.locator('#rows li').nth(199).waitFor()
    const longest = await page.evaluate(() => new Promise((resolve) => {
      let longest = 0
      let last = performance.now()
      let frames = 0
      requestAnimationFrame(function frame(now) {
        longest = Math.max(longest, now - last)
        last = now
        if (++frames < 120) requestAnimationFrame(frame)
        else resolve(longest)
      })
    }))
    assert.ok(longest < 5000, `frames go on being drawn; the longest took ${longest} ms`)
    assert.equal(await page.locator('#rows li').count(), 200)
    await page.locator('#pause').click()
    await page.waitForFunction(() => /Resume · [\d,]{4,} new/.test(document.getElementById('pause').textContent))
    assert.equal(await page.locator('#rows li').count(), 200)
  })
})

test('nothing moves when numbers change', async () => {
  await visit({}, async (page) => {
    await page.locator('#rows li').nth(12).waitFor()
    await page.locator('#chart canvas').waitFor()
    // The events are there before the first snapshot is, which fills the rest of the page.
    for (const filled of ['#names tbody tr', '#sources tbody tr', '#legend button']) await page.locator(filled).nth(4).waitFor()
    await page.evaluate(() => document.fonts.ready)
    const moved = await page.evaluate(() => new Promise((resolve) => {
      let sum = 0
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) sum += entry.value
      }).observe({ type: 'layout-shift' }) // from now on: the list's new rows push others, within their box
      const places = () => JSON.stringify([...document.querySelectorAll('.facts > div, section > header, #chart, .half > section, .newest')].map((e) => e.getBoundingClientRect()))
      const before = places()
      setTimeout(() => resolve({ sum, same: before === places() }), 4000)
    }))
    assert.ok(moved.same, 'every part of the page stands where it stood')
  })
})

test('less motion when less is asked for', async () => {
  await visit({ reducedMotion: 'reduce' }, async (page) => {
    await page.locator('#chart canvas').waitFor()
    const animated = await page.evaluate(() => document.getAnimations().length)
    assert.equal(animated, 0)
  })
})

test('states are told in words', async () => {
  await visit({}, async (page) => {
    await page.locator('#fact-complete').getByText('catching up').waitFor()
    await page.locator('#fact-stream').getByText('filling up').waitFor()
    assert.match(await text(page, '#names-sub'), /the 30 most frequent of 5,000/)
  })
})
