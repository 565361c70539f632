import type { Stop, StopReason } from '../../ir/answer.ts'

/** `FinishReason` of the vendor's reference (2026). `STOP` is also the end of an answer that calls functions. */
const FINISH_REASONS: Readonly<Record<string, StopReason>> = {
  STOP: 'end',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  LANGUAGE: 'other',
  OTHER: 'other',
  NO_IMAGE: 'other',
  IMAGE_OTHER: 'other',
  MALFORMED_FUNCTION_CALL: 'malformed',
  MALFORMED_RESPONSE: 'malformed',
  UNEXPECTED_TOOL_CALL: 'malformed',
  TOO_MANY_TOOL_CALLS: 'malformed',
  MISSING_THOUGHT_SIGNATURE: 'malformed',
}

/** The default value of the enum: nothing was said yet. */
const UNSPECIFIED = 'FINISH_REASON_UNSPECIFIED'

const WORDS: Readonly<Record<StopReason, string>> = {
  end: 'STOP',
  'stop-sequence': 'STOP',
  length: 'MAX_TOKENS',
  'context-length': 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
  refusal: 'SAFETY',
  pause: 'OTHER',
  malformed: 'MALFORMED_FUNCTION_CALL',
  other: 'OTHER',
}

/** Whether a candidate is over. */
export function isFinished(word: unknown): word is string {
  return typeof word === 'string' && word !== '' && word !== UNSPECIFIED
}

export function decodeStop(word: string, calls: 'calls' | 'no-calls'): Stop {
  const reason = FINISH_REASONS[word] ?? 'other'
  return { reason: reason === 'end' && calls === 'calls' ? 'tool-calls' : reason, raw: word }
}

/** The prompt itself was refused, with a word of `BlockReason`. */
export function blockedStop(word: string): Stop {
  return { reason: 'content-filter', raw: word }
}

/** Whether the dialect has no word that means the same. */
export function isVagueStop({ reason, raw }: Stop): boolean {
  return (
    reason === 'pause' || reason === 'context-length' || (reason === 'other' && FINISH_REASONS[raw ?? ''] !== 'other')
  )
}

/** The word for a client. The upstream's own is kept where it is one of this dialect and means the same. */
export function encodeStop({ reason, raw }: Stop): string {
  const own = raw === undefined ? undefined : FINISH_REASONS[raw]
  const same = own === reason || (own === 'end' && reason === 'tool-calls')
  return raw !== undefined && same ? raw : WORDS[reason]
}
