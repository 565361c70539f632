import * as z from 'zod'
import { allowances } from './allowances.ts'
import { keyHash, keyOrigin, keyRotation, keySigns } from './key-facts.ts'
import { entityId, membership } from './levels.ts'
import { instant } from './scalars.ts'
import { scope } from './scope.ts'
import { plainText } from './texts.ts'

/** A virtual key: who it is, what it may do, and how much. Holds a hash, never the key itself. */
export const key = z.strictObject({
  id: entityId.describe('Names the key in records, metrics and the admin API; unique and stable.'),
  name: plainText.optional().describe('For people; absent: the id.'),
  hash: keyHash.describe(
    'Hash of the key, as `ferro hash-key` prints it: `sha256:…`; also `hmac-sha256:…` and `blake2b:…` (BLAKE2b-512).',
  ),
  ...keyRotation,
  enabled: z.boolean().default(true).describe('`false` refuses the key without forgetting it.'),
  expires_at: instant.optional().describe('From then on the key is refused; absent: never.'),
  ...keyOrigin,
  ...keySigns,
  ...membership,
  scopes: z.array(scope).default([]).describe('What the key may do; empty: everything on the data plane.'),
  ...allowances,
})
