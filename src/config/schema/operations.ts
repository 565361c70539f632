/** Endpoints that hold no conversation. */
import * as z from 'zod'
import { positiveDuration } from './scalars.ts'
import { plainText } from './texts.ts'

/** `/v1/files` and `/v1/batches`: what one provider keeps. */
export const files = z.strictObject({
  provider: plainText
    .optional()
    .describe('Where files and batches go that name no provider; absent: to the only provider, if there is one.'),
  bind_keys: z
    .boolean()
    .default(true)
    .describe(
      'A key reaches and lists only the files and batches that it made; `false`: every key reaches all of the provider.',
    ),
})

/** Batches and background answers that clients do not read to their end. */
export const unreadUsage = z.strictObject({
  first_look: positiveDuration
    .prefault('5m')
    .describe(
      'The gateway itself looks at one that nobody has read to its end after so long; also the shortest pause.',
    ),
  longest_pause: positiveDuration
    .prefault('6h')
    .describe('Pauses between looks grow to half of the age, and to no more than this.'),
})

/** `/v1/realtime`: sessions over a WebSocket. */
export const realtime = z.strictObject({
  idle: positiveDuration.prefault('300s').describe('A session ends after so long without a byte either way.'),
  total: positiveDuration.prefault('3600s').describe('A session ends after so long in any case.'),
  reserve_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .prefault(20_000)
    .describe('Reserved from the budgets of a key for a session, which ends when it has used them.'),
})

/** Paths under `/v1/` that the gateway does not know. */
export const passthrough = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Requests go on to the provider that they name, or whose model they name; `false`: they are not found.'),
  providers: z
    .array(plainText)
    .max(64)
    .prefault([])
    .describe(
      'Where requests go that name neither: the first that speaks the dialect of the client; without one, the only provider of its vendor, or the only one that speaks it.',
    ),
})
