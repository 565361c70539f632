import type { IdentityConfig } from '../../config/index.ts'
import { type Exchange, GatewayError, resume, WAIT } from '../../core/index.ts'
import type { AuthParts } from './auth-parts.ts'
import { factsOfClaims } from './claim-map.ts'
import { keySetOf } from './jwt-auth.ts'
import { type OutsideRules, outsidePrincipal } from './outside-principal.ts'
import type { PrincipalSource } from './principal-source.ts'
import { TokenVerifier } from './token-verifier.ts'

type TokenParts = Pick<AuthParts, 'connect' | 'warn' | 'memory'>
type RulesFor = (unknownLevels: 'refuse' | 'record') => OutsideRules

interface Issuer {
  readonly name: string
  readonly verifier: TokenVerifier
}

/** Tokens that stand in the place of keys; null when no issuer is configured. */
export function createTokenPrincipals(
  { jwt }: Pick<IdentityConfig, 'jwt'>,
  parts: TokenParts,
  rulesFor: RulesFor,
): PrincipalSource | null {
  return jwt.length === 0 ? null : new TokenPrincipals(jwt.map((config) => issuerOf(config, parts, rulesFor)))
}

function issuerOf(config: IdentityConfig['jwt'][number], parts: TokenParts, rulesFor: RulesFor): Issuer {
  const { issuer, audience, algorithms, claims, clock_skew: clockSkewMs, unknown_levels: unknown } = config
  const rules = rulesFor(unknown)
  const principal = (payload: Parameters<typeof factsOfClaims>[0]) => {
    const facts = factsOfClaims(payload, config)
    return (
      (facts === null ? null : outsidePrincipal(facts, rules)) ??
      refused('The claims of the token say nothing that can be used here.')
    )
  }
  const structure = () => rules.levels.structure
  const tokenRules = { issuer, audience, algorithms, claims, clockSkewMs, principal, structure }
  return { name: issuer, verifier: new TokenVerifier(tokenRules, keySetOf(config, parts)) }
}

class TokenPrincipals implements PrincipalSource {
  readonly #issuers: readonly Issuer[]

  constructor(issuers: readonly Issuer[]) {
    this.#issuers = issuers
  }

  identify(x: Exchange, token: string): ReturnType<PrincipalSource['identify']> {
    for (const { verifier } of this.#issuers) {
      const known = verifier.known(token, x.time)
      if (known === null) continue
      x.principal = known
      return 'identified'
    }
    const name = issuerIn(token)
    // Several audiences of one issuer are several entries.
    const issuers = this.#issuers.filter((issuer) => issuer.name === name)
    if (name === null || issuers.length === 0) return null
    void verifyWith(issuers, token).then((verdict) => {
      if (verdict instanceof GatewayError) return resume(x, verdict.status === 401 ? refused(verdict.message) : verdict)
      x.principal = verdict
      resume(x, null)
    })
    return WAIT
  }
}

async function verifyWith([first, ...more]: readonly Issuer[], token: string): ReturnType<TokenVerifier['verify']> {
  if (first === undefined) throw new Error('there is an issuer')
  const verdict = await first.verifier.verify(token)
  return verdict instanceof GatewayError && more.length > 0 ? await verifyWith(more, token) : verdict
}

const MAX_TOKEN_CHARS = 16_384
const COMPACT = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/

/** Who says to have made a token; nothing is verified. Null for what is none. */
function issuerIn(token: string): string | null {
  if (token.length > MAX_TOKEN_CHARS) return null
  const claims = COMPACT.exec(token)?.[1]
  if (claims === undefined) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))
    if (typeof value !== 'object' || value === null || !('iss' in value)) return null
    return typeof value.iss === 'string' ? value.iss : null
  } catch {
    return null // no token
  }
}

function refused(message: string): GatewayError {
  return new GatewayError('invalid_api_key', message, { authenticate: 'Bearer error="invalid_token"' })
}
