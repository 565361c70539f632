import type { Stop, StopReason } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'

const INCOMPLETE: Readonly<Record<string, StopReason>> = {
  max_output_tokens: 'length',
  max_tokens: 'length',
  content_filter: 'content-filter',
}

/** Why an answer ended: its status, and for one that is not complete the details. A complete one says it by what it holds. */
export function decodeStop({ status, incomplete_details: details }: JsonObject, parts: Iterable<AssistantPart>): Stop {
  if (status === 'incomplete') {
    const raw = isObject(details) && typeof details['reason'] === 'string' ? details['reason'] : undefined
    return { reason: INCOMPLETE[raw ?? ''] ?? 'other', raw: raw ?? 'incomplete' }
  }
  const raw = typeof status === 'string' ? status : undefined
  let reason: StopReason = 'end'
  for (const { type } of parts) {
    if (type === 'tool-call') return { reason: 'tool-calls', raw }
    if (type === 'refusal') reason = 'refusal'
  }
  return { reason, raw }
}

const DETAILS = {
  end: null,
  'stop-sequence': null,
  length: 'max_output_tokens',
  'context-length': 'max_output_tokens',
  'tool-calls': null,
  'content-filter': 'content_filter',
  refusal: 'content_filter',
  pause: null,
  malformed: null,
  other: null,
} as const satisfies Record<StopReason, string | null>

/** Those that the dialect says with another meaning, or not as exactly. */
const INEXACT: ReadonlySet<StopReason> = new Set(['pause', 'malformed', 'other', 'context-length'])

/** Status and details for a client; `refused`: the refusal is told in the answer, which is complete then. */
export function encodeStop(stop: Stop, refused: boolean, losses: Losses): JsonObject {
  if (INEXACT.has(stop.reason)) losses.adapt('status')
  if (stop.sequence !== undefined) losses.drop('stop_sequence')
  const reason = stop.reason === 'refusal' && refused ? null : DETAILS[stop.reason]
  if (reason === null) return { status: 'completed', incomplete_details: null }
  return { status: 'incomplete', incomplete_details: { reason } }
}
