import { GatewayError, type RequestHead } from '../../core/index.ts'

/** A user name and a password as a client sends them (RFC 7617). */
export interface Credentials {
  readonly name: string
  readonly password: string
}

const MAX_NAME_CHARS = 128
const MAX_PASSWORD_CHARS = 1_024
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i
const BEARER = /^bearer +(\S+)$/i
const CONTROL = /\p{Cc}/u
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The values of all lines of a header. Of two credentials one would be checked and the other might be used. */
export function linesOf(head: RequestHead, name: string): string[] {
  return head.values.filter((_, at) => head.names[at] === name)
}

/** Reads the value of an `Authorization` header; null for what is no such credential. */
export function readBasic(value: string): Credentials | null {
  const encoded = BASIC.exec(value)?.[1]
  if (encoded === undefined) return null
  const bytes = Buffer.from(encoded, 'base64')
  // What a lax reader takes and another does not is nobody's password.
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return null
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return null // not UTF-8, which the challenge asks for
  }
  const colon = text.indexOf(':')
  if (colon < 0 || CONTROL.test(text)) return null
  const name = text.slice(0, colon).normalize('NFC')
  const password = text.slice(colon + 1).normalize('NFC')
  if (name.length > MAX_NAME_CHARS || password.length > MAX_PASSWORD_CHARS) return null
  return { name, password }
}

/** The token of an `Authorization: Bearer …` header; null for what is none. */
export function readBearer(value: string): string | null {
  return BEARER.exec(value)?.[1] ?? null
}

/** 401 with a challenge. */
export function unauthorized(message: string, authenticate: string): GatewayError {
  return new GatewayError('unauthorized', message, { authenticate })
}

/** 503: who decides cannot be asked, or has too much to do. Nobody is let in meanwhile. */
export function undecided(message: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream_unavailable', message, { retryAfterSeconds: 1, cause })
}
