import * as z from 'zod'
import { keyHash, keyOrigin, keyRotation, keySigns } from './key-facts.ts'
import { BUDGET_PERIODS } from './key-vocabulary.ts'
import { instant, usd } from './scalars.ts'
import { scope } from './scope.ts'
import { plainText } from './texts.ts'

/** Limits are counted in whole microseconds between two requests. */
const MAX_PER_MINUTE = 60_000_000

const pattern = plainText.meta({
  id: 'model-pattern',
  description: 'Name of a model or an alias, or `provider/model`; `*` stands for any text.',
})

const budget = z
  .strictObject({
    tokens: z.int().min(1).optional().describe('Tokens of all kinds together.'),
    usd: usd.optional().describe('US dollars; counts only requests to models that have prices.'),
    per: z.enum(BUDGET_PERIODS).describe('Calendar day or month (UTC), or `total` for the life of the key.'),
  })
  .refine((value) => (value.tokens === undefined) !== (value.usd === undefined), {
    error: 'a budget has exactly one of `tokens` and `usd`',
  })
  .meta({ oneOf: [{ required: ['tokens'] }, { required: ['usd'] }] })

/** A virtual key: who it is, what it may do, and how much. Holds a hash, never the key itself. */
export const key = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
      error: 'an id has 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit',
    })
    .describe('Names the key in records, metrics and the admin API; unique and stable.'),
  name: plainText.optional().describe('For people; absent: the id.'),
  hash: keyHash.describe(
    'Hash of the key, as `ferro hash-key` prints it: `sha256:…`; also `hmac-sha256:…` and `blake2b:…` (BLAKE2b-512).',
  ),
  ...keyRotation,
  enabled: z.boolean().default(true).describe('`false` refuses the key without forgetting it.'),
  expires_at: instant.optional().describe('From then on the key is refused; absent: never.'),
  ...keyOrigin,
  ...keySigns,
  scopes: z.array(scope).default([]).describe('What the key may do; empty: everything on the data plane.'),
  models: z
    .strictObject({
      allow: z.array(pattern).optional().describe('Models that the key may use; absent: all.'),
      deny: z.array(pattern).default([]).describe('Models that the key may not use, even if allowed.'),
    })
    .prefault({})
    .describe('Which models the key may use.'),
  limits: z
    .strictObject({
      requests_per_minute: z
        .int()
        .min(1)
        .max(MAX_PER_MINUTE)
        .optional()
        .describe('Requests per minute; absent: no limit.'),
      burst: z
        .int()
        .min(1)
        .max(MAX_PER_MINUTE)
        .optional()
        .describe('Requests that may come at once; absent: as `requests_per_minute`.'),
    })
    .refine((value) => value.burst === undefined || value.requests_per_minute !== undefined, {
      error: '`burst` needs `requests_per_minute`',
      path: ['burst'],
    })
    .prefault({})
    .describe('How fast the key may ask.'),
  budgets: z
    .array(budget)
    .max(16, { error: 'at most 16 budgets' })
    .prefault([])
    .describe('How much the key may use; every one must hold.'),
})
