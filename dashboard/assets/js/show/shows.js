// The reports that can be shown, by the questions that they ask.
import { behindFunnel, funnel } from './funnel.js'
import { behindPaths, paths } from './paths.js'
import { behindRetention, retention } from './retention.js'
import { behindTrend, trend } from './trend.js'

/**
 * shows gives each question's page, how its answer is drawn small: draw(box, open) is {draw(answer, question, view)}, and whose
 * list a point of it opens: behind(point, question, answer).
 */
export const shows = {
  trend: { path: '/trends', view: 'line', draw: (box, open) => trend(box, { open, small: true }), behind: behindTrend },
  funnel: { path: '/funnels', view: '', draw: (box, open) => funnel(box, { open, small: true }), behind: behindFunnel },
  retention: { path: '/retention', view: 'table', draw: (box, open) => retention(box, { open, small: true }), behind: behindRetention },
  paths: { path: '/paths', view: 'flow', draw: (box, open) => paths(box, { open, small: true }), behind: behindPaths },
}
