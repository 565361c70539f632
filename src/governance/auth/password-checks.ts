import { createHmac, randomBytes } from 'node:crypto'
import { LruMap } from '../../lib/index.ts'
import type { Credentials } from './credentials.ts'
import { checkPassword, type PasswordHash } from './password-hash.ts'

/** Who waits for the result of a check. */
export interface PasswordWaiter {
  /** Nobody is interested any more. */
  readonly gone: boolean
  onChecked(matches: boolean): void
}

interface Check {
  readonly key: string
  readonly credentials: Credentials
  readonly waiters: PasswordWaiter[]
}

/** The machine's pool has four threads, which also read files and resolve names. */
const MAX_RUNNING = 2
/** Different credentials that wait for a thread: some three seconds of work. */
const MAX_QUEUED = 32
/** Requests that wait for one and the same check. */
const MAX_WAITERS = 256
const MAX_KNOWN = 1_024
const KNOWN_MS = 60_000

/**
 * Passwords of one route, checked off the thread, few at a time. What was right is known for a minute; credentials are
 * held as a keyed hash, so that the memory of this process holds none in plain.
 */
export class PasswordChecks {
  readonly #users: ReadonlyMap<string, PasswordHash>
  readonly #hashes: readonly PasswordHash[]
  readonly #secret = randomBytes(32)
  readonly #known = new LruMap<string, number>(MAX_KNOWN)
  /** Running or queued, by the credentials. */
  readonly #checks = new Map<string, Check>()
  readonly #queue: Check[] = []
  #running = 0

  /** Names in NFC. */
  constructor(users: ReadonlyMap<string, PasswordHash>) {
    this.#users = users
    this.#hashes = [...users.values()]
  }

  /** True when these credentials were right within the last minute. */
  isKnown(credentials: Credentials, nowMs: number): boolean {
    const until = this.#known.get(this.#keyOf(credentials))
    return until !== undefined && until > nowMs
  }

  /** Has the credentials checked; false when too many wait already. */
  check(credentials: Credentials, waiter: PasswordWaiter): boolean {
    const key = this.#keyOf(credentials)
    const same = this.#checks.get(key)
    if (same !== undefined) {
      if (same.waiters.length >= MAX_WAITERS) return false
      same.waiters.push(waiter)
      return true
    }
    const check: Check = { key, credentials, waiters: [waiter] }
    if (this.#running < MAX_RUNNING) this.#run(check)
    else if (this.#hasRoom()) this.#queue.push(check)
    else return false
    this.#checks.set(key, check)
    return true
  }

  #hasRoom(): boolean {
    if (this.#queue.length < MAX_QUEUED) return true
    // Those whose clients have left hold no place against others.
    for (const check of this.#queue.splice(0)) {
      if (check.waiters.every(({ gone }) => gone)) this.#checks.delete(check.key)
      else this.#queue.push(check)
    }
    return this.#queue.length < MAX_QUEUED
  }

  #run(check: Check): void {
    this.#running++
    const { name, password } = check.credentials
    const own = this.#users.get(name)
    checkPassword(password, own ?? this.#decoyFor(name), (matches) => this.#done(check, matches && own !== undefined))
  }

  #done(check: Check, matches: boolean): void {
    this.#running--
    this.#checks.delete(check.key)
    if (matches) this.#known.set(check.key, Date.now() + KNOWN_MS)
    let next = this.#queue.shift()
    while (next?.waiters.every(({ gone }) => gone) === true) {
      this.#checks.delete(next.key)
      next = this.#queue.shift()
    }
    if (next !== undefined) this.#run(next)
    for (const waiter of check.waiters) waiter.onChecked(matches)
  }

  /** A user who does not exist takes the time of one who does, and of the same one each time. */
  #decoyFor(name: string): PasswordHash {
    const digest = createHmac('sha256', this.#secret).update(`decoy\0${name}`).digest()
    return this.#hashes[digest.readUInt32LE(0) % this.#hashes.length] as PasswordHash // a route has at least one user
  }

  #keyOf({ name, password }: Credentials): string {
    return createHmac('sha256', this.#secret).update(`${name}\0${password}`).digest('base64')
  }
}
