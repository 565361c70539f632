/** What the gateway adds to answers of models. */
import * as z from 'zod'
import { positiveDuration } from './scalars.ts'

export const answers = z.strictObject({
  heartbeat: z
    .union([z.literal('off'), positiveDuration], { error: 'expected `off` or a duration, such as `15s`' })
    .prefault('15s')
    .describe(
      'After so long without an event a stream that has begun gets a comment, which clients pass over: what stands between may take a silent connection for dead. `off`: never.',
    ),
  cost: z
    .enum(['off', 'asked', 'always'])
    .default('asked')
    .describe(
      'Who is told what an answer costs. `asked`: requests with the header `x-ferro-usage: cost`; `always`: all; `off`: none. Whole answers tell it in the header `x-ferro-cost-nanos`, streams in a last comment.',
    ),
})
