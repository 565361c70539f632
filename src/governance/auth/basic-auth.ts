import type { RouteConfig } from '../../config/index.ts'
import { type Exchange, type Gate, GatewayError, type HeaderOverlay, resume, WAIT } from '../../core/index.ts'
import { recall } from './auth-memory.ts'
import type { AuthParts } from './auth-parts.ts'
import { linesOf, readBasic, unauthorized } from './credentials.ts'
import { PasswordChecks } from './password-checks.ts'
import { parsePasswordHash } from './password-hash.ts'

export type BasicConfig = NonNullable<NonNullable<RouteConfig['auth']>['basic']>

/** The password is ours: no upstream has a use for it. */
const OVERLAY: HeaderOverlay = { removed: new Set(['authorization']), set: [] }

/** User name and password (RFC 7617). The principal is `basic:<user>`. Throws a RangeError for a hash that is none. */
export function createBasicAuth({ realm, users }: BasicConfig, { memory }: Pick<AuthParts, 'memory'>): Gate {
  const checks = recall(
    memory.passwords,
    JSON.stringify(users),
    () =>
      new PasswordChecks(
        new Map(Object.entries(users).map(([name, hash]) => [name.normalize('NFC'), parsePasswordHash(hash)])),
      ),
  )
  const challenge = `Basic realm="${quotable(realm)}", charset="UTF-8"`
  const refused = () => unauthorized('The user name or the password is not right.', challenge)
  return (x) => {
    const [value, second] = linesOf(x.head, 'authorization')
    if (value === undefined) return unauthorized('This needs a user name and a password.', challenge)
    const credentials = second === undefined ? readBasic(value) : null
    if (credentials === null) return refused()
    const known = () => {
      x.principal = { id: `basic:${credentials.name}` }
      x.overlay = OVERLAY
    }
    if (checks.isKnown(credentials, x.time)) {
      known()
      return null
    }
    const waiter = new Waiter(x, (matches) => {
      if (matches) known()
      resume(x, matches ? null : refused())
    })
    if (checks.check(credentials, waiter)) return WAIT
    const message = 'Too many passwords are being checked; try again soon.'
    return new GatewayError('saturated', message, { retryAfterSeconds: 1 })
  }
}

class Waiter {
  readonly #x: Exchange
  readonly onChecked: (matches: boolean) => void

  constructor(x: Exchange, onChecked: (matches: boolean) => void) {
    this.#x = x
    this.onChecked = onChecked
  }

  get gone(): boolean {
    return this.#x.settled
  }
}

/** Within a quoted string (RFC 9110, 5.6.4) that every client reads alike. */
function quotable(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').replaceAll(/["\\]/g, '\\$&')
}
