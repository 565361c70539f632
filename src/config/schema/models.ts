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
  strategy: z.enum(['single']).default('single').describe('How a target is chosen. `single`: there is exactly one.'),
  targets: z.array(target).min(1, { error: 'a model needs a target' }).describe('Where requests for this model go.'),
})
