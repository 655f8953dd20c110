// The reports that can be shown, by the questions that they ask.
import { funnel } from './funnel.js'
import { paths } from './paths.js'
import { retention } from './retention.js'
import { trend } from './trend.js'

/** shows gives each question's page, and how its answer is drawn small: draw(box) is {draw(answer, question, view)}. */
export const shows = {
  trend: { path: '/trends', view: 'line', draw: (box) => trend(box, { small: true }) },
  funnel: { path: '/funnels', view: '', draw: (box) => funnel(box, { small: true }) },
  retention: { path: '/retention', view: 'table', draw: (box) => retention(box, { small: true }) },
  paths: { path: '/paths', view: 'flow', draw: (box) => paths(box, { small: true }) },
}
