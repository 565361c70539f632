/** Levels above keys: what is said on one of them counts for every request of the keys in it. */
import * as z from 'zod'
import { allowances } from './allowances.ts'
import { keySigns } from './key-facts.ts'
import { plainText } from './texts.ts'

/** The id of a key or a level. */
export const entityId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
  error: 'an id has 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit',
})

const level = z.strictObject({
  id: entityId.describe('Names it in keys, records and metrics; unique among its kind, and stable.'),
  name: plainText.optional().describe('For people; absent: the id.'),
  enabled: z.boolean().default(true).describe('`false` refuses every request of its keys.'),
  ...keySigns,
  ...allowances,
})

const organizationOf = entityId.optional().describe('The organisation that it belongs to.')

/** An organisation. */
export const organization = level
/** A team; it may belong to an organisation. */
export const team = level.extend({ organization: organizationOf })
/** A project; it may belong to a team, and so to the team's organisation, or to an organisation. */
export const project = level.extend({
  team: entityId.optional().describe('The team that it belongs to.'),
  organization: organizationOf,
})
/** A person or program that holds keys; it may belong to an organisation. */
export const user = level.extend({ organization: organizationOf })

/** What counts for all keys together. */
export const gatewayLevel = z.strictObject(allowances)

/** Where a key belongs. */
export const membership = {
  organization: entityId.optional().describe('Organisation that the key belongs to.'),
  team: entityId.optional().describe("Team that the key belongs to, and with it the team's organisation."),
  project: entityId
    .optional()
    .describe("Project that the key belongs to, and with it the project's team and organisation."),
  user: entityId.optional().describe('User who holds the key.'),
}
