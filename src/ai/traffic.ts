import type { Exchange } from '../core/index.ts'
import type { TrafficPort } from '../governance/index.ts'
import { closerEstimate } from './conversation/closer-estimate.ts'
import { conversationStateOf } from './conversation/conversation-state.ts'
import { conversationTraffic } from './conversation/conversation-traffic.ts'
import { forwardStateOf } from './operations/forward/forward-state.ts'
import { forwardTraffic } from './operations/forward/forward-traffic.ts'
import { operationStateOf } from './operations/operation-state.ts'
import { operationTraffic } from './operations/operation-traffic.ts'
import { mayBeServedBy } from './policy/authorized-inspect.ts'
import { saidInBody } from './said-in-body.ts'
import type { TokenCounter } from './tokens/count-tokens.ts'

/** What every request for a model costs, whatever it asks for. */
export const modelTraffic: TrafficPort = {
  estimate: (x, candidate) => trafficOf(x).estimate(x, candidate),
  traffic: (x) => trafficOf(x).traffic(x),
  abandon: (x, failure) => trafficOf(x).abandon(x, failure),
  said: saidInBody,
  switchModel: (x, to) => mayBeServedBy(x, to.model) && (conversationStateOf(x)?.switchTo?.(x, to) ?? false),
}

/** The same with somebody who counts tokens. */
export function countedTraffic(counter: TokenCounter): TrafficPort {
  return { ...modelTraffic, closer: (x, candidate, than) => closerEstimate(counter, { x, candidate, than }) }
}

/** The traffic of requests of one kind. */
type OfKind = Omit<TrafficPort, 'said' | 'switchModel' | 'closer'>

function trafficOf(x: Exchange): OfKind {
  if (operationStateOf(x) !== null) return operationTraffic
  return forwardStateOf(x) === null ? conversationTraffic : forwardTraffic
}
