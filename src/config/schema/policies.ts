/** Policies: what requests may ask for, beside what keys and levels say of themselves. */
import * as z from 'zod'
import { timeZone } from './amounts.ts'
import { entityId } from './levels.ts'
import { networkText, plainText } from './texts.ts'

const MAX_NAMES = 256

function names(what: string) {
  return z
    .array(plainText)
    .max(MAX_NAMES, { error: `at most ${MAX_NAMES} names` })
    .optional()
    .describe(`${what}; \`*\` stands for any text.`)
}

const clock = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, { error: 'expected a time of day, such as `08:00`' })
  .meta({ id: 'time-of-day', description: 'Hours and minutes: `08:00`, `24:00`.' })

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const timeWindow = z.strictObject({
  days: z.array(z.enum(WEEKDAYS)).min(1).optional().describe('Days on which it begins; absent: every day.'),
  from: clock.default('00:00').describe('When it begins.'),
  to: clock.default('24:00').describe('When it ends; not after `from`: on the next day.'),
  time_zone: timeZone.optional().describe('Whose clock; absent: UTC.'),
})

/** A part of a condition that is an empty list would be true of nothing: a denial with it would never deny. */
const EMPTY_PART = {
  error: 'an empty list is true of no request, so that the policy says nothing; leave it out to mean every one',
}

function some(what: string) {
  return z
    .array(plainText)
    .min(1, EMPTY_PART)
    .max(MAX_NAMES, { error: `at most ${MAX_NAMES} names` })
    .optional()
    .describe(`${what}; \`*\` stands for any text.`)
}

const conditions = {
  keys: some('Ids of keys, or of other principals (`jwt:…`)'),
  organizations: some('Ids of organisations'),
  teams: some('Ids of teams'),
  projects: some('Ids of projects'),
  users: some('Ids of users'),
  tags: some('Tags that the operator gave the key'),
  addresses: z.array(networkText).min(1, EMPTY_PART).max(MAX_NAMES).optional().describe('Networks of clients.'),
  times: z.array(timeWindow).min(1, EMPTY_PART).max(32).optional().describe('When the request comes.'),
  routes: some('Names of routes, as records have them: `chat.completions`, `embeddings`, ids of `routes`'),
}

const scalar = z.union([z.boolean(), z.number(), plainText])

const parameterTest = z
  .union(
    [
      scalar,
      z
        .strictObject({
          above: z.number().optional().describe('A number above this.'),
          below: z.number().optional().describe('A number below this.'),
          at_least: z.number().optional().describe('This number or above.'),
          at_most: z.number().optional().describe('This number or below.'),
          one_of: z.array(scalar).min(1).max(MAX_NAMES).optional().describe('One of these values.'),
          present: z.boolean().optional().describe('`true`: it is given; `false`: it is not.'),
        })
        .refine((test) => Object.values(test).some((part) => part !== undefined), { error: 'the test says nothing' }),
    ],
    { error: 'expected a value, or a test with `above`, `below`, `at_least`, `at_most`, `one_of` or `present`' },
  )
  .meta({ id: 'parameter-test', description: 'The value that a parameter has, or what must be true of it.' })

const lists = z
  .strictObject({
    models: names('Models, by any of their names'),
    providers: names('Providers that may or may not serve'),
    target_tags: names(
      'Tags of targets or of their providers, such as a region: a target needs one of them, or may have none',
    ),
    tools: names('Tools: names of functions, kinds of hosted tools (`web_search`, `mcp`), servers (`mcp:<label>`)'),
    routes: names('Routes'),
    parameters: z
      .record(plainText, parameterTest)
      .optional()
      .describe('Members of requests by name (`max_tokens`, `temperature`, `reasoning.effort`), in every dialect.'),
  })
  .refine((value) => Object.values(value).some((list) => list !== undefined), { error: 'the list names nothing' })

/** One policy. */
export const policy = z
  .strictObject({
    id: entityId.describe('Names the policy in refusals and records; unique and stable.'),
    match: z
      .strictObject(conditions)
      .prefault({})
      .describe('Whose requests it is about: every part that is given must hold; absent: everybody’s.'),
    except: z.strictObject(conditions).optional().describe('Requests for which one of the parts holds are left alone.'),
    allow: lists
      .optional()
      .describe(
        'What may be asked for, nothing else: every list that applies must allow; parameters: what they must be.',
      ),
    deny: z
      .union([z.literal('all'), lists], { error: 'expected `all`, or lists of what is denied' })
      .optional()
      .describe('What may not be asked for, whatever allows it; `all`: nothing may.'),
    message: plainText.max(256).optional().describe('What clients are told beside the name of the policy.'),
  })
  .refine(({ allow, deny }) => allow !== undefined || deny !== undefined, {
    error: 'a policy has `allow`, `deny` or both',
  })
