import * as z from 'zod'
import { usd } from './scalars.ts'
import { plainText } from './texts.ts'

/** What a model costs. Written in US dollars; in the document nano-dollars per million tokens (`request`: per request). */
export const prices = z.strictObject({
  input: usd.describe('Per million input tokens.'),
  output: usd.describe('Per million output tokens.'),
  cache_read: usd.optional().describe('Per million input tokens read from the cache; absent: as `input`.'),
  cache_write: usd.optional().describe('Per million input tokens written to the cache; absent: as `input`.'),
  request: usd.prefault(0).describe('Per request, added to the tokens.'),
})

/** What happens to a request that its model's dialect, or the model, cannot take whole. */
export const onLoss = z
  .enum(['allow', 'warn', 'reject'])
  .describe(
    'When the model speaks another dialect that cannot say all of a request. `allow`: the answer tells in x-ferro-translation; `warn`: a line in the log, too; `reject`: status 400.',
  )
export const onUnsupported = z
  .enum(['warn', 'drop', 'reject'])
  .describe(
    'When a request has a parameter that the model is known to refuse. `warn`: it is left out, with a line in the log; `drop`: without one; `reject`: status 400. What is left out always stands in x-ferro-translation.',
  )

const target = z.strictObject({
  provider: plainText.describe('Name of a provider of this file, or a built-in one (`demo`).'),
  model: plainText.describe('The name that the provider gives the model.'),
  prices: prices.optional().describe('US dollars per million tokens; absent: requests have no cost.'),
  max_output_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe('The most that the model can answer; bounds the reservation of a request that names no maximum.'),
})

/** A model as clients know it: a name and where its requests go. */
export const model = z.strictObject({
  on_loss: onLoss.optional().describe('Differs from `translation.on_loss` for this model.'),
  on_unsupported: onUnsupported.optional().describe('Differs from `translation.on_unsupported` for this model.'),
  strategy: z.enum(['single']).default('single').describe('How a target is chosen. `single`: there is exactly one.'),
  targets: z.array(target).min(1, { error: 'a model needs a target' }).describe('Where requests for this model go.'),
})

/** How requests are put into another dialect than their client's. */
export const translation = z.strictObject({
  on_loss: onLoss.prefault('allow'),
  on_unsupported: onUnsupported.prefault('warn'),
})
