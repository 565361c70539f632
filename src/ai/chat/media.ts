import { isAscii } from 'node:buffer'

const MARK = Buffer.from(';base64,')
const QUOTE = 0x22
const SPACE = 0x20

/** Input tokens reserved for one picture, recording or file. */
export const MEDIA_TOKENS = 2_000

export interface MediaBytes {
  readonly bytes: number
  readonly items: number
}

const NONE: MediaBytes = { bytes: 0, items: 0 }

/** Bytes of base64 data URLs in a body: they are no text, and providers count them by the picture, not by the byte. */
export function countMediaBytes(body: Buffer): MediaBytes {
  let at = body.indexOf(MARK)
  if (at < 0) return NONE
  let bytes = 0
  let items = 0
  while (at >= 0) {
    const start = at + MARK.length
    const end = body.indexOf(QUOTE, start)
    if (end < 0) break
    if (isBase64(body, start, end)) {
      bytes += end - start
      items++
    }
    at = body.indexOf(MARK, end)
  }
  return { bytes, items }
}

/** A prompt that only talks of base64 has spaces or other characters and counts as text. */
function isBase64(body: Buffer, start: number, end: number): boolean {
  const space = body.indexOf(SPACE, start)
  return (space < 0 || space >= end) && isAscii(body.subarray(start, end))
}
