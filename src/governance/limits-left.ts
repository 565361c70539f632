import type { Exchange } from '../core/index.ts'
import type { CounterDesk, LimitLeft, LimitsLeft } from './counter-desk.ts'
import { KeyPrincipal } from './key-principal.ts'
import { Reservation } from './reservation.ts'

/** What is left of the limits that a request is counted by, of requests and of tokens the tightest; null: it has none. */
export function limitsLeft({ principal, reservation }: Exchange, desk: CounterDesk): LimitsLeft | null {
  if (!(principal instanceof KeyPrincipal)) return null
  const { rates, tokenRates } = principal.charged
  const own = reservation instanceof Reservation ? reservation : null
  // Those of rules among them, when some apply.
  const tokens = own === null ? tokenRates : own.tokenRates
  const byRules = own?.rates ?? null
  if (rates === null && tokens === null && byRules === null) return null
  const left = desk.left(rates, tokens)
  if (byRules === null) return left
  return { requests: tighter(left.requests, desk.left(byRules, null).requests), tokens: left.tokens }
}

function tighter(one: LimitLeft | null, other: LimitLeft | null): LimitLeft | null {
  if (one === null || other === null) return one ?? other
  return other.remaining < one.remaining ? other : one
}
