import * as z from 'zod'
import { positiveDuration } from './scalars.ts'
import { networkText, plainText } from './texts.ts'

const port = z.int().min(1).max(65_535)

const rule = z.strictObject({
  id: plainText.describe('Names the rule in the log and in metrics.'),
  action: z.enum(['allow', 'refuse']).describe('What happens to connections that match.'),
  named_by: z
    .enum(['operator', 'other'])
    .optional()
    .describe('Who chose the host: this file, or somebody else (a client, a redirect); absent: either.'),
  hosts: z.array(plainText).min(1).optional().describe('Names: `api.example.com`, `*.example.com`.'),
  addresses: z.array(networkText).min(1).optional().describe('Addresses and networks.'),
  ports: z.array(port).min(1).optional().describe('Ports of the destination.'),
})

/** Where the gateway may connect to. */
export const egress = z.strictObject({
  rules: z
    .array(rule)
    .max(256)
    .prefault([])
    .describe('The first that matches decides; then the defaults (see docs/egress.md).'),
  dns: z
    .enum(['system', 'servers'])
    .default('system')
    .describe('`system`: as this machine does; `servers`: its DNS servers directly, with their times to live.'),
})

const level = (lag: string, heap: number) =>
  z.strictObject({
    lag: positiveDuration
      .prefault(lag)
      .describe('How late the event loop is when this begins; it ends at half of that.'),
    heap: z
      .number()
      .min(0.1)
      .max(0.99)
      .prefault(heap)
      .describe('Share of `process.worker_memory` in use when this begins; it ends 0.05 below.'),
  })

/** What happens when a worker has more to do than it can. */
export const overload = z
  .strictObject({
    shed: z
      .enum(['on', 'off'])
      .default('on')
      .describe('Refuse requests (503) while the event loop lags or memory runs out; health is always answered.'),
    strained: level('250ms', 0.85).prefault({}).describe('From here on routes of `importance: low` are refused.'),
    overloaded: level('500ms', 0.92)
      .prefault({})
      .describe('From here on all but those of `importance: critical` are refused.'),
  })
  .refine(({ strained, overloaded }) => strained.lag <= overloaded.lag && strained.heap <= overloaded.heap, {
    error: '`strained` begins before `overloaded`, or with it',
    path: ['overloaded'],
  })
