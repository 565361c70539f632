/** Who may call beside the holders of virtual keys. */
import * as z from 'zod'
import { entityId } from './levels.ts'
import { duration, positiveDuration } from './scalars.ts'
import { scope } from './scope.ts'
import { plainText, referenceText } from './texts.ts'
import { hasOneKeySet, ONE_KEY_SET, tokenClaims, tokenIssuer } from './tokens.ts'

const claim = (what: string) =>
  plainText.optional().describe(`Claim with ${what}: its name, or a path with dots; absent: none.`)

const unknownLevels = z
  .enum(['refuse', 'record'])
  .default('refuse')
  .describe('Levels that this file does not describe: `refuse` such requests, or only `record` the names.')

const grantedScopes = z
  .array(z.union([scope, z.literal('*')]))
  .prefault([])
  .describe('Scopes that all of them hold beside those that they bring; `*`: every one. Nobody holds any by default.')

const tokenPrincipals = z
  .strictObject({
    id: entityId
      .optional()
      .describe('Names the issuer in its principals, `jwt:<id>:<sub>`; required where there are several issuers.'),
    ...tokenIssuer,
    ...tokenClaims,
    map: z
      .strictObject({
        organization: claim('the id of the organisation'),
        team: claim('the id of the team'),
        project: claim('the id of the project'),
        user: claim('the id of the user'),
        scopes: claim('scopes, as a list or a text with spaces'),
        models: claim('patterns of models that may be used; a token without the claim may use none'),
        tags: claim('tags, as a list'),
      })
      .prefault({})
      .describe('Which claims say where the principal belongs and what it may do.'),
    scopes: grantedScopes,
    unknown_levels: unknownLevels,
  })
  .refine(hasOneKeySet, ONE_KEY_SET)

const service = z.strictObject({
  endpoint: plainText.describe('Address of the service, such as `http://127.0.0.1:8090`.'),
  token: referenceText.optional().describe('Sent as a bearer with every question, where the service asks for it.'),
  timeout: positiveDuration.prefault('500ms').describe('How long an answer may take; then the request is refused.'),
  retries: z.int().min(0).max(5).prefault(0).describe('How often a question is repeated that had no answer.'),
  backoff: duration.prefault('50ms').describe('Time before it is repeated.'),
  cache: duration.prefault('30s').describe('How long an answer is used again; `0s`: never.'),
  cache_unknown: duration.prefault('5s').describe('The same for keys that the service does not know.'),
  scopes: grantedScopes,
  unknown_levels: unknownLevels,
  authorize: z.boolean().default(true).describe('Whether every use of a model is asked for: `model:<name>`.'),
})

/** Principals that this file does not name one by one. */
export const identity = z.strictObject({
  jwt: z
    .array(tokenPrincipals)
    .max(32)
    .prefault([])
    .refine(isOneIssuerEach, {
      error: 'with several issuers each entry needs an `id`, and entries with the same `id` the same `issuer`',
    })
    .describe('JSON web tokens (RFC 7519) in the place of keys.'),
  service: service.optional().describe('A service that knows keys and what they may do (`ferro auth serve`).'),
})

/** Whether one `sub` of two issuers is never the same principal. */
function isOneIssuerEach(entries: readonly { readonly id?: string | undefined; readonly issuer: string }[]): boolean {
  const issuers = new Map<string | undefined, string>()
  for (const { id, issuer } of entries) {
    if ((issuers.get(id) ?? issuer) !== issuer) return false
    issuers.set(id, issuer)
  }
  // Without an id a subject may read like one of an issuer with an id.
  return !issuers.has(undefined) || issuers.size === 1
}
