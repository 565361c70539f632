import type { AnswerTap, Exchange } from '../../core/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import type { DialectName } from '../dialects/name.ts'
import { dialectOf } from '../dialects/tables.ts'
import type { ModelTarget } from '../models/target.ts'
import { ChatTap } from './chat-tap.ts'
import { MeteredTap } from './metered-tap.ts'

/** Watches an answer that is relayed in the dialect of the client. */
export function relayTap(x: Exchange, target: ModelTarget, state: ConversationState, dialect: DialectName): AnswerTap {
  const { meter } = dialectOf(dialect)
  return meter === undefined ? new ChatTap(x, target, state) : new MeteredTap(x, target, state, meter)
}
