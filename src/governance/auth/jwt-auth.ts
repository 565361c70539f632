import { readFileSync } from 'node:fs'
import type { LocalJWKSet } from 'jose'
import type { RouteConfig } from '../../config/index.ts'
import { type Exchange, type Gate, GatewayError, resume, WAIT } from '../../core/index.ts'
import { recall } from './auth-memory.ts'
import { type AuthParts, serverUrl } from './auth-parts.ts'
import { linesOf, readBearer, unauthorized } from './credentials.ts'
import { KeySet } from './key-set.ts'
import { type KeySetSource, keySetFile, keySetServer } from './key-set-source.ts'
import { readKeys, TokenVerifier } from './token-verifier.ts'

type TokenParts = Pick<AuthParts, 'connect' | 'warn' | 'memory'>
export type JwtConfig = NonNullable<NonNullable<RouteConfig['auth']>['jwt']>

type KeySetConfig = Pick<JwtConfig, 'jwks_url' | 'jwks_file'>

const CONNECT_TIMEOUT_MS = 3_000
const MAX_CONNECTIONS = 2

/**
 * JSON web tokens (RFC 7519) of one issuer. The principal is `jwt:<sub>`; the token goes on to the upstream, which may
 * want to read its claims. Throws an Error for a key set that cannot be one.
 */
export function createJwtAuth(config: JwtConfig, parts: TokenParts): Gate {
  const verifier = new TokenVerifier(
    {
      issuer: config.issuer,
      audience: config.audience,
      algorithms: config.algorithms,
      claims: config.claims,
      scopes: config.scopes,
      clockSkewMs: config.clock_skew,
    },
    keySetOf(config, parts),
  )
  const header = config.header.toLowerCase()
  return (x) => {
    const token = presented(x, header)
    if (token instanceof GatewayError) return token
    const known = verifier.known(token, x.time)
    if (known !== null) {
      x.principal = known
      return null
    }
    void verifier.verify(token).then((verdict) => {
      if (verdict instanceof GatewayError) return resume(x, verdict)
      x.principal = verdict
      resume(x, null)
    })
    return WAIT
  }
}

function presented(x: Exchange, header: string): string | GatewayError {
  const [value, second] = linesOf(x.head, header)
  if (value === undefined) return unauthorized('This needs a token.', 'Bearer realm="ferro"')
  const token = header === 'authorization' ? readBearer(value) : value
  if (token !== null && token !== '' && second === undefined) return token
  const where = header === 'authorization' ? 'the header "Authorization: Bearer …"' : `the header ${header}`
  return unauthorized(`This needs one token, in ${where}.`, 'Bearer error="invalid_request"')
}

/** The key set of an issuer, kept beyond the plan. Throws an Error for one that cannot be. */
export function keySetOf(config: KeySetConfig, parts: TokenParts): KeySet<LocalJWKSet> {
  const from = config.jwks_url ?? config.jwks_file ?? ''
  const source = sourceOf(config, parts)
  const onFailure = (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    parts.warn('a key set cannot be had; what was known of it stays in use', { from, reason })
  }
  const keySet = recall(
    parts.memory.keySets,
    from,
    () => new KeySet(source, { parse: readKeys, now: () => performance.now(), onFailure }),
  )
  keySet.source = source
  return keySet
}

function sourceOf(config: KeySetConfig, { connect }: TokenParts): KeySetSource {
  if (config.jwks_file !== undefined) {
    // Read now as well: a name that is mistyped is found when the configuration is loaded.
    readFileSync(config.jwks_file)
    return keySetFile(config.jwks_file)
  }
  const url = serverUrl('auth.jwt.jwks_url', config.jwks_url ?? '')
  const server = { origin: url.origin, connectTimeoutMs: CONNECT_TIMEOUT_MS, maxConnections: MAX_CONNECTIONS }
  return keySetServer(connect(server), url)
}
