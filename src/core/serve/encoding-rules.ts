import type { RouteConfig } from '../../config/index.ts'
import type { Coding } from './accept-encoding.ts'
import { headerOf } from './header-list.ts'

export type EncodeConfig = NonNullable<RouteConfig['encode']>

/** Which answers a route compresses, prepared. */
export interface EncodingRules {
  readonly algorithms: readonly Coding[]
  readonly minimum: number
  /** Whether answers of this type are compressed. */
  readonly takes: (contentType: string) => boolean
}

export function compileEncodingRules({ algorithms, minimum, types }: EncodeConfig): EncodingRules {
  const exact = new Set(types.map((type) => type.toLowerCase()))
  const families = types.filter((type) => type.endsWith('/*')).map((type) => type.slice(0, -1).toLowerCase())
  const takes = (contentType: string) => {
    const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
    // An event must leave when it comes, and compressors collect.
    if (type === 'text/event-stream') return false
    return exact.has(type) || exact.has('*/*') || families.some((family) => type.startsWith(family))
  }
  return { algorithms, minimum, takes }
}

/** Answers without a body, and parts of one: a part is cut from what was not compressed. */
const NEVER: ReadonlySet<number> = new Set([204, 205, 206, 304])
/** Headers that speak of the bytes as they are. */
const CHECKSUMS: readonly string[] = ['content-digest', 'repr-digest', 'digest', 'content-md5', 'content-range']

/** Whether an answer may be compressed as far as its head says; its length is another matter. */
export function isEncodable(rules: EncodingRules, status: number, headers: readonly string[]): boolean {
  if (status < 200 || NEVER.has(status)) return false
  const contentType = headerOf(headers, 'content-type')
  if (contentType === null || !rules.takes(contentType)) return false
  const encoding = headerOf(headers, 'content-encoding')
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') return false
  if (CHECKSUMS.some((name) => headerOf(headers, name) !== null)) return false
  return !saysNoTransform(headers)
}

function saysNoTransform(headers: readonly string[]): boolean {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const value = headers[at + 1] as string // in range
    if (headers[at] === 'cache-control' && /(?:^|[\s,])no-transform(?:$|[\s,])/i.test(value)) return true
  }
  return false
}

const REPLACED: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'accept-ranges', 'etag'])

/** The headers of the same answer, compressed: another representation, so its tag holds only weakly (RFC 9110, 8.8.3.3). */
export function encodedHeaders(headers: readonly string[], coding: Coding): string[] {
  const out: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string // in range
    const value = headers[at + 1] as string // in range
    if (!REPLACED.has(name)) out.push(name, value)
    else if (name === 'etag') out.push('etag', value.startsWith('W/') ? value : `W/${value}`)
  }
  out.push('content-encoding', coding)
  return out
}
