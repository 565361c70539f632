/** Requests that are sent beside a client's own: hedges. */
import * as z from 'zod'
import { positiveDuration } from './scalars.ts'

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
