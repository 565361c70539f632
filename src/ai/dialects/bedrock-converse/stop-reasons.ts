import type { Stop, StopReason } from '../../ir/answer.ts'

/** `stopReason` of the Converse API, in neutral words. */
const DECODED: Readonly<Record<string, StopReason>> = {
  end_turn: 'end',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-length',
  tool_use: 'tool-calls',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
  malformed_model_output: 'malformed',
  malformed_tool_use: 'malformed',
}

/** A reason that is not known yet is `other`, with its word. */
export function decodeStop(raw: unknown, further: unknown): Stop {
  if (typeof raw !== 'string') return { reason: 'other' }
  return { reason: DECODED[raw] ?? 'other', raw, sequence: stopSequence(further) }
}

/** Which sequence it was, where the model's own fields were asked for and tell it. */
function stopSequence(further: unknown): string | undefined {
  if (typeof further !== 'object' || further === null || !('stop_sequence' in further)) return undefined
  return typeof further.stop_sequence === 'string' ? further.stop_sequence : undefined
}
