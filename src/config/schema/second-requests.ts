/** Requests beside a client's own, or elsewhere than most: hedges, canaries, shadows. */
import * as z from 'zod'
import { capabilities, prices } from './prices.ts'
import { providerTimeouts, tags } from './providers.ts'
import { positiveDuration } from './scalars.ts'
import { plainText } from './texts.ts'

const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/
const SHARE_HELP = 'expected a share such as `5%`, or a number up to 1 such as `0.05`'

/** A part of all, as a number from above 0 to 1. */
const share = z
  .union(
    [
      z.number().gt(0).max(1),
      z
        .string()
        .regex(PERCENT, { error: SHARE_HELP })
        .transform((text, context) => {
          const percent = Number(PERCENT.exec(text)?.[1])
          if (percent > 0 && percent <= 100) return percent / 100
          context.addIssue({ code: 'custom', message: SHARE_HELP, input: text })
          return z.NEVER
        }),
    ],
    { error: SHARE_HELP },
  )
  .meta({ id: 'share', description: 'A part of all: `5%`, or a number up to 1 such as `0.05`.' })

/** A target that no strategy knows. */
const sideTarget = z.strictObject({
  provider: plainText.describe('Name of a provider of this file, or a built-in one (`demo`).'),
  model: plainText.describe('The name that the provider gives the model.'),
  credential: plainText.optional().describe('Name of one of the credentials of its provider; absent: all in turn.'),
  tags: tags.describe("What policies and clients may ask for, such as a region; its provider's are its own, too."),
  prices: prices.optional().describe('US dollars per million tokens; absent: as the catalogue has them.'),
  capabilities: capabilities.optional().describe('What it takes; absent: as the catalogue has it.'),
  catalogue: plainText
    .optional()
    .describe("The entry of the catalogue that it is, `provider/model`; absent: by its provider's kind and its name."),
  max_output_tokens: z.int().min(1).max(100_000_000).optional().describe('The most that the model can answer.'),
  timeouts: providerTimeouts.optional().describe("Deadlines that differ from its provider's."),
})

const PERCENTILE = /^p(\d{1,2}(?:\.\d)?)$/
const DELAY_HELP = 'expected a duration such as `800ms`, or a percentile such as `p95`'

/** How long to wait: a time, or a percentile of what a target's answers take, as a share. */
const delay = z
  .union(
    [
      z
        .string()
        .regex(PERCENTILE, { error: DELAY_HELP })
        .transform((text, context) => {
          const percent = Number(PERCENTILE.exec(text)?.[1])
          if (percent >= 50) return { share: percent / 100 }
          context.addIssue({ code: 'custom', message: 'a percentile from p50 to p99.9', input: text })
          return z.NEVER
        }),
      positiveDuration.transform((ms) => ({ ms })),
    ],
    { error: DELAY_HELP },
  )
  .meta({
    id: 'delay',
    description: 'A duration such as `800ms`, or a percentile (`p50` to `p99.9`) of what the answers of a target take.',
  })

/** When a second request follows one that is slow. */
export const hedge = z.strictObject({
  after: delay.describe(
    'How long a target may take until there is something of an answer to pass on. `p95`: as long as 95 of 100 of its last answers took, streams and whole answers by themselves; until 20 are known it is never too slow.',
  ),
})

/** A new target that some of the requests are tried at. */
export const canary = z.strictObject({
  target: sideTarget.describe('Who is tried. When it fails, the targets of the model are asked as ever.'),
  share: share.describe('Part of the requests that go to it first.'),
  stop: z
    .strictObject({
      errors: share.prefault('5%').describe('It stops when more than this part of `over` attempts has failed.'),
      over: z
        .int()
        .min(10)
        .max(1_000)
        .prefault(100)
        .describe('Its last attempts, over all workers; those that were not made yet count as good.'),
    })
    .prefault({})
    .describe('When no more requests go to it.'),
  restart_after: positiveDuration
    .optional()
    .describe(
      'How long it stays stopped. Absent: until these settings change, e.g. `run`, or the gateway starts anew.',
    ),
  run: z.int().min(1).max(1_000_000_000).prefault(1).describe('Another number begins a stopped one anew.'),
})

/** A target that gets copies of some of the requests, of which no client sees anything. */
export const shadow = z.strictObject({
  target: sideTarget.describe('Who gets the copies. Its answers are read to their end and thrown away.'),
  share: share.describe('Part of the requests that are copied.'),
  max_concurrent: z
    .int()
    .min(1)
    .max(10_000)
    .prefault(16)
    .describe('Copies on their way at once, over all workers; more are dropped, and counted.'),
  timeout: positiveDuration.prefault('60s').describe('Until the end of its answer; then it is cut.'),
  charge: z
    .enum(['none', 'key'])
    .prefault('none')
    .describe(
      "Whose money it is. `none`: nobody's; record and ledger have the cost without a key. `key`: that of the request's key, whose budgets then decide whether there is a copy.",
    ),
})
