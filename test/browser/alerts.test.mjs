// Alerts, made, tried, changed and removed by clicking; a webhook and a mailbox hear of them.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { accessible, api, broad, close, holds, phone, picture, send, text, visit, wide } from './browser.mjs'

const heard = []
const listeners = new Set()
const hook = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => {
    heard.push({ ...JSON.parse(body), signature: request.headers['webhook-signature'] })
    response.end()
    for (const listener of listeners) listener()
  })
})
const hookURL = () => `http://127.0.0.1:${hook.address().port}/secret`

/** toldOf waits until the webhook hears something. */
function toldOf(pattern) {
  return new Promise((resolve) => {
    const look = () => {
      const found = heard.find((h) => pattern.test(h.text))
      if (!found) return
      listeners.delete(look)
      resolve(found)
    }
    listeners.add(look)
    look()
  })
}
const mails = async () => (await fetch(process.env.SPOOR_MAILS)).json()
/** mailed waits until the mailbox has got something. */
async function mailed(to, pattern) {
  for (let i = 0; i < 600; i++) {
    const found = (await mails()).find((m) => m.to === to && pattern.test(m.text))
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return assert.fail(`no mail to ${to} with ${pattern}: ${JSON.stringify(await mails())}`)
}

const noon = new Date()
noon.setUTCHours(11, 0, 0, 0)
const at = (day, hour) => new Date(noon.getTime() + (day * 24 + hour) * 3600_000).toISOString()
const week = { last: 7, unit: 'day', zone: 'UTC' }
const step = (event) => ({ event: { event } })
const address = (path, question) => `${path}?q=${encodeURIComponent(JSON.stringify(question))}`

// 20 people look three days ago, and 12 of them again on the next day; 10 add and 5 of those buy.
before(async () => {
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const did = []
  const track = (event, user, day, hour) => did.push({ type: 'track', event, userId: `user-${user}`, messageId: `${event}-${user}-${day}`, timestamp: at(day, hour) })
  for (let user = 0; user < 20; user++) track('Look', user, -3, 0)
  for (let user = 0; user < 12; user++) track('Look', user, -2, 0)
  for (let user = 0; user < 10; user++) track('Add', user, -3, 1)
  for (let user = 0; user < 5; user++) track('Buy', user, -3, 2)
  await send(did)
})
after(async () => {
  hook.close()
  hook.closeAllConnections()
  await close()
})

const form = (page) => page.getByRole('dialog')
const previewed = (page, pattern) => form(page).locator('.alert-preview').getByText(pattern).waitFor()

test('From a funnel: it is saved, a number is chosen, two receivers are tried, and both hear when it fires', async () => {
  await visit({ path: address('/funnels', { range: week, steps: ['Look', 'Add', 'Buy'].map(step) }), allow: /status of 400/ }, async (page) => {
    await page.locator('.funnel-step').nth(2).waitFor()
    await page.getByRole('button', { name: 'Alert me' }).click()
    await page.getByLabel('Name').fill('The shop')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByRole('heading', { name: 'New alert' }).waitFor()
    await previewed(page, /^Now: 25% · too little of the past/)
    await form(page).getByLabel('Name').fill('Few add')
    await form(page).getByLabel('Number', { exact: true }).selectOption('2. Add')
    await form(page).getByLabel('Of it').selectOption('people who came to it')
    await previewed(page, 'Now: 10')
    await form(page).getByLabel('Of it').selectOption('share of the step before')
    await form(page).getByLabel('When the number is').selectOption('under a number')
    await previewed(page, 'Now: 50%')

    // What cannot be is said with its field and its value, and nothing is lost.
    await form(page).getByLabel('Fires under (%)').fill('400')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await form(page).getByRole('alert').getByText('The number is a share: it is 0 to 100%; got 400%.').waitFor()
    await form(page).getByLabel('Fires under (%)').fill('60')
    await form(page).getByRole('button', { name: 'Add a webhook' }).click()
    await page.keyboard.type('chat')
    await form(page).getByRole('button', { name: 'Test webhook 1' }).click()
    await form(page).getByText('to.webhook must be a URL with http or https; got "chat"').waitFor()
    await form(page).getByRole('textbox', { name: 'Webhook 1' }).fill(hookURL())
    await form(page).getByRole('button', { name: 'Test webhook 1' }).click()
    await form(page).getByText(/^Told at/).waitFor()
    assert.match((await toldOf(/^\[test\] Few add/)).signature, /^v1,/)
    await form(page).getByRole('button', { name: 'Add a mailbox' }).click()
    await page.keyboard.type('ops@example.com')
    await form(page).getByRole('button', { name: 'Test mailbox 2' }).click()
    await mailed('ops@example.com', /\[test\] Few add/)
    await form(page).getByText(/^Told at/).nth(1).waitFor()
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme })
      await accessible(page)
      await picture(page, `alert-form-1440-${scheme}`, false)
    }
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await page.getByRole('button', { name: 'Open it' }).click()

    await page.getByRole('heading', { name: 'Few add' }).waitFor()
    const fired = await toldOf(/^\[FIRING\] Few add/)
    assert.deepEqual([fired.value, fired.low, fired.kind], [0.5, 0.6, 'share'])
    assert.match(fired.text, /The shop: conversion from Look to Add in the last 7 days: 50%; fine is 60% or more/)
    await mailed('ops@example.com', /\[FIRING\] Few add/)
    await page.reload()
    await page.locator('#stands .status[data-status="firing"]').waitFor()
    assert.match(await text(page, '.alert-facts'), /Now50%.*Fine is60% or more/)
    assert.equal(await page.locator('#history tbody tr').count(), 1)
    assert.match(await text(page, '#history tbody tr'), /still.*50%.*60% or more/)
    await page.reload()
    await page.getByRole('link', { name: 'an alert fires' }).waitFor()
  })
})

