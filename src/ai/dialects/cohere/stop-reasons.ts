import type { StopReason } from '../../ir/answer.ts'

/** `ChatFinishReason` of the vendor's reference (v2, 2026). ERROR and TIMEOUT are no ends: see `decode-answer.ts`. */
export const FINISH_REASONS: Readonly<Record<string, StopReason>> = {
  COMPLETE: 'end',
  STOP_SEQUENCE: 'stop-sequence',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR_TOXIC: 'content-filter',
  ERROR_LIMIT: 'context-length',
}

const FAILURES: ReadonlySet<string> = new Set(['ERROR', 'TIMEOUT'])

/** Whether the word says that the answer failed. */
export function isFailure(word: unknown): word is string {
  return typeof word === 'string' && FAILURES.has(word)
}
