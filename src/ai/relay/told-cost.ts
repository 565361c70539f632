import { type Exchange, GatewayError } from '../../core/index.ts'
import { type Charged, chargeOf } from '../models/charge.ts'
import type { Usage } from '../models/price.ts'

/** Who is told what an answer costs. */
export type CostTold = 'off' | 'asked' | 'always'

/** What an answer costs is told with these. */
export const COST_HEADER = 'x-ferro-cost-nanos'
const ASKING_HEADER = 'x-ferro-usage'

/** What tells the cost of one answer. */
export interface CostTeller extends Charged {
  readonly costTold: CostTold
}

/** In nano-dollars, of what the upstream reported; null: nobody is to hear it, or nobody knows it. */
function toldCost(x: Exchange, teller: CostTeller, usage: Usage | null): number | null {
  if (usage === null || teller.costTold === 'off') return null
  if (teller.costTold === 'asked' && x.head.get(ASKING_HEADER)?.trim().toLowerCase() !== 'cost') return null
  return chargeOf(teller, usage, { source: 'reported', time: x.time })[0]
}

/** Adds the cost to the headers of an answer that is no stream, when it is known by then. */
export function withCost(headers: string[], x: Exchange, teller: CostTeller, usage: Usage | null): string[] {
  const nanos = toldCost(x, teller, usage)
  if (nanos !== null) headers.push(COST_HEADER, String(nanos))
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
