/** What keys and levels alike may say: which models, how fast, how much. */
import * as z from 'zod'
import { amounts } from './amounts.ts'
import { rule } from './rules.ts'
import { plainText } from './texts.ts'

const pattern = plainText.meta({
  id: 'model-pattern',
  description: 'Name of a model or an alias, or `provider/model`; `*` stands for any text.',
})

/** The fields `models`, `limits`, `budgets` and `rules` of whoever asks. */
export const allowances = {
  models: z
    .strictObject({
      allow: z.array(pattern).optional().describe('Models that may be used; absent: all.'),
      deny: z.array(pattern).default([]).describe('Models that may not be used, even if allowed.'),
    })
    .prefault({})
    .describe('Which models may be used.'),
  ...amounts,
  rules: z
    .array(rule)
    .max(32, { error: 'at most 32 rules' })
    .prefault([])
    .describe('Limits and budgets for each value of something that a request says; every one that fits must hold.'),
}
