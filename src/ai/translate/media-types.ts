import type { AnswerHeaders } from '../../core/index.ts'
import type { UpstreamDialect } from '../dialects/dialect.ts'

/** Content types of streams, by framing; servers of NDJSON often call it plain JSON. */
const STREAM_TYPES: Readonly<Record<UpstreamDialect['framing'], ReadonlySet<string>>> = {
  sse: new Set(['text/event-stream']),
  ndjson: new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines']),
  'aws-event-stream': new Set(['application/vnd.amazon.eventstream']),
}

/** The type of a body without its parameters, in lower case; '' when there is none. */
export function mediaTypeOf(headers: AnswerHeaders): string {
  const value = headers['content-type']
  const text = Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
  const end = text.indexOf(';')
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase()
}

/** Whether a body of this type is a stream of this framing. */
export function isStreamOf(framing: UpstreamDialect['framing'], type: string, asked: boolean): boolean {
  return STREAM_TYPES[framing].has(type) || (framing === 'ndjson' && asked && type === 'application/json')
}
