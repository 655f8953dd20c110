// The reports that can be shown, by the questions that they ask.
import { trend } from './trend.js'

/** shows gives each question's page, and how its answer is drawn small: draw(box) is {draw(answer, question, view)}. */
export const shows = {
  trend: { path: '/trends', view: 'line', draw: (box) => trend(box, { small: true }) },
}
