import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AudioPart, DocumentPart, ImagePart, MediaSource, VideoPart } from '../../ir/parts.ts'

/** Formats by media type, as the Converse API names them (ImageFormat, DocumentFormat, VideoFormat, AudioFormat). */
const IMAGES: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}

const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/markdown': 'md',
  'text/plain': 'txt',
  'application/json': 'txt',
}

const VIDEOS: Readonly<Record<string, string>> = {
  'video/x-matroska': 'mkv',
  'video/quicktime': 'mov',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'video/x-flv': 'flv',
  'video/mpeg': 'mpeg',
  'video/x-ms-wmv': 'wmv',
  'video/3gpp': 'three_gp',
}

const AUDIO: Readonly<Record<string, string>> = {
  'audio/wav': 'wav',
  'audio/mp3': 'mp3',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'audio/flac': 'flac',
  'audio/aac': 'aac',
  'audio/mp4': 'm4a',
  'audio/webm': 'webm',
  'audio/opus': 'opus',
}

/** The bytes, or where they lie in S3: Bedrock fetches nothing else. */
function bytesOrS3(source: MediaSource): JsonObject | null {
  if (source.kind === 'data') return { bytes: source.base64 }
  if (source.kind === 'url' && source.url.startsWith('s3://')) return { s3Location: { uri: source.url } }
  return null
}

/** The format by the media type, or by the ending of an address. */
function formatOf(source: MediaSource, formats: Readonly<Record<string, string>>): string | undefined {
  if (source.kind === 'text') return formats['text/plain']
  if (source.mediaType !== undefined) return formats[source.mediaType]
  if (source.kind !== 'url') return undefined
  const ending = source.url.slice(source.url.lastIndexOf('.') + 1).toLowerCase()
  if (ending === 'jpg') return 'jpeg'
  return Object.values(formats).includes(ending) ? ending : undefined
}

export function encodeImage(part: ImagePart, losses: Losses): JsonObject | null {
  return encodePlain(part, 'image', { formats: IMAGES, losses })
}

export function encodeVideo(part: VideoPart, losses: Losses): JsonObject | null {
  return encodePlain(part, 'video', { formats: VIDEOS, losses })
}

export function encodeAudio(part: AudioPart, losses: Losses): JsonObject | null {
  return encodePlain(part, 'audio', { formats: AUDIO, losses })
}

interface Kind {
  readonly formats: Readonly<Record<string, string>>
  readonly losses: Losses
}

function encodePlain(
  part: { readonly source: MediaSource },
  name: string,
  { formats, losses }: Kind,
): JsonObject | null {
  const format = formatOf(part.source, formats)
  const source = bytesOrS3(part.source)
  if (format === undefined || source === null) {
    losses.drop(`messages[].${name}`)
    return null
  }
  return { [name]: { format, source } }
}

/** Names of documents of one request: Converse refuses two of one name, and most characters. */
export class DocumentNames {
  readonly #taken = new Set<string>()
  /** The number that the next document of a name gets. */
  readonly #numbers = new Map<string, number>()

  next(wanted: string | undefined): string {
    const name = (wanted ?? '')
      .replace(/[^A-Za-z0-9\s()[\]-]/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
    const base = name === '' ? 'document' : name.slice(0, LONGEST_NAME)
    let unique = base
    if (this.#taken.has(unique)) {
      let number = this.#numbers.get(base) ?? 2
      do unique = `${base} (${number++})`
      while (this.#taken.has(unique))
      this.#numbers.set(base, number)
    }
    this.#taken.add(unique)
    return unique
  }
}

/** The service takes 200 characters; some are left for the number that makes a name unique. */
const LONGEST_NAME = 190

export function encodeDocument(part: DocumentPart, names: DocumentNames, losses: Losses): JsonObject | null {
  const format = formatOf(part.source, DOCUMENTS)
  const source = part.source.kind === 'text' ? { text: part.source.text } : bytesOrS3(part.source)
  if (format === undefined || source === null) {
    losses.drop('messages[].document')
    return null
  }
  const document: Record<string, unknown> = { format, name: names.next(part.name), source }
  if (part.context !== undefined) document['context'] = part.context
  if (part.citations !== undefined) document['citations'] = { enabled: part.citations }
  return { document }
}
