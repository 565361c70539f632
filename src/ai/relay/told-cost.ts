import { type Exchange, GatewayError } from '../../core/index.ts'
import { chargeAt, type Payee } from '../models/charge.ts'
import type { Usage } from '../models/price.ts'

/** Who is told what an answer costs. */
export type CostTold = 'off' | 'asked' | 'always'

/** What an answer costs is told with these. */
export const COST_HEADER = 'x-ferro-cost-nanos'
const ASKING_HEADER = 'x-ferro-usage'

/** What tells the cost of one answer. */
export interface CostTeller extends Payee {
  readonly costTold: CostTold
}

/**
 * In nano-dollars, of what the upstream reported; `unknown` where not all of it has a price. Null: nobody is to hear it, or the
 * model has no price.
 */
function toldCost(x: Exchange, teller: CostTeller, usage: Usage | null): string | null {
  if (usage === null || teller.costTold === 'off') return null
  if (teller.costTold === 'asked' && x.head.get(ASKING_HEADER)?.trim().toLowerCase() !== 'cost') return null
  const charge = chargeAt(teller, usage, true, x.time)
  return charge === null ? null : String(charge.nanos ?? 'unknown')
}

/** Adds the cost to the headers of an answer that is no stream, when it is known by then. */
export function withCost(headers: string[], x: Exchange, teller: CostTeller, usage: Usage | null): string[] {
  const nanos = toldCost(x, teller, usage)
  if (nanos !== null) headers.push(COST_HEADER, nanos)
  return headers
}

/** Adds the cost as a comment behind the last event of a stream that ended well. */
export function withCostComment<Bytes extends Buffer | GatewayError | null>(
  last: Bytes,
  x: Exchange,
  teller: CostTeller,
  usage: Usage | null,
): Bytes | Buffer {
  if (last instanceof GatewayError || x.error !== null) return last
  const nanos = toldCost(x, teller, usage)
  if (nanos === null) return last
  const comment = Buffer.from(`: ${COST_HEADER} ${nanos}\n\n`)
  return last === null ? comment : Buffer.concat([last, comment])
}
