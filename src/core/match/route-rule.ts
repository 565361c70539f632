/** A rule as the configuration has it: under which conditions a request takes a route. */
import type { EncodedSlashRule, MarkRule } from './canonical-path.ts'
import type { CertificateRule } from './certificate-match.ts'
import type { PathPattern } from './path-pattern.ts'
import type { NamedCondition } from './value-match.ts'

/** What must hold, all of it. What is not named is open; of a list one is enough, except for `headers` and `query`. */
export interface RouteMatchRule {
  /** Names of listeners. */
  readonly listeners?: readonly string[]
  /** `example.com`, `*.example.com`, `[::1]`. */
  readonly hosts?: readonly string[]
  readonly paths?: readonly PathPattern[]
  /** As they stand: `GET` does not take `HEAD`. */
  readonly methods?: readonly string[]
  /** All of them must hold. */
  readonly headers?: readonly NamedCondition[]
  /** All of them must hold. */
  readonly query?: readonly NamedCondition[]
  /** Addresses and networks of clients. */
  readonly addresses?: readonly string[]
  /** What the client has proved to be by its connection. */
  readonly certificate?: 'present' | 'absent' | CertificateRule
}

export interface RouteRule<R> {
  /** Its name in messages; no two rules have the same. */
  readonly id: string
  readonly match: RouteMatchRule
  /** Above all other orders, higher first; 0 when it is not named. */
  readonly priority?: number
  /** Whether its paths may have `%2F`; `refuse` when it is not named. */
  readonly encodedSlash?: EncodedSlashRule
  /** Whether its paths may have `;`; `refuse` when it is not named. */
  readonly semicolon?: MarkRule
  /** Whether its paths may have `%25`; `refuse` when it is not named. */
  readonly encodedPercent?: MarkRule
  readonly route: R
}

/** What is wrong with a rule, and what to do. */
export interface RuleProblem {
  /** Position of the rule in the list. */
  readonly index: number
  readonly id: string
  /** The part of `match` that it is about, or `id`, or `match` as a whole. */
  readonly field: keyof RouteMatchRule | 'id' | 'match' | 'priority'
  /** Position in the list that `field` is, when one of its items is meant. */
  readonly item?: number
  readonly message: string
}
