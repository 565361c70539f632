import { type AnswerTap, type Exchange, GatewayError } from '../../core/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import { relayTap } from '../relay/relay-tap.ts'
import { OtherFormTap } from '../translate/other-form-tap.ts'
import { TranslatingTap } from '../translate/translating-tap.ts'
import type { ModelTarget } from './target.ts'
import type { TargetEndpoint } from './target-endpoint.ts'

/** Watches an answer in the client's own dialect: relayed as it is, unless it comes in another form than the client asked for. */
export function openRelay(
  x: Exchange,
  target: ModelTarget,
  state: ConversationState,
  endpoint: TargetEndpoint,
): AnswerTap {
  const relay = relayTap(x, target, state, endpoint.endpoint)
  return new OtherFormTap(relay, state.stream, () => rewriting(x, target, state, endpoint))
}

/** Null where the dialect's code is not there, or what the client asked for cannot be read by it. */
function rewriting(
  x: Exchange,
  target: ModelTarget,
  state: ConversationState,
  endpoint: TargetEndpoint,
): AnswerTap | null {
  if (x.body === null || endpoint.dialect === null) return null
  const { wantsStream } = x
  const { losses } = state
  const prepared = endpoint.translate(x, state, x.body)
  if (!(prepared instanceof GatewayError) && prepared.translation !== null) {
    return new TranslatingTap(x, target, state, endpoint, prepared.translation)
  }
  x.wantsStream = wantsStream
  state.losses = losses
  return null
}
