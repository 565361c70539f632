import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type {
  AssistantPart,
  ImagePart,
  MediaSource,
  ReasoningPart,
  Signature,
  TextPart,
  UserPart,
} from '../../ir/parts.ts'
import type { DialectName } from '../../ir/request.ts'
import { argumentsObject } from '../call-arguments.ts'
import { MADE_ID } from './calls.ts'
import { encodeSource, type MediaKind } from './media.ts'

/** Who reads the parts, and whose words they were. */
export interface PartContext {
  /** Null: of parts whose words are not known. */
  readonly dialect: DialectName | null
  readonly thirdGeneration: boolean
  readonly losses: Losses
  /** What stands in `thoughtSignature` for a seal; null: its reader has no use for it. */
  readonly seal: (
    signature: Signature | undefined,
    kind: 'text' | 'reasoning' | 'tool_call',
    itemId?: string,
  ) => string | null
  /** The same for a seal that holds the thought itself. Absent: this vendor has none of the kind. */
  readonly sealed?: (sealed: Signature, itemId: string | undefined) => string
}

const RESOLUTIONS: Readonly<Record<NonNullable<ImagePart['detail']>, string | null>> = {
  auto: null,
  low: 'MEDIA_RESOLUTION_LOW',
  high: 'MEDIA_RESOLUTION_HIGH',
  original: 'MEDIA_RESOLUTION_ULTRA_HIGH',
}

/** What becomes of a part of the user's; null when nothing is left of it. */
export function encodeUserPart(part: UserPart, context: PartContext): JsonObject | null {
  switch (part.type) {
    case 'text':
      return encodeText(part, context)
    case 'image':
      return encodeImage(part, context)
    case 'audio':
      return encodeMedia(part, 'audio', context)
    case 'video':
      return encodeMedia(part, 'video', context)
    case 'document': {
      const encoded = encodeMedia(part, 'document', context)
      if (part.name === undefined || encoded === null) return encoded
      return named(encoded, part.name, context)
    }
    case 'opaque':
      return encodeOpaque(part, context)
  }
}

/** Only a part of media has a name, and only some of the vendor's endpoints know it. */
function named(part: JsonObject, displayName: string, { dialect, losses }: PartContext): JsonObject {
  if (dialect === 'gemini') return withMedia(part, { displayName })
  losses.drop('messages[].document.name')
  return part
}

/** What becomes of a part of the model's, as history or as an answer; null when nothing is left of it. */
export function encodeModelPart(part: AssistantPart, context: PartContext): JsonObject | null {
  const { losses } = context
  switch (part.type) {
    case 'text': {
      const signature = context.seal(part.signature, 'text')
      const text = encodeText(part, context)
      if (text === null) return signature === null ? null : { text: '', thoughtSignature: signature }
      return signature === null ? text : { ...text, thoughtSignature: signature }
    }
    case 'reasoning': {
      const signature = sealOf(part, context)
      const extra = extraOf(part, 'reasoning', context)
      if (part.text === '' && signature === null && extra === undefined) return null
      const thought = { text: part.text, thought: true, ...extra }
      return signature === null ? thought : { ...thought, thoughtSignature: signature }
    }
    case 'tool-call': {
      const signature = context.seal(part.signature, 'tool_call')
      const call = {
        ...(!part.id.startsWith(MADE_ID) && { id: part.id }),
        name: part.name,
        args: argumentsObject(part.arguments, losses, 'messages[].tool_call.arguments'),
      }
      const whole = { functionCall: call, ...extraOf(part, 'tool_call', context) }
      return signature === null ? whole : { ...whole, thoughtSignature: signature }
    }
    case 'refusal':
      losses.adapt('messages[].refusal')
      return part.text === '' ? null : { text: part.text }
    case 'image':
      return encodeImage(part, context)
    case 'audio':
      return encodeMedia(part, 'audio', context)
    case 'opaque':
      return encodeOpaque(part, context)
  }
}

function sealOf(part: ReasoningPart, context: PartContext): string | null {
  if (part.sealed === undefined || context.sealed === undefined)
    return context.seal(part.signature, 'reasoning', part.itemId)
  return context.sealed(part.sealed, part.itemId)
}

function encodeText(part: TextPart, context: PartContext): JsonObject | null {
  const extra = extraOf(part, 'text', context)
  // A part without data is refused.
  if (part.text === '' && extra === undefined) return null
  return { text: part.text, ...extra }
}

function encodeImage(part: ImagePart, context: PartContext): JsonObject | null {
  const encoded = encodeMedia(part, 'image', context)
  const level = part.detail === undefined ? null : RESOLUTIONS[part.detail]
  if (encoded === null || level === null) return encoded
  if (context.thirdGeneration) return { ...encoded, mediaResolution: { level } }
  context.losses.drop('messages[].image.detail')
  return encoded
}

interface MediaPart {
  readonly type: string
  readonly source: MediaSource
  readonly extra?: JsonObject | undefined
}

function encodeMedia(part: MediaPart, kind: MediaKind, context: PartContext): JsonObject | null {
  const encoded = encodeSource(part.source, kind)
  if (encoded === null) {
    context.losses.drop(`messages[].${kind}.source`)
    return null
  }
  if (part.source.kind === 'text') context.losses.adapt(`messages[].${kind}.source`)
  const extra = extraOf(part, kind, context)
  if (extra === undefined) return encoded
  const { media, ...rest } = extra
  return { ...(isObject(media) ? withMedia(encoded, media) : encoded), ...rest }
}

function withMedia(part: JsonObject, members: JsonObject): JsonObject {
  const { inlineData, fileData } = part
  if (isObject(inlineData)) return { ...part, inlineData: { ...inlineData, ...members } }
  return isObject(fileData) ? { ...part, fileData: { ...fileData, ...members } } : part
}

function encodeOpaque(
  part: { dialect: DialectName; name: string; value: JsonObject },
  context: PartContext,
): JsonObject | null {
  if (part.dialect === 'gemini') return part.value
  context.losses.drop(`messages[].${part.name}`)
  return null
}

/** Members that only this dialect knows, when they are its own; otherwise they are reported. */
export function extraOf(
  part: { readonly extra?: JsonObject | undefined },
  type: string,
  { dialect, losses }: PartContext,
): JsonObject | undefined {
  if (part.extra === undefined || dialect === 'gemini') return part.extra
  losses.dropAll(`messages[].${type}`, part.extra)
  return undefined
}
