import { hash } from 'node:crypto'
import type { JSONWebKeySet, JWTPayload, JWTVerifyOptions, LocalJWKSet } from 'jose'
import { GatewayError, type Principal } from '../../core/index.ts'
import { LruMap } from '../../lib/index.ts'
import { unauthorized, undecided } from './credentials.ts'
import type { KeySet, KeySetState } from './key-set.ts'

/** What a token must be. */
export interface TokenRules {
  readonly issuer: string
  readonly audience: readonly string[]
  /** Never `none`, and none with a shared secret: a public key is no secret. */
  readonly algorithms: readonly string[]
  /** Each is this text, or a list with it. */
  readonly claims: Readonly<Record<string, string>>
  /** All of them must be in `scope` or `scp`; absent: none. */
  readonly scopes?: readonly string[]
  readonly clockSkewMs: number
  /** Makes the principal of a token that is as it must be; absent: `jwt:<sub>` and no more. */
  readonly principal?: (payload: JWTPayload) => Principal | GatewayError
  /** Counts what principals are made by: those of another number are made anew. Absent: that does not change. */
  readonly structure?: () => number
}

const MAX_TOKEN_CHARS = 16_384
const MAX_SUBJECT_CHARS = 256
const MAX_KNOWN = 4_096
const MAX_RUNNING = 256
const MAX_KEYS = 256
/** Of the keys that fit a token without a `kid`, so many are tried: each is a signature to verify. */
const MAX_TRIED = 8
/** Three parts of base64url, the compact form of a signature (RFC 7515, 7.1). */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

interface Known {
  readonly principal: Principal
  readonly untilMs: number
}

/** Tokens of one issuer. What was verified is known until it expires, as long as the key set is the same. */
export class TokenVerifier {
  readonly #rules: TokenRules
  readonly #keySet: KeySet<LocalJWKSet>
  /** By hash: a token is a credential. */
  readonly #known = new LruMap<string, Known>(MAX_KNOWN)
  #knownBy: KeySetState<LocalJWKSet> | null = null
  #running = 0
  #structure = 0

  constructor(rules: TokenRules, keySet: KeySet<LocalJWKSet>) {
    this.#rules = rules
    this.#keySet = keySet
  }

  /** Who a token speaks for, when it was verified before; else null. */
  known(token: string, nowMs: number): Principal | null {
    if (token.length > MAX_TOKEN_CHARS) return null
    const state = this.#keySet.glance()
    const structure = this.#rules.structure?.() ?? 0
    if (state !== this.#knownBy || structure !== this.#structure) this.#forget(state)
    this.#structure = structure
    const known = this.#known.get(hash('sha256', token, 'base64'))
    return known === undefined || known.untilMs <= nowMs ? null : known.principal
  }

  /** Who a token speaks for, or why nobody. Never rejects. */
  async verify(token: string): Promise<Principal | GatewayError> {
    if (token.length > MAX_TOKEN_CHARS || !COMPACT.test(token)) return invalid()
    if (this.#running >= MAX_RUNNING) {
      return new GatewayError('saturated', 'Too many tokens are being verified; try again soon.', {
        retryAfterSeconds: 1,
      })
    }
    this.#running++
    try {
      return await this.#verify(token)
    } catch (error) {
      return undecided('The keys that tokens are signed with cannot be had; try again soon.', error)
    } finally {
      this.#running--
    }
  }

  async #verify(token: string): Promise<Principal | GatewayError> {
    const state = await this.#keySet.current()
    const verdict = await this.#verifyWith(state, token)
    if (verdict !== 'unknown key') return verdict
    const other = await this.#keySet.other(state)
    const second = other === null ? verdict : await this.#verifyWith(other, token)
    return second === 'unknown key' ? invalid() : second
  }

  async #verifyWith(state: KeySetState<LocalJWKSet>, token: string): Promise<Principal | GatewayError | 'unknown key'> {
    const { issuer, audience, algorithms, clockSkewMs } = this.#rules
    const options = {
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      clockTolerance: clockSkewMs / 1_000,
      requiredClaims: ['exp', 'sub'],
    }
    let payload: JWTPayload
    try {
      payload = await payloadOf(token, state.keys, options)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ERR_JWKS_NO_MATCHING_KEY') return 'unknown key'
      return code === 'ERR_JWT_EXPIRED' ? invalid('The token has expired; get a new one.') : invalid()
    }
    return this.#principalOf(payload, token, state)
  }

  #principalOf(payload: JWTPayload, token: string, state: KeySetState<LocalJWKSet>): Principal | GatewayError {
    const { sub, exp } = payload
    if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_CHARS || exp === undefined) return invalid()
    for (const [name, expected] of Object.entries(this.#rules.claims)) {
      const value = Object.hasOwn(payload, name) ? payload[name] : undefined
      if (value !== expected && !(Array.isArray(value) && value.includes(expected))) return invalid()
    }
    const { scopes = [] } = this.#rules
    const granted = scopes.length === 0 ? [] : scopesOf(payload)
    if (!scopes.every((scope) => granted.includes(scope))) return outOfScope(scopes)
    const principal = this.#rules.principal?.(payload) ?? { id: `jwt:${sub}` }
    if (principal instanceof GatewayError) return principal
    if (state !== this.#knownBy) this.#forget(state)
    this.#known.set(hash('sha256', token, 'base64'), { principal, untilMs: exp * 1_000 + this.#rules.clockSkewMs })
    return principal
  }

  /** A key may have been withdrawn: what was verified with the old set is verified again. */
  #forget(state: KeySetState<LocalJWKSet> | null): void {
    this.#known.clear()
    this.#knownBy = state
  }
}

/** Makes verification keys of a key set's text (RFC 7517); rejects when it is none. */
export async function readKeys(text: string): Promise<LocalJWKSet> {
  const { createLocalJWKSet } = await import('jose')
  const set = JSON.parse(text) as JSONWebKeySet // createLocalJWKSet throws for every other value
  const keys = createLocalJWKSet(set)
  if (set.keys.length > MAX_KEYS) throw new Error(`the key set has over ${MAX_KEYS} keys`)
  return keys
}

/** What a token says, by the key that it names; by whichever of several has signed it when it names none. */
async function payloadOf(token: string, keys: LocalJWKSet, options: JWTVerifyOptions): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose')
  try {
    return (await jwtVerify(token, keys, options)).payload
  } catch (error) {
    if (!isAmbiguous(error)) throw error
    let tried = 0
    for await (const key of error) {
      if (tried++ === MAX_TRIED) break
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (failure) {
        if (codeOf(failure) !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw failure
      }
    }
    throw error
  }
}

/** Several keys of the set fit a token: the error gives them one after the other. */
function isAmbiguous(error: unknown): error is AsyncIterable<CryptoKey> {
  return codeOf(error) === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}

/** `scope` is a text with spaces (RFC 8693, 4.2), and `scp` that or a list, as issuers have it. */
function scopesOf({ scope, scp }: JWTPayload): readonly unknown[] {
  const said = scope ?? scp
  if (typeof said === 'string') return said.split(' ')
  return Array.isArray(said) ? said : []
}

function outOfScope(scopes: readonly string[]): GatewayError {
  const needed = scopes.join(' ')
  return new GatewayError('insufficient_scope', `The token does not have all scopes that this needs: ${needed}.`, {
    authenticate: `Bearer error="insufficient_scope", scope="${needed}"`,
  })
}

function invalid(message = 'The token is not valid here.'): GatewayError {
  return unauthorized(message, 'Bearer error="invalid_token"')
}
