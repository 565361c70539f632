/** What of a body is asked for (RFC 9110, section 14), as bytes from `start` up to, without, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** More ranges than this are asked by nobody who means well: the whole is sent instead. */
export const MAX_RANGES = 16
/** Ranges closer together than what separates two parts are sent as one. */
const JOIN_GAP = 80
const SPEC = /^(\d{0,15})-(\d{0,15})$/

/**
 * Reads a Range header for a body of `size` bytes. `whole`: it is to be ignored (another unit, not valid, too many, or
 * an empty body, of which no part can be named). `none`: no range lies within the body, 416. Ranges keep the order in which they
 * were asked for; those that touch or overlap are joined, so that no byte is sent twice.
 */
export function readRanges(value: string, size: number): readonly ByteRange[] | 'whole' | 'none' {
  const [unit = '', list, ...more] = value.split('=')
  if (unit.trim().toLowerCase() !== 'bytes' || list === undefined || more.length > 0 || size === 0) return 'whole'
  const specs = list.split(',').map((spec) => spec.trim())
  if (specs.length > MAX_RANGES) return 'whole'
  const found: ByteRange[] = []
  let count = 0
  for (const spec of specs) {
    if (spec === '') continue // RFC 9110, 5.6.1.2: a recipient takes empty members of a list
    const match = SPEC.exec(spec)
    if (match === null) return 'whole'
    const range = rangeOf(match[1] as string, match[2] as string, size) // both groups always take part
    if (range === 'invalid') return 'whole'
    count++
    if (range !== 'outside') found.push(range)
  }
  if (count === 0) return 'whole'
  return found.length === 0 ? 'none' : joined(found)
}

function rangeOf(first: string, last: string, size: number): ByteRange | 'invalid' | 'outside' {
  if (first === '') {
    if (last === '') return 'invalid'
    const length = Number(last)
    return length === 0 ? 'outside' : { start: Math.max(0, size - length), end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'invalid'
  if (start >= size) return 'outside'
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) }
}

function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const kept: ByteRange[] = []
  for (const range of ranges) {
    let whole = range
    let place = kept.length
    for (let at = 0; at < kept.length; ) {
      const other = kept[at] as ByteRange // in range
      if (other.start - JOIN_GAP > whole.end || whole.start - JOIN_GAP > other.end) {
        at++
        continue
      }
      whole = { start: Math.min(whole.start, other.start), end: Math.max(whole.end, other.end) }
      kept.splice(at, 1)
      place = Math.min(place, at)
      at = 0 // what has grown may reach one that was passed over
    }
    kept.splice(place, 0, whole)
  }
  return kept
}
