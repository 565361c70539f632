import { type Exchange, type Gate, GatewayError } from '../core/index.ts'
import type { PrincipalSource } from './auth/principal-source.ts'
import { addressRefusal } from './key-addresses.ts'
import type { KeyPrincipal } from './key-principal.ts'
import { type KeyTable, MAX_SECRET_BYTES } from './key-table.ts'
import { queryKeys } from './query-key.ts'

const BEARER = /^bearer +/i
/** Browsers can set no header on a WebSocket: clients of realtime sessions offer their key as a subprotocol. */
const SUBPROTOCOL = /(?:^|[,\s])[a-z]+-insecure-api-key\.([^,\s]+)/

export interface IdentifyOptions {
  /** Where clients are known to say their key in the query, which only surfaces that forward no query as it came may allow. */
  readonly query?: boolean
  /** Who knows holders of credentials that are no keys of this gateway; the first that takes one decides. */
  readonly others?: readonly PrincipalSource[]
}

/**
 * Identifies the caller by its virtual key: bearer, `x-api-key`, `api-key` or `x-goog-api-key`. Several that agree are
 * taken; two that disagree are refused, since one of them would be checked and the other might be used.
 */
export function createIdentify(keys: KeyTable, { query = false, others = [] }: IdentifyOptions = {}): Gate {
  return (x) => {
    const secret = presentedSecret(x, query ? queryKeys(x.path, x.query) : [])
    if (secret instanceof GatewayError) return secret
    if (secret === null) {
      const message = 'No API key was sent. Send it as "Authorization: Bearer <key>" or in x-api-key.'
      return new GatewayError('missing_api_key', message)
    }
    const principal = secret.length > MAX_SECRET_BYTES ? null : keys.find(secret)
    if (principal === null) {
      for (const other of others) {
        const verdict = other.identify(x, secret)
        if (verdict !== null) return verdict === 'identified' ? null : verdict
      }
    }
    if (principal === null || !principal.enabled || principal.expiresAt <= x.time) {
      // One answer for unknown, disabled and expired keys: who holds none learns nothing.
      return new GatewayError('invalid_api_key', 'The API key is not valid. It may be mistyped, expired or revoked.')
    }
    x.principal = principal
    return addressRefusal(x, principal.mayComeFrom)
  }
}

/** The exchange's principal; only for hooks that run after `identify`. */
export function principalOf(x: Exchange): KeyPrincipal {
  return x.principal as KeyPrincipal // set by createIdentify's hook, the only one on the routes of such hooks
}

function presentedSecret(x: Exchange, said: readonly string[]): string | GatewayError | null {
  const { names, values } = x.head
  let secret: string | null = said[0] ?? null
  if (secret === '') return new GatewayError('missing_api_key', 'The parameter "key" has no key in it.')
  if (said.some((each) => each !== secret)) return twoKeys()
  for (let at = 0; at < names.length; at++) {
    let value: string
    switch (names[at]) {
      case 'authorization': {
        const text = values[at] as string // same length as names
        if (text.startsWith('Bearer ')) value = text.slice('Bearer '.length)
        else if (BEARER.test(text)) value = text.replace(BEARER, '')
        else return new GatewayError('invalid_api_key', 'The Authorization header must be "Bearer <key>".')
        break
      }
      case 'x-api-key':
      case 'api-key':
      case 'x-goog-api-key':
        value = values[at] as string // as above
        break
      case 'sec-websocket-protocol': {
        const offered = SUBPROTOCOL.exec(values[at] as string)?.[1] // as above
        if (offered === undefined) continue
        value = offered
        break
      }
      default:
        continue
    }
    value = value.trim()
    if (value === '') return new GatewayError('missing_api_key', `The ${names[at]} header has no key in it.`)
    if (secret !== null && secret !== value) return twoKeys()
    secret = value
  }
  return secret
}

function twoKeys(): GatewayError {
  return new GatewayError('invalid_api_key', 'The request carries two different API keys; send one.')
}
