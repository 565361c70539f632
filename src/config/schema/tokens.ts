/** JSON web tokens (RFC 7519) of other issuers: what they must be. */
import * as z from 'zod'
import { listOf } from './lists.ts'
import { duration } from './scalars.ts'
import { plainText } from './texts.ts'

/** Who has signed them. */
export const tokenIssuer = {
  issuer: plainText.describe('What `iss` must be.'),
  audience: listOf(plainText).describe('One of them must be in `aud`.'),
  jwks_url: plainText.optional().describe('Where the key set is; fetched, cached, bounded.'),
  jwks_file: plainText.optional().describe('A file with the key set.'),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
    .min(1)
    .prefault(['RS256', 'ES256', 'EdDSA'])
    .describe('Signatures that are taken; never `none`, never a shared secret.'),
}

/** What else they must say. */
export const tokenClaims = {
  claims: z
    .record(plainText, plainText)
    .prefault({})
    .describe('Claims that must be exactly this text, or a list with it.'),
  clock_skew: duration.prefault('30s').describe('Tolerance of `exp` and `nbf`.'),
}

/** The scopes of OAuth (RFC 6749, 3.3) that it must have. */
export const tokenScopes = z
  .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, { error: 'a scope has no space and no quote' }))
  .max(32)
  .prefault([])
  .describe('Scopes that a token needs, all, in its `scope` or `scp`.')

interface KeySets {
  readonly jwks_url?: string | undefined
  readonly jwks_file?: string | undefined
}

export function hasOneKeySet({ jwks_url: url, jwks_file: file }: KeySets): boolean {
  return (url === undefined) !== (file === undefined)
}

export const ONE_KEY_SET = { error: 'exactly one of `jwks_url` and `jwks_file`' }
