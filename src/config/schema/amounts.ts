/** How fast requests may come, and how much may be used: what keys, levels and rules all can say. */
import * as z from 'zod'
import { BUDGET_PERIODS } from './key-vocabulary.ts'
import { usd } from './scalars.ts'
import { plainText } from './texts.ts'

/** Limits are counted in whole microseconds between two requests. */
const MAX_PER_SECOND = 1_000_000
const MAX_PER_MINUTE = 60_000_000
const MAX_PER_DAY = 86_400_000_000
const MAX_TOKENS_PER_MINUTE = 100_000_000
const MAX_AT_ONCE = 1_000_000

/** IANA name of a time zone. */
export const timeZone = plainText
  .refine(isTimeZone, { error: 'expected the name of a time zone, such as `Europe/Berlin`' })
  .meta({ id: 'time-zone', description: 'IANA name of a time zone: `Europe/Berlin`, `UTC`.' })

/** What may be used in a period. */
const budget = z
  .strictObject({
    tokens: z.int().min(1).optional().describe('Tokens of all kinds together.'),
    usd: usd.optional().describe('US dollars; counts only requests to models that have prices.'),
    per: z.enum(BUDGET_PERIODS).describe('Calendar day, week (from Monday) or month, or `total` for all time.'),
    time_zone: timeZone.optional().describe('Whose midnight begins a day, week or month; absent: UTC.'),
    warn_at: z
      .array(z.int().min(1).max(100))
      .min(1, { error: 'an empty list would warn of nothing; leave it out' })
      .max(8, { error: 'at most 8 thresholds' })
      .optional()
      .describe(
        'Percent of the budget: when as much is spent, a line in the log, a metric and the record tell, once in a period.',
      ),
    on_exhausted: z
      .union([z.literal('refuse'), z.strictObject({ switch_model: plainText })])
      .optional()
      .describe(
        'Absent or `refuse`: what the budget does not cover is refused. `{ switch_model: name }`: it is served by that model, when ' +
          'the key may use it and all budgets cover it then.',
      ),
  })
  .refine((value) => (value.tokens === undefined) !== (value.usd === undefined), {
    error: 'a budget has exactly one of `tokens` and `usd`',
  })
  .meta({ oneOf: [{ required: ['tokens'] }, { required: ['usd'] }] })

/** The fields `limits` and `budgets` of whoever asks. */
export const amounts = {
  limits: z
    .strictObject({
      requests_per_second: z
        .int()
        .min(1)
        .max(MAX_PER_SECOND)
        .optional()
        .describe('Requests per second; absent: no limit.'),
      requests_per_minute: z
        .int()
        .min(1)
        .max(MAX_PER_MINUTE)
        .optional()
        .describe('Requests per minute; absent: no limit.'),
      requests_per_day: z
        .int()
        .min(1)
        .max(MAX_PER_DAY)
        .optional()
        .describe('Requests in any 24 hours; absent: no limit.'),
      burst: z
        .int()
        .min(1)
        .max(MAX_PER_MINUTE)
        .optional()
        .describe('Requests that may come at once; absent: as `requests_per_minute`.'),
      tokens_per_minute: z
        .int()
        .min(1)
        .max(MAX_TOKENS_PER_MINUTE)
        .optional()
        .describe(
          'Tokens per minute: taken by the estimate, and given back as far as they were not used; absent: no limit.',
        ),
      concurrency: z
        .int()
        .min(1)
        .max(MAX_AT_ONCE)
        .optional()
        .describe('Requests in flight at once, from admission to the end of the answer; absent: no limit.'),
    })
    .refine((value) => value.burst === undefined || value.requests_per_minute !== undefined, {
      error: '`burst` needs `requests_per_minute`',
      path: ['burst'],
    })
    .prefault({})
    .describe('How fast requests may come.'),
  budgets: z
    .array(budget)
    .max(16, { error: 'at most 16 budgets' })
    .prefault([])
    .describe('How much may be used; every one must hold.'),
}

function isTimeZone(text: string): boolean {
  // Offsets (`+02:00`) are taken too, and have no name.
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false // that is how it says that it knows no such zone
  }
}
