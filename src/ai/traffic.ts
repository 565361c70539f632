import type { TrafficPort } from '../governance/index.ts'
import { conversationTraffic } from './conversation/conversation-traffic.ts'
import { operationStateOf } from './operations/operation-state.ts'
import { operationTraffic } from './operations/operation-traffic.ts'

/** What every request for a model costs, whatever it asks for. */
export const modelTraffic: TrafficPort = {
  estimate: (x, candidate) =>
    (operationStateOf(x) === null ? conversationTraffic : operationTraffic).estimate(x, candidate),
  traffic: (x) => (operationStateOf(x) === null ? conversationTraffic : operationTraffic).traffic(x),
}
