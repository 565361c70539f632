import { skipValue, TextHints, walkItems, walkMembers } from '../../lib/index.ts'
import { mediaTokens } from './media-tokens.ts'

export interface MediaBytes {
  /** Bytes that are no text: the base64 data of media parts. */
  readonly bytes: number
  readonly items: number
  /** Input tokens that they may become. */
  readonly tokens: number
}

const NONE: MediaBytes = { bytes: 0, items: 0, tokens: 0 }
const QUOTE = 0x22
/**
 * Ends of keys or of values, one of which every media part has: a body without any is not walked through. They begin with
 * a byte that is rare in prose, which makes them quick to look for.
 */
const HINTS = new TextHints(['_url"', '_audio"', '_data"', 'Data"', '"base64"'])
/** The head of a data URL of something that providers count by the piece: other kinds are read as text. */
const MEDIA_URL = /^data:(?:image|audio|video)\\?\/[^,]*;base64,|^data:application\\?\/pdf(?:;[^,]*)?;base64,/i
/** Types of media that providers count by the piece. */
const MEDIA_TYPE = /^(?:image|audio|video)\\?\/|^application\\?\/pdf/i
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
/** Members that hold base64 data beside its type: only a type that is counted by the piece makes it media. */
const TYPED_MEMBERS: ReadonlySet<string> = new Set(['source', 'inlineData', 'inline_data'])
const TYPE_MEMBERS: ReadonlySet<string> = new Set(['media_type', 'mimeType', 'mime_type'])
/** Members of an item that hold a list of parts, or of items with parts. */
const LISTS: ReadonlySet<string> = new Set(['content', 'parts', 'output'])
/** The part whose own member holds a file's data; elsewhere that name means nothing. */
const FILE_PART = 'input_file'
const LONGEST_MEMBER = 16

/**
 * Counts the media of a request: what stands in a media part of the conversation, and nowhere else. Providers count
 * it by the piece; the same bytes in a text, a tool or a field that nobody reads are text, and counted by their length.
 * `content` is the offset of the conversation in a body whose scan succeeded.
 */
export function countMedia(body: Buffer, content: number): MediaBytes {
  if (!HINTS.isIn(body)) return NONE
  const counter = new MediaCounter(body)
  walkItems(body, content, counter.readItem)
  return counter.items === 0 ? NONE : { bytes: counter.bytes, items: counter.items, tokens: counter.tokens }
}

class MediaCounter {
  bytes = 0
  items = 0
  tokens = 0
  readonly #body: Buffer

  constructor(body: Buffer) {
    this.#body = body
  }

  /** A message or an item: its lists hold parts. */
  readonly readItem = (at: number): number =>
    walkMembers(this.#body, at, (value, keyStart, keyEnd) =>
      LISTS.has(nameAt(this.#body, keyStart, keyEnd))
        ? walkItems(this.#body, value, this.#readPart)
        : skipValue(this.#body, value),
    )

  /** A part; the result of a tool has parts of its own. */
  readonly #readPart = (at: number): number => {
    const body = this.#body
    let isFile = false
    let fileAt = -1
    const end = walkMembers(body, at, (value, keyStart, keyEnd) => {
      const name = nameAt(body, keyStart, keyEnd)
      if (LISTS.has(name)) return walkItems(body, value, this.#readPart)
      if (TYPED_MEMBERS.has(name)) return this.#readTyped(value)
      const kind = MEDIA_MEMBERS.get(name)
      if (kind !== undefined) return this.#readMember(value, kind)
      const after = skipValue(body, value)
      if (name === 'file_data') fileAt = value
      else if (name === 'type') isFile = body.toString('latin1', value + 1, after - 1) === FILE_PART
      return after
    })
    if (isFile && fileAt >= 0) this.#readData(fileAt, 'url')
    return end
  }

  #readMember(value: number, kind: { readonly member: string; readonly data: 'url' | 'base64' }): number {
    const body = this.#body
    if (body[value] === QUOTE) return this.#readData(value, kind.data)
    let dataAt = -1
    let format = ''
    const end = walkMembers(body, value, (inner, innerStart, innerEnd) => {
      const name = nameAt(body, innerStart, innerEnd)
      const after = skipValue(body, inner)
      if (name === kind.member) dataAt = inner
      else if (name === 'format') format = body.toString('latin1', inner + 1, Math.min(after - 1, inner + LONGEST_HEAD))
      return after
    })
    if (dataAt >= 0) this.#readData(dataAt, kind.data, format)
    return end
  }

  #readData(at: number, data: 'url' | 'base64', format = ''): number {
    const body = this.#body
    const end = skipValue(body, at)
    const found = body[at] === QUOTE ? mediaAt(body, at + 1, end - 1, data) : null
    if (found !== null) this.#add(found.bytes, found.type ?? `audio/${format}`)
    return end
  }

  #readTyped(at: number): number {
    const body = this.#body
    let bytes = -1
    let type = ''
    let isText = false
    const end = walkMembers(body, at, (value, keyStart, keyEnd) => {
      const name = nameAt(body, keyStart, keyEnd)
      const after = skipValue(body, value)
      if (body[value] !== QUOTE) return after
      if (name === 'data') bytes = after - value - 2
      else if (name === 'url' || name === 'file_id') bytes = Math.max(bytes, 0)
      else if (TYPE_MEMBERS.has(name))
        type = body.toString('latin1', value + 1, Math.min(after - 1, value + LONGEST_HEAD))
      else if (name === 'type') isText = body.toString('latin1', value + 1, after - 1) === 'text'
      return after
    })
    if (bytes === 0 || (bytes > 0 && MEDIA_TYPE.test(type) && !isText)) this.#add(bytes, type)
    return end
  }

  #add(bytes: number, type: string): void {
    this.bytes += bytes
    this.items++
    this.tokens += mediaTokens(type, bytes)
  }
}

function nameAt(body: Buffer, start: number, end: number): string {
  return end - start > LONGEST_MEMBER ? '' : body.toString('latin1', start, end)
}

/** Media in the string at [start, end): no bytes of an address to fetch it from; null when the string is text. */
function mediaAt(
  body: Buffer,
  start: number,
  end: number,
  data: 'url' | 'base64',
): { readonly bytes: number; readonly type: string | null } | null {
  if (data === 'base64') return { bytes: end - start, type: null }
  const head = body.toString('latin1', start, Math.min(end, start + LONGEST_HEAD))
  if (!/^data:/i.test(head)) return { bytes: 0, type: '' }
  const match = MEDIA_URL.exec(head)
  return match === null ? null : { bytes: end - start - match[0].length, type: match[0].slice('data:'.length) }
}
