// Sends events with @segment/analytics-node as a server does, only its host option set, and prints what the SDK says
// that it has sent: a JSON array of events, as its callbacks give them.
//
//   node segment-node.mjs HOST every|many
import { Analytics } from '@segment/analytics-node'

const [host, scenario] = process.argv.slice(2)
const analytics = new Analytics({ writeKey: 'dev', host })

const sent = []
const failed = []
analytics.on('error', (error) => failed.push(error))
const said = (error, context) => (error ? failed.push(error) : sent.push(context.event))

const scenarios = {
  every() {
    const anonymousId = 'device-1'
    analytics.track({ anonymousId, event: 'Product Viewed', properties: { sku: 'A-1', price: 39.95, tags: ['a', 'b'] } }, said)
    analytics.identify({ userId: 'ada', anonymousId, traits: { email: 'ada@example.com', plan: 'pro' } }, said)
    analytics.track({
      userId: 'ada',
      event: 'Order Completed',
      properties: { revenue: 12, note: 'Grüße, "Ada" \u{1F98C}', nested: { deep: [1, { x: null }] } },
      timestamp: new Date('2026-01-02T03:04:05.678Z'),
      context: { ip: '203.0.113.7', locale: 'de-AT', timezone: 'Europe/Vienna', userAgent: 'Shop/1.0', page: { url: 'https://shop.example/pay?x=1', path: '/pay', title: 'Pay', referrer: 'https://shop.example/cart' } },
    }, said)
    analytics.page({ userId: 'ada', category: 'Docs', name: 'Start', properties: { url: 'https://shop.example/docs', path: '/docs', title: 'Documents' } }, said)
    analytics.screen({ userId: 'ada', name: 'Settings', properties: { dark: true } }, said)
    analytics.group({ userId: 'ada', groupId: 'acme', traits: { seats: 3 } }, said)
    analytics.alias({ previousId: 'device-1', userId: 'ada' }, said)
  },
  many() {
    for (let i = 0; i < 500; i++) {
      analytics.track({ userId: `user-${i % 7}`, event: 'Counted', properties: { i } }, said)
    }
  },
}

scenarios[scenario]()
await analytics.closeAndFlush()
if (failed.length > 0) throw new Error(`the SDK gave up: ${failed.map((f) => f.reason ?? f).join('; ')}`)
console.log(JSON.stringify(sent))
