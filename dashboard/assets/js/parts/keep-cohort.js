// Keeping the people behind a number as a cohort.
import { make } from '../dom.js'
import { cohortOf, Unsayable } from './cohort-of.js'
import { forgetCohorts } from './cohorts.js'
import { described } from './conditions.js'
import { dialog } from './dialog.js'
import { askName, create, notKept } from './keep.js'
import { fieldOptions } from './known.js'

/** keepFilter asks for a name and saves a filter about people as a cohort. It gives the saved document, or null. */
export async function keepFilter(filter, name = '', also = []) {
  const text = described(filter)
  const called = await askName({
    title: 'Save as a cohort', value: name || `${text.charAt(0).toUpperCase()}${text.slice(1)}`.slice(0, 120),
    also: [make('p', 'sub', 'Whoever fits this belongs to it, also from now on:'), make('p', 'cohort-says', text), ...also],
  })
  if (!called) return null
  try {
    const made = await create('cohorts', called, { filter })
    forgetCohorts()
    return made
  } catch (err) {
    notKept(err)
    return null
  }
}

/**
 * keepCohort asks for a name and saves those behind a point, a member of query.PeopleList, by its conditions: who fits them
 * later belongs to the cohort too. answer is the report's; remark is said beside. It gives the saved document, or null.
 */
export async function keepCohort({ point, answer = null, remark = '' }) {
  try {
    const fields = await fieldOptions()
    const filter = cohortOf(point, answer, (field) => fields.find((f) => f.value === field)?.kind ?? '')
    return await keepFilter(filter, '', remark ? [make('p', 'sub', remark)] : [])
  } catch (err) {
    if (err instanceof Unsayable) {
      await dialog({
        title: 'These people cannot be a cohort', body: make('p', 'ask', `A cohort is a filter: who did something, or is something. ${err.message}`), choices: [{ text: 'Close', value: null }],
      }).closed
    } else notKept(err)
    return null
  }
}
