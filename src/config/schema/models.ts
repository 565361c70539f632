import * as z from 'zod'
import { capabilities, prices } from './prices.ts'
import { plainText } from './texts.ts'

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
  prices: prices.optional().describe('US dollars per million tokens; absent: as the catalogue has them.'),
  capabilities: capabilities.optional().describe('What it takes; absent: as the catalogue has it.'),
  catalogue: plainText
    .optional()
    .describe("The entry of the catalogue that it is, `provider/model`; absent: by its provider's kind and its name."),
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
