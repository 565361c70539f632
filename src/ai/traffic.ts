import type { Exchange } from '../core/index.ts'
import type { TrafficPort } from '../governance/index.ts'
import { conversationTraffic } from './conversation/conversation-traffic.ts'
import { forwardStateOf } from './operations/forward/forward-state.ts'
import { forwardTraffic } from './operations/forward/forward-traffic.ts'
import { operationStateOf } from './operations/operation-state.ts'
import { operationTraffic } from './operations/operation-traffic.ts'

/** What every request for a model costs, whatever it asks for. */
export const modelTraffic: TrafficPort = {
  estimate: (x, candidate) => trafficOf(x).estimate(x, candidate),
  traffic: (x) => trafficOf(x).traffic(x),
  abandon: (x, failure) => trafficOf(x).abandon(x, failure),
}

function trafficOf(x: Exchange): TrafficPort {
  if (operationStateOf(x) !== null) return operationTraffic
  return forwardStateOf(x) === null ? conversationTraffic : forwardTraffic
}