test('An alert is tried, changed, paused, resumed and removed on the page', async () => {
  await visit({ path: '/alerts' }, async (page) => {
    await page.getByRole('link', { name: 'Few add' }).click()
    await page.getByRole('button', { name: /^Test webhook to 127/ }).click()
    await page.locator('#who').getByText(/^Told at/).waitFor()
    const before = (await mails()).length
    await page.getByRole('button', { name: 'Test e-mail to ops@example.com' }).click()
    await page.locator('#who').getByText(/^Told at/).nth(1).waitFor()
    assert.equal((await mails()).length, before + 1)

    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await previewed(page, 'Now: 50%')
    assert.equal(await form(page).getByLabel('Fires under (%)').inputValue(), '60')
    assert.equal(await form(page).getByRole('textbox', { name: 'Webhook 1' }).inputValue(), hookURL())
    await form(page).getByLabel('Fires under (%)').fill('12.5')
    await form(page).getByRole('button', { name: 'Remove mailbox 2' }).click()
    await form(page).getByLabel('Name').fill('Hardly any add')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await page.locator('.alert-facts').getByText(/under 12.5%/).waitFor()
    assert.equal(await page.locator('#who li').count(), 1)
    const [rule] = (await api('/api/saved/alerts')).documents
    assert.deepEqual(rule.body, { report: rule.body.report, number: { step: 1, of: 'of_previous' }, below: 0.125, for: 1, notify: [{ webhook: hookURL() }] })
    assert.doesNotMatch(await text(page, '#history tbody tr'), /still/, 'a changed one begins anew, and its history stays')

    await page.getByRole('button', { name: 'Pause' }).click()
    await page.locator('#stands .status[data-status="paused"]').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    assert.equal((await api('/api/saved/alerts')).documents[0].body.paused, undefined)
    await accessible(page)
    await page.getByRole('link', { name: 'open the report' }).click()
    await page.locator('#saved-name').getByText('The shop').waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await form(page).getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('link', { name: 'Tracking broke' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'Hardly any add' }).count(), 0)
    assert.deepEqual((await api('/api/saved/alerts')).documents, [])
  })
})

