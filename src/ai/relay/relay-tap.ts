import type { AnswerTap, Exchange } from '../../core/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import { dialectOf } from '../dialects/tables.ts'
import type { ModelTarget } from '../models/target.ts'
import type { Endpoint } from '../providers/endpoint.ts'
import { ChatTap } from './chat-tap.ts'
import { FramedTap } from './framed-tap.ts'
import { MeteredTap } from './metered-tap.ts'

/** Watches an answer that is relayed in the dialect of the client. */
export function relayTap(
  x: Exchange,
  target: ModelTarget,
  state: ConversationState,
  { dialect, frames }: Endpoint,
): AnswerTap {
  const { meter } = dialectOf(dialect)
  const tap = meter === undefined ? new ChatTap(x, target, state) : new MeteredTap(x, target, state, meter)
  return frames === true ? new FramedTap(tap, target) : tap
}
