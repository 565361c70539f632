import { isIPv6 } from 'node:net'
import { LruMap } from '../lib/index.ts'
import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'

const WINDOW_MS = 60_000
const MAX_FAILURES = 5
/** Addresses whose failures are remembered; beyond it the one that was quiet for longest is forgotten. */
const MAX_ADDRESSES = 4096
const BEARER = /^bearer +([\x21-\x7e]{1,512}) *$/i

export interface AdminGuardOptions {
  /** Who has this token, in a time that does not depend on it; null: nobody. */
  readonly adminOf: (token: string) => Admin | null
  /** Milliseconds of any steady clock. */
  readonly nowMs: () => number
}

/**
 * Lets the admin token in, always: it has 256 random bits, so that nobody guesses it, and who shares an address with the
 * operator (another account, a container) must not lock him out. After five wrong tokens within a minute the next ones of
 * that address are answered with the time to wait, so that a program with an old token notices.
 */
export class AdminGuard {
  readonly #options: AdminGuardOptions
  readonly #failures = new LruMap<string, readonly number[]>(MAX_ADDRESSES)

  constructor(options: AdminGuardOptions) {
    this.#options = options
  }

  /** Who asks. Throws ControlError `invalid_admin_token` or `too_many_failures`; the former is the same whatever is wrong. */
  check(authorization: string | undefined, address: string): Admin {
    const token = BEARER.exec(authorization ?? '')?.[1]
    const admin = token === undefined ? null : this.#options.adminOf(token)
    if (admin !== null) return admin
    const source = sourceOf(address)
    const nowMs = this.#options.nowMs()
    const recent = (this.#failures.get(source) ?? []).filter((failedMs) => nowMs - failedMs < WINDOW_MS)
    const [oldest] = recent
    if (oldest !== undefined && recent.length >= MAX_FAILURES) throw tooMany(WINDOW_MS - (nowMs - oldest))
    // Who sends nothing guesses nothing: a probe or a browser must not lock the operator out.
    if (authorization !== undefined) this.#failures.set(source, [...recent, nowMs])
    throw new ControlError(
      'invalid_admin_token',
      'This needs the admin token: `Authorization: Bearer <token>`. It is in the file admin-token of the data directory.',
      { headers: { 'www-authenticate': 'Bearer realm="ferro admin"' } },
    )
  }
}

function tooMany(waitMs: number): ControlError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const message = `Too many wrong admin tokens came from this address. Try again in ${seconds} s.`
  return new ControlError('too_many_failures', message, { headers: { 'retry-after': String(seconds) } })
}

/** One source has one address in IPv4, and usually a whole /64 network in IPv6 (RFC 6177). */
function sourceOf(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '')
  while (groups.length + after.length < 8) groups.push('0')
  return [...groups, ...after].slice(0, 4).join(':')
}
