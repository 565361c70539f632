import type { RequestHead } from '../http1/request-head.ts'

/** Content codings that answers may have; the names of the configuration and of HTTP are the same. */
export type Coding = 'zstd' | 'br' | 'gzip'

/** What a client takes. */
export interface AcceptedCodings {
  /** Those that may be sent, the most wanted first. */
  readonly codings: readonly Coding[]
  /** Whether an answer may also stay as it is. */
  readonly plain: 'allowed' | 'refused'
}

const NOTHING: AcceptedCodings = { codings: [], plain: 'allowed' }
/** RFC 9110, 12.4.2; anything else counts as 0, so that what is not understood is not sent. */
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/
const WEIGHT_NAME = /^q\s*=\s*/i
/** A longer list comes from nobody who means it. */
const MAX_MEMBERS = 32

/**
 * Reads Accept-Encoding (RFC 9110, 12.5.3): the client's weights decide, then the order of `available`. A client that
 * says nothing takes, by the RFC, everything; many of them take nothing, so they get answers as they are.
 */
export function acceptedCodings(head: RequestHead, available: readonly Coding[]): AcceptedCodings {
  const value = listValue(head, 'accept-encoding')
  return value === null ? NOTHING : readAcceptEncoding(value, available)
}

/** The same for the value of the header. */
export function readAcceptEncoding(value: string, available: readonly Coding[]): AcceptedCodings {
  const weights = new Map<string, number>()
  for (const member of value.split(',', MAX_MEMBERS)) {
    const [name = '', ...parameters] = member.split(';')
    const coding = name.trim().toLowerCase()
    if (coding !== '') weights.set(coding === 'x-gzip' ? 'gzip' : coding, weightOf(parameters))
  }
  const others = weights.get('*')
  const plainWeight = weights.get('identity') ?? (others === 0 ? 0 : null)
  const weightFor = (coding: Coding) => weights.get(coding) ?? others ?? 0
  const codings = available
    .filter((coding) => weightFor(coding) > 0 && weightFor(coding) >= (plainWeight ?? 0))
    .toSorted((a, b) => weightFor(b) - weightFor(a))
  return { codings, plain: plainWeight === 0 ? 'refused' : 'allowed' }
}

function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const text = parameter.trim()
    if (!WEIGHT_NAME.test(text)) continue
    const weight = text.replace(WEIGHT_NAME, '')
    return WEIGHT.test(weight) ? Number(weight) : 0
  }
  return 1
}

/** All lines of a list header as one, or null when there is none. */
export function listValue(head: RequestHead, name: string): string | null {
  const first = head.names.indexOf(name)
  if (first < 0) return null
  if (head.names.indexOf(name, first + 1) < 0) return head.values[first] as string // in range
  return head.values.filter((_value, at) => head.names[at] === name).join(', ')
}