test('On the page Alerts: a retention, a formula and an event are watched; where nothing is usual it is said', async () => {
  const report = (name, question, params) => api('/api/saved/reports', { name, body: { question, params } })
  await report('Who comes back', 'retention', { range: { ...week, interval: 'day' }, start: step('Look'), return: step('Look') })
  await report('Of January', 'trend', { range: { from: '2026-01-01', to: '2026-01-31' }, series: [step('Look'), step('Buy')], formulas: ['B / A'] })
  await visit({ path: '/alerts', allow: /status of 400/ }, async (page) => {
    await page.locator('#tools').getByRole('button', { name: 'New alert' }).click()
    await form(page).getByLabel('Name').fill('They stay away')
    await form(page).getByLabel('Report', { exact: true }).selectOption('Who comes back')
    await form(page).getByLabel('When the number is').selectOption('under a number')
    await previewed(page, 'Now: 60%')
    await form(page).getByLabel('Report', { exact: true }).selectOption('Of January')
    await form(page).getByLabel('Number', { exact: true }).selectOption('B / A')
    await form(page).getByLabel('When the number is').selectOption('outside of what is usual')
    await previewed(page, /What is usual compares with the same hour of the last 4 weeks.*got "2026-01-01 to 2026-01-31"/)
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await form(page).getByRole('alert').getByText(/body\.usual compares with the same hour/).waitFor()
    await form(page).getByLabel('Report', { exact: true }).selectOption('Who comes back')
    await form(page).getByLabel('When the number is').selectOption('outside of two numbers')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await form(page).getByRole('alert').getByText('Give the number at which it fires.').waitFor()
    await form(page).getByLabel('Fires under (%)').fill('5')
    await form(page).getByLabel('Fires over (%)').fill('95')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await page.locator('.alert-facts').getByText(/Who comes back: share of people who come back in day 1 in the last 7 days over 95% or under 5%/).waitFor()
    await page.getByRole('link', { name: 'All alerts' }).click()

    await page.locator('#tools').getByRole('button', { name: 'New alert' }).click()
    await form(page).getByLabel('Watch', { exact: true }).selectOption('How often an event comes')
    await form(page).getByRole('combobox', { name: 'Event', exact: true }).fill('Buy')
    await page.getByRole('option', { name: 'Buy' }).click()
    await form(page).getByLabel('In the last').selectOption('day')
    await form(page).getByLabel('When the number is').selectOption('under a number')
    await previewed(page, /^Now: [05]$/) // those of this minute are not looked at yet
    await form(page).getByLabel('Fires under').fill('1000')
    await form(page).getByLabel('Name').fill('Few buy')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await page.locator('.alert-facts').getByText('Buy in the last day under 1000').waitFor()
    // The one about tracking, which nobody has made, is changed the same way.
    await page.getByRole('link', { name: 'All alerts' }).click()
    await page.getByRole('link', { name: 'Tracking broke' }).click()
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await form(page).getByLabel('Except these, one in a line').fill('Old Event\nOther')
    await form(page).getByRole('button', { name: 'Add a mailbox' }).click()
    await page.keyboard.type('ops@example.com')
    await form(page).getByRole('button', { name: 'Save alert' }).click()
    await page.getByRole('button', { name: 'Test e-mail to ops@example.com' }).waitFor()
    const rule = (await api('/api/saved/alerts')).documents.find((d) => d.id === 'tracking')
    assert.deepEqual(rule.body, { tracking: true, ignore: ['Old Event', 'Other'], for: 2, notify: [{ email: 'ops@example.com' }] })
  })
})

test('the pages of alerts are accessible and fit, in any light and at any width', async () => {
  // The pictures are of one that fires.
  for (let i = 0; !(await api('/api/alerts')).alerts.some((a) => a.name === 'Few buy' && a.status === 'firing'); i++) {
    assert.ok(i < 300, 'it does not fire')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const { alerts } = await api('/api/alerts')
  const fires = alerts.find((a) => a.name === 'Few buy').id
  const shown = {
    '/alerts': (page) => page.locator('.alert-row').nth(2).waitFor(),
    [`/alerts?id=${fires}`]: (page) => page.locator('#history tbody tr').first().waitFor(),
    '/alerts?id=tracking': (page) => page.getByText('It has not fired yet.').waitFor(),
  }
  for (const [path, ready] of Object.entries(shown)) {
    await visit({ path, scheme: 'dark', viewport: phone }, async (page) => {
      await ready(page)
      await holds(page, `alerts${path.includes(fires) ? '-firing' : path.includes('tracking') ? '-tracking' : ''}`, { viewports: [phone, wide, broad] })
      if (path !== '/alerts') return
      await page.setViewportSize(phone)
      await page.locator('#tools').getByRole('button', { name: 'New alert' }).click()
      await previewed(page, /Now/)
      await form(page).getByRole('button', { name: 'Add a webhook' }).click()
      await holds(page, 'alert-form')
    })
  }
})
