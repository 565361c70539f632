import { randomBytes } from 'node:crypto'
import type { Exchange } from '../exchange.ts'
import { type ByteRange, readRanges } from './byte-ranges.ts'
import { checkConditions, rangeHolds } from './conditions.ts'
import type { FoundFile } from './file-lookup.ts'

/** A part of a body: bytes as they are, or a range of the file. */
export type BodyPart = Buffer | ByteRange

/** What is sent for a file that was found. */
export interface FileAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: readonly BodyPart[]
}

const NO_BODY: readonly BodyPart[] = []

/** Decides between 200, 206, 304, 412 and 416, and what goes with it. */
export function fileAnswer(x: Exchange, found: FoundFile, cacheControl: string | null): FileAnswer {
  const { head, method } = x
  const { size, validators } = found
  const headers: Record<string, string> = { etag: validators.etag, 'last-modified': dateText(validators.modified) }
  if (cacheControl !== null) headers['cache-control'] = cacheControl
  if (found.varies) headers['vary'] = 'accept-encoding'
  const verdict = checkConditions(head, validators)
  if (verdict === 'unchanged') return { status: 304, headers, body: NO_BODY }
  headers['x-content-type-options'] = 'nosniff'
  if (verdict === 'failed') return words(412, {}, 'The file is not in the state that the request asks for.\n')
  headers['accept-ranges'] = 'bytes'
  if (found.coding !== null) headers['content-encoding'] = found.coding
  const range = method === 'GET' ? head.get('range') : null
  const ranges = range !== null && rangeHolds(head, validators) ? readRanges(range, size) : 'whole'
  if (ranges === 'none') {
    return words(
      416,
      { 'content-range': `bytes */${size}` },
      `The file has ${size} bytes, none of which was asked for.\n`,
    )
  }
  if (ranges === 'whole') {
    headers['content-type'] = found.contentType
    headers['content-length'] = String(size)
    return { status: 200, headers, body: size === 0 ? NO_BODY : [{ start: 0, end: size }] }
  }
  return ranged(headers, ranges, found.contentType, size)
}

/** The answer to a request that needs no file: a few words. */
export function words(status: number, headers: Record<string, string>, text: string): FileAnswer {
  const body = Buffer.from(text)
  return {
    status,
    headers: { ...headers, 'content-type': 'text/plain; charset=utf-8', 'content-length': String(body.length) },
    body: [body],
  }
}

function ranged(
  headers: Record<string, string>,
  ranges: readonly ByteRange[],
  contentType: string,
  size: number,
): FileAnswer {
  const [only] = ranges
  if (only !== undefined && ranges.length === 1) {
    headers['content-type'] = contentType
    headers['content-range'] = contentRange(only, size)
    headers['content-length'] = String(only.end - only.start)
    return { status: 206, headers, body: [only] }
  }
  const boundary = randomBytes(18).toString('base64url')
  const body: BodyPart[] = []
  let between = ''
  for (const range of ranges) {
    const lines = `content-type: ${contentType}\r\ncontent-range: ${contentRange(range, size)}\r\n\r\n`
    body.push(Buffer.from(`${between}--${boundary}\r\n${lines}`), range)
    between = '\r\n'
  }
  body.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  let length = 0
  for (const part of body) length += Buffer.isBuffer(part) ? part.length : part.end - part.start
  headers['content-type'] = `multipart/byteranges; boundary=${boundary}`
  headers['content-length'] = String(length)
  return { status: 206, headers, body }
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}

let dateSecond = -1
let dateOf = ''

function dateText(second: number): string {
  if (second !== dateSecond) {
    dateSecond = second
    dateOf = new Date(second * 1000).toUTCString()
  }
  return dateOf
}
