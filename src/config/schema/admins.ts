/** People and programs that may use the admin API, beside the holder of the admin token, and how far. */
import * as z from 'zod'
import { ADMIN_SCOPES } from './admin-scopes.ts'
import { timeZone } from './amounts.ts'
import { keyHash } from './key-facts.ts'
import { BUDGET_PERIODS } from './key-vocabulary.ts'
import { entityId } from './levels.ts'
import { instant, usd } from './scalars.ts'
import { scope } from './scope.ts'
import { plainText } from './texts.ts'

/** The most that a key may have of a limit; whoever has none has more. */
const most = z.int().min(1).max(86_400_000_000).optional().describe('The highest that a key may have; absent: any.')

const grantedBudget = z
  .strictObject({
    tokens: z.int().min(1).optional().describe('Tokens of all kinds together.'),
    usd: usd.optional().describe('US dollars.'),
    per: z.enum(BUDGET_PERIODS).describe('Period of the budget.'),
    time_zone: timeZone.optional().describe('Whose midnight begins a period; absent: UTC.'),
  })
  .refine((value) => (value.tokens === undefined) !== (value.usd === undefined), {
    error: 'a budget has exactly one of `tokens` and `usd`',
  })

const names = (what: string) => z.array(plainText).max(256).optional().describe(what)

/** One admin. */
export const admin = z.strictObject({
  id: entityId.describe('Names the admin in logs; unique.'),
  name: plainText.optional().describe('For people; absent: the id.'),
  hash: keyHash.describe('Hash of its token, as `ferro hash-key` prints it.'),
  enabled: z.boolean().default(true).describe('`false` refuses it without forgetting it.'),
  expires_at: instant.optional().describe('From then on it is refused; it makes no key that lives longer.'),
  scopes: z.array(z.enum(ADMIN_SCOPES)).prefault([]).describe('What it may do; nothing by default.'),
  within: z
    .strictObject({
      organization: entityId.optional().describe('Id of the organisation.'),
      team: entityId.optional().describe('Id of the team.'),
      project: entityId.optional().describe('Id of the project.'),
      user: entityId.optional().describe('Id of the user.'),
    })
    .refine((value) => Object.values(value).filter((id) => id !== undefined).length === 1, {
      error: 'exactly one of `organization`, `team`, `project`, `user`',
    })
    .optional()
    .describe('It sees and makes keys of this level and levels below it alone, and nothing else; absent: all.'),
  grants: z
    .strictObject({
      scopes: z.array(scope).optional().describe('Scopes; a key must then name its own, all of them among these.'),
      models: names('Patterns of models; a key must then have an allow list within them.'),
      tags: names('Tags, `*` for any text; a key may have these alone.'),
      limits: z
        .strictObject({
          requests_per_second: most,
          requests_per_minute: most,
          requests_per_day: most,
          burst: most,
          tokens_per_minute: most,
          concurrency: most,
        })
        .prefault({})
        .describe('Limits that every key must have, these or lower ones.'),
      budgets: z
        .array(grantedBudget)
        .max(16)
        .prefault([])
        .describe('Budgets that every key must have, these or smaller ones.'),
      keys: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe('How many keys that it made may be in use at a time; absent: any number.'),
      level_budgets: z
        .array(grantedBudget)
        .max(16)
        .prefault([])
        .describe('Budgets that a level of every key must have which it cannot change, these or smaller ones.'),
    })
    .prefault({})
    .describe('The most that keys may have which it makes or rotates.'),
})
