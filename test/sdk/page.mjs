// The script of the pages that segment-browser.mjs serves: @segment/analytics-next from npm, as a site bundles it.
import { AnalyticsBrowser } from '@segment/analytics-next'

const { cdnURL, integrations } = window.options
window.analytics = AnalyticsBrowser.load({ writeKey: 'dev', cdnURL }, { integrations })
