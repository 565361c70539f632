const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const SAMPLED = 1
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** The parts of a `traceparent` header (W3C Trace Context, section 3.2). */
export interface Traceparent {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** Id of the caller's span: 16 lower-case hex digits. */
  readonly parentId: string
  /** 0 to 255; bit 0 is `sampled`. */
  readonly flags: number
}

/** Reads a `traceparent` header; null when the standard says to ignore it. Later versions are read as version 00. */
export function parseTraceparent(text: string): Traceparent | null {
  const match = TRACEPARENT.exec(text)
  if (match === null) return null
  const [, version, traceId = '', parentId = '', flags = '', rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (traceId === ZERO_TRACE || parentId === ZERO_SPAN) return null
  return { traceId, parentId, flags: Number.parseInt(flags, 16) }
}

/** Writes a `traceparent` header of version 00; of the flags only `sampled` is sent on, as section 4.3 demands. */
export function formatTraceparent(value: Traceparent): string {
  return `00-${value.traceId}-${value.parentId}-0${value.flags & SAMPLED}`
}
