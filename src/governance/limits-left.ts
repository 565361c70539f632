import type { Exchange } from '../core/index.ts'
import type { CounterDesk, LimitsLeft } from './counter-desk.ts'
import { KeyPrincipal } from './key-principal.ts'
import { Reservation } from './reservation.ts'

/** What is left of the limits that a request is counted by, of requests and of tokens the tightest; null: it has none. */
export function limitsLeft({ principal, reservation }: Exchange, desk: CounterDesk): LimitsLeft | null {
  if (!(principal instanceof KeyPrincipal)) return null
  // With a reservation, those of rules are among them.
  const counted = reservation instanceof Reservation ? reservation.counted : principal.charged
  if (counted.rates === null && counted.tokenRates === null) return null
  return desk.left(counted)
}
