import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { leftOver } from '../../ir/losses.ts'
import type { AssistantPart, ImagePart, OpaquePart, Signature, UserPart } from '../../ir/parts.ts'
import { decodeMedia, type Media } from './media.ts'
import { readSeal } from './seals.ts'

/** Parts with no equal elsewhere: the vendor's own tools at work. */
const OWN = ['executableCode', 'codeExecutionResult', 'toolCall', 'toolResponse'] as const

/** A part of a user's content. Results of functions are read before. */
export function decodeUserPart(part: Fields): UserPart {
  const text = part.string('text')
  if (text !== undefined) return { type: 'text', text, ...signed(part), ...rest(part) }
  const media = decodeMedia(part)
  if (media !== null) return mediaPart(part, media)
  return opaquePart(part)
}

/** A part that a model made, calls apart. `thought` marks what it thought. */
export function decodeModelPart(part: Fields): AssistantPart {
  const text = part.string('text')
  if (text !== undefined) return decodeProse(part, text)
  const thought = part.boolean('thought') === true
  const media = decodeMedia(part)
  if (media !== null && !thought && media.kind === 'image') return imagePart(part, media)
  if (media !== null && !thought && media.kind === 'audio') {
    return { type: 'audio', source: media.source, ...mediaRest(part, media) }
  }
  // The vendor's client for Go gives an empty text back without its member: nothing is left of it, or the seal beside it.
  const bare = media === null && Object.keys(part.rest() ?? {}).every((name) => name === 'thoughtSignature')
  return bare ? decodeProse(part, '') : opaquePart(part)
}

function decodeProse(part: Fields, text: string): AssistantPart {
  if (part.boolean('thought') !== true) return { type: 'text', text, ...signed(part), ...rest(part) }
  const carried = readSealOf(part)
  if (carried === undefined) return { type: 'reasoning', text, summary: true, ...rest(part) }
  const { seal, holdsThought, itemId } = carried
  return {
    type: 'reasoning',
    text,
    summary: true,
    ...(holdsThought ? { sealed: seal } : { signature: seal }),
    ...(itemId !== undefined && { itemId }),
    ...rest(part),
  }
}

function mediaPart(part: Fields, media: Media): UserPart {
  switch (media.kind) {
    case 'image':
      return imagePart(part, media)
    case 'audio':
      return { type: 'audio', source: media.source, ...mediaRest(part, media) }
    case 'video':
      return { type: 'video', source: media.source, ...mediaRest(part, media) }
    case 'document':
      return {
        type: 'document',
        source: media.source,
        ...(media.name !== undefined && { name: media.name }),
        ...mediaRest(part, { ...media, name: undefined }),
      }
  }
}

/** Resolutions that OpenAI's `detail` can say. */
const DETAILS: Readonly<Record<string, NonNullable<ImagePart['detail']>>> = {
  MEDIA_RESOLUTION_LOW: 'low',
  MEDIA_RESOLUTION_HIGH: 'high',
  MEDIA_RESOLUTION_ULTRA_HIGH: 'original',
}

function imagePart(part: Fields, media: Media): ImagePart {
  const resolution = part.value('mediaResolution')
  const said = isObject(resolution) ? fieldsOf(resolution, part.at('mediaResolution')) : null
  const level = said?.value('level')
  const detail = typeof level === 'string' ? DETAILS[level] : undefined
  if (detail === undefined) said?.keep()
  const more = detail === undefined && resolution !== undefined ? { mediaResolution: resolution } : undefined
  return {
    type: 'image',
    source: media.source,
    ...(detail !== undefined && { detail }),
    ...mediaRest(part, media, more),
  }
}

/** What else is said of a part of media, in the form in which it goes out again. */
function mediaRest(part: Fields, media: Media, more?: JsonObject): { extra?: JsonObject } {
  const displayName = media.name === undefined ? undefined : { displayName: media.name }
  const own = displayName === undefined && media.extra === undefined ? undefined : { ...displayName, ...media.extra }
  const members = { ...more, ...part.rest(), ...(own !== undefined && { media: leftOver(own) }) }
  return Object.keys(members).length === 0 ? {} : { extra: members }
}

function opaquePart(part: Fields): OpaquePart {
  const value = part.rest() ?? {}
  const name = OWN.find((known) => known in value) ?? Object.keys(value)[0]
  if (name === undefined) throw new FieldProblem(part.path, 'expected a part with data in it')
  return { type: 'opaque', dialect: 'gemini', name, value: { ...value, ...thoughtOf(part) } }
}

function thoughtOf(part: Fields): JsonObject | undefined {
  return part.has('thought') ? { thought: part.value('thought') } : undefined
}

function readSealOf(part: Fields): ReturnType<typeof readSeal> | undefined {
  const text = part.string('thoughtSignature')
  return text === undefined || text === '' ? undefined : readSeal(text)
}

/** The seal of a text or of a call. */
export function signed(part: Fields): { signature?: Signature } {
  const carried = readSealOf(part)
  return carried === undefined ? {} : { signature: carried.seal }
}

function rest(part: Fields): { extra?: JsonObject } {
  const extra = part.rest()
  return extra === undefined ? {} : { extra }
}
