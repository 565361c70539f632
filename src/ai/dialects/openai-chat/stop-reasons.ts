import type { Stop, StopReason } from '../../ir/answer.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'

/** The vendor's words, then those of upstreams that speak its dialect. */
const REASONS: Readonly<Record<string, StopReason>> = {
  stop: 'end',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  eos: 'end',
  eos_token: 'end',
  end_turn: 'end',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_length: 'context-length',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  safety: 'content-filter',
  sensitive: 'content-filter',
}

/**
 * Why an answer ended. `matched` is the stop sequence, where the upstream tells it. A model that calls tools stopped for
 * them whatever it says: several upstreams, and a forced call at the vendor itself, say `stop`.
 */
export function decodeStop(raw: string | null, parts: Iterable<AssistantPart>, matched?: unknown): Stop {
  const word = raw === null || raw === '' ? undefined : raw
  const reason = word === undefined ? 'other' : (REASONS[word] ?? 'other')
  if (typeof matched === 'string' && matched !== '' && reason === 'end') {
    return { reason: 'stop-sequence', sequence: matched, raw: word }
  }
  if (reason !== 'end' && word !== undefined) return { reason, raw: word }
  for (const part of parts) {
    if (part.type === 'tool-call') return { reason: 'tool-calls', raw: word }
    if (part.type === 'refusal') return { reason: 'refusal', raw: word }
  }
  return { reason, raw: word }
}

const WORDS = {
  end: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'context-length': 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
  malformed: 'stop',
  other: 'stop',
} as const satisfies Record<StopReason, string>

/** Those that the dialect says with another meaning, or not as exactly. */
const INEXACT: ReadonlySet<StopReason> = new Set(['pause', 'malformed', 'other', 'context-length'])

/** The finish reason for a client; `refused`: the refusal is told in the message, and needs no word here. */
export function encodeStop(stop: Stop, has: { readonly refusal: boolean; readonly legacy: boolean }, losses: Losses) {
  if (INEXACT.has(stop.reason)) losses.adapt('finish_reason')
  if (stop.sequence !== undefined) losses.drop('stop_sequence')
  if (stop.reason === 'refusal' && has.refusal) return 'stop'
  if (stop.reason === 'tool-calls' && has.legacy) return 'function_call'
  return WORDS[stop.reason]
}
