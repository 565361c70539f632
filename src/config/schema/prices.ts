import * as z from 'zod'
import { instant, usd } from './scalars.ts'
import { plainText } from './texts.ts'

/** What may differ from one rule to another. */
const rates = {
  input: usd.describe('Per million input tokens.'),
  output: usd.describe('Per million output tokens.'),
  cache_read: usd.optional().describe('Per million input tokens read from the cache; absent: as `input`.'),
  cache_write: usd.optional().describe('Per million input tokens written to the cache; absent: as `input`.'),
  cache_write_1h: usd.optional().describe('The same, kept for an hour; absent: as `cache_write`.'),
  reasoning: usd.optional().describe('Per million tokens of reasoning; absent: as `output`.'),
  audio_input: usd.optional().describe('Per million input tokens of sound; absent: as `input`.'),
  audio_output: usd.optional().describe('Per million output tokens of sound; absent: as `output`.'),
  image_input: usd.optional().describe('Per million input tokens of pictures; absent: as `input`.'),
  image_output: usd.optional().describe('Per million output tokens of pictures; absent: as `output`.'),
  web_search: usd.optional().describe('Per search that the provider makes; absent: answers with one have no price.'),
  image: usd.optional().describe('Per picture, where pictures are counted and not tokens; absent: no price.'),
  second: usd.optional().describe('Per second of sound, where seconds are counted; absent: no price.'),
  character: usd.optional().describe('Per character, where characters are counted; absent: no price.'),
  search: usd.optional().describe('Per search of a reranker; absent: no price.'),
  request: usd.prefault(0).describe('Per request, added to the tokens.'),
}

const rule = z.strictObject({
  name: plainText.describe('Stands behind `#` in the record, so that it tells which rule it was.'),
  above_input_tokens: z.int().min(1).optional().describe('Only for requests with more input than that.'),
  service_tier: plainText.optional().describe('Only where the provider says that it served in this tier, e.g. `flex`.'),
  speed: plainText.optional().describe('Only where the provider says that it worked at this speed, e.g. `fast`.'),
  region: plainText
    .optional()
    .describe('Only where the provider says that it worked in this part of the world, e.g. `us`.'),
  from: instant.optional().describe('Only for requests from then on.'),
  to: instant.optional().describe('Only for requests before then.'),
  ...rates,
})

/** What a model costs. Written in US dollars; in the document nano-dollars per million tokens (`request`: per request). */
export const prices = z.strictObject({
  ...rates,
  rules: z
    .array(rule)
    .max(64)
    .optional()
    .describe('Other prices under conditions; the first rule that applies counts, with all of its prices.'),
})

/** What is known of models, and what happens to those without a price. */
export const catalogue = z
  .strictObject({
    file: plainText
      .optional()
      .describe('A file of models in the form of `data/catalogue.txt`, which comes before the packaged one.'),
    unpriced: z
      .enum(['allow', 'refuse', 'price'])
      .default('allow')
      .describe(
        'A model without a price. `allow`: its requests have no cost, and keys with a USD budget may not use it; `refuse`: 403 `model_unpriced` for all; `price`: it costs `prices`.',
      ),
    prices: prices.optional().describe('What a model without a price of its own costs, with `unpriced: price`.'),
  })
  .refine((value) => value.unpriced !== 'price' || value.prices !== undefined, {
    error: 'prices is missing: `unpriced: price` needs it',
    path: ['prices'],
  })

/** What a model takes; what is absent is as the catalogue has it. */
export const capabilities = z.strictObject({
  context_tokens: z.int().min(1).max(1_000_000_000).optional().describe('Tokens of input and output together.'),
  tools: z.boolean().optional().describe('Whether it calls tools.'),
  streaming: z.boolean().optional().describe('Whether it streams answers; absent: it does.'),
  vision: z.boolean().optional().describe('Whether it takes pictures.'),
  reasoning: z
    .enum(['effort', 'budget', 'adaptive', 'level', 'none'])
    .optional()
    .describe('How its reasoning is asked for; `none`: it has none.'),
  structured_output: z
    .enum(['native', 'tool', 'none'])
    .optional()
    .describe('`native`: it takes a JSON Schema; `tool`: a tool stands in for it; `none`: such requests are refused.'),
  family: z
    .enum(['anthropic', 'openai', 'gemini', 'other'])
    .optional()
    .describe(
      'Whose model it is, where its name does not say: an inference profile of Bedrock, a deployment. Thoughts, their signatures and caches go by it.',
    ),
  refuses: z
    .array(plainText)
    .max(64)
    .optional()
    .describe('Parameters that it does not take, e.g. `temperature`; `on_unsupported` says what happens to them.'),
})
