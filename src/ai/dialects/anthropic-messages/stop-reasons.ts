import type { Stop, StopReason } from '../../ir/answer.ts'

/** What Claude says it stopped for ("Handling stop reasons"), in neutral words. */
const DECODED: Readonly<Record<string, StopReason>> = {
  end_turn: 'end',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-length',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  pause_turn: 'pause',
  compaction: 'pause',
}

const ENCODED: Readonly<Record<StopReason, string>> = {
  end: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'context-length': 'model_context_window_exceeded',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  malformed: 'end_turn',
  other: 'end_turn',
}

/** A reason that is not known yet is `other`, with its word. */
export function decodeStop(raw: unknown, sequence: unknown): Stop {
  if (typeof raw !== 'string') return { reason: 'other' }
  return {
    reason: DECODED[raw] ?? 'other',
    raw,
    sequence: typeof sequence === 'string' ? sequence : undefined,
  }
}

/** `calls`: the answer holds calls of tools; clients run them only when the reason says so. */
export function encodeStop(stop: Stop, calls: boolean): string {
  if (stop.reason === 'pause' && stop.raw === 'compaction') return 'compaction'
  if (stop.reason === 'end' && calls) return 'tool_use'
  return ENCODED[stop.reason]
}

/** Whether the word says less than the neutral reason did. */
export function isVagueStop({ reason }: Stop): boolean {
  return reason === 'malformed' || reason === 'other' || reason === 'content-filter'
}
