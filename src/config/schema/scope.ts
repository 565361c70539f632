import * as z from 'zod'
import { isScope, OWN_SCOPE, SCOPES } from './key-vocabulary.ts'

/** One of the gateway's scopes, or one that people made up. */
export const scope = z
  .string()
  .superRefine((text, context) => {
    if (!isScope(text)) context.addIssue({ code: 'invalid_value', values: [...SCOPES], input: text })
  })
  .meta({
    id: 'scope',
    description:
      'One of the gateway, such as `chat.completions`, or one of your own for routes, with a colon: `orders:read`.',
    anyOf: [{ enum: [...SCOPES] }, { pattern: OWN_SCOPE.source }],
  })
