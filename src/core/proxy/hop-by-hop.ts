import { listHas } from '../http1/grammar.ts'

/**
 * Headers that belong to one connection (RFC 9110, 7.6.1), those that frame a body, and what the gateway answers itself
 * (`Expect`). Never passed on, in either direction.
 */
const OWN = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that a client cannot have taken away by naming them in Connection: they say who it is. */
const NEVER_NAMED = /^(?:authorization|cookie|forwarded|x-forwarded-.*|x-real-ip|x-api-key|api-key)$/

/** True for a header that stays here; `connection` is the message's own Connection value. */
export function isHopByHop(name: string, connection: string | null): boolean {
  if (OWN.has(name)) return true
  if (connection === null || connection === 'keep-alive' || connection === 'close') return false
  return listHas(connection, name) && !NEVER_NAMED.test(name)
}

/** True for a name with `_`, which some servers take for the same with `-`: a twin of a header that was checked. */
export function isTwin(name: string): boolean {
  return name.includes('_')
}
