import { skipValue, walkItems, walkMembers } from '../../lib/index.ts'

/** Input tokens reserved for one picture, recording or file. */
export const MEDIA_TOKENS = 2_000

export interface MediaBytes {
  /** Bytes that are no text: the base64 data of media parts. */
  readonly bytes: number
  readonly items: number
}

const NONE: MediaBytes = { bytes: 0, items: 0 }
const QUOTE = 0x22
/**
 * Ends of keys, one of which every media part has: a body without any is not walked through. They begin with a byte that
 * is rare in prose, which makes them quick to look for.
 */
const HINTS = ['_url"', '_audio"', '_data"'].map((text) => Buffer.from(text))
/** The head of a data URL of something that providers count by the piece: other kinds are read as text. */
const MEDIA_URL = /^data:(?:image|audio|video)\\?\/[^,]*;base64,|^data:application\\?\/pdf(?:;[^,]*)?;base64,/i
const LONGEST_HEAD = 256

/** Members of a content part that hold media, and the member in each that holds the data when it is an object. */
const MEDIA_MEMBERS: ReadonlyMap<string, { readonly member: string; readonly data: 'url' | 'base64' }> = new Map([
  ['image_url', { member: 'url', data: 'url' }],
  ['video_url', { member: 'url', data: 'url' }],
  ['audio_url', { member: 'url', data: 'url' }],
  ['document_url', { member: 'url', data: 'url' }],
  ['file', { member: 'file_data', data: 'url' }],
  ['input_audio', { member: 'data', data: 'base64' }],
])
const LONGEST_MEMBER = 16

/**
 * Counts the media of a request: what stands in a media part of a message's content, and nowhere else. Providers count
 * it by the piece; the same bytes in a text, a tool or a field that nobody reads are text, and counted by their length.
 * `messages` is the offset of the messages in a body whose scan succeeded.
 */
export function countMedia(body: Buffer, messages: number): MediaBytes {
  if (!HINTS.some((hint) => body.includes(hint))) return NONE
  let bytes = 0
  let items = 0
  const readPart = (at: number): number =>
    walkMembers(body, at, (value, keyStart, keyEnd) => {
      const kind = MEDIA_MEMBERS.get(nameAt(body, keyStart, keyEnd))
      if (kind === undefined) return skipValue(body, value)
      const readData = (data: number): number => {
        const end = skipValue(body, data)
        const length = body[data] === QUOTE ? mediaLength(body, data + 1, end - 1, kind.data) : null
        if (length !== null) {
          bytes += length
          items++
        }
        return end
      }
      if (body[value] === QUOTE) return readData(value)
      return walkMembers(body, value, (inner, innerStart, innerEnd) =>
        nameAt(body, innerStart, innerEnd) === kind.member ? readData(inner) : skipValue(body, inner),
      )
    })
  walkItems(body, messages, (message) =>
    walkMembers(body, message, (value, keyStart, keyEnd) =>
      nameAt(body, keyStart, keyEnd) === 'content' ? walkItems(body, value, readPart) : skipValue(body, value),
    ),
  )
  return items === 0 ? NONE : { bytes, items }
}

function nameAt(body: Buffer, start: number, end: number): string {
  return end - start > LONGEST_MEMBER ? '' : body.toString('latin1', start, end)
}

/** Bytes of media in the string at [start, end): 0 for an address to fetch it from; null when the string is text. */
function mediaLength(body: Buffer, start: number, end: number, data: 'url' | 'base64'): number | null {
  if (data === 'base64') return end - start
  const head = body.toString('latin1', start, Math.min(end, start + LONGEST_HEAD))
  if (!/^data:/i.test(head)) return 0
  const match = MEDIA_URL.exec(head)
  return match === null ? null : end - start - match[0].length
}
