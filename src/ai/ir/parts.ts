import type { DialectName, SealFamily } from '../dialects/name.ts'
import type { JsonObject } from './json.ts'

/** Up to here the vendor shall keep the prompt; the lifetime is the vendor's default when absent. */
export interface CacheMark {
  readonly ttl?: '5m' | '1h' | '24h' | undefined
}

/** Where the bytes of an image, a document, a sound or a film are. */
export type MediaSource =
  | { readonly kind: 'data'; readonly mediaType: string; readonly base64: string }
  | { readonly kind: 'url'; readonly url: string; readonly mediaType?: string | undefined }
  /** A file at the vendor's. */
  | { readonly kind: 'file'; readonly id: string; readonly mediaType?: string | undefined }
  /** Text that a document part holds itself. */
  | { readonly kind: 'text'; readonly text: string }

export interface TextPart {
  readonly type: 'text'
  readonly text: string
  readonly citations?: readonly Citation[] | undefined
  readonly cache?: CacheMark | undefined
  /** Gemini signs texts, too; see ReasoningPart. */
  readonly signature?: Signature | undefined
  /** OpenAI's Responses name the message that it stands in. */
  readonly itemId?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface ImagePart {
  readonly type: 'image'
  readonly source: MediaSource
  readonly detail?: 'auto' | 'low' | 'high' | 'original' | undefined
  readonly cache?: CacheMark | undefined
  readonly extra?: JsonObject | undefined
}

export interface DocumentPart {
  readonly type: 'document'
  readonly source: MediaSource
  readonly name?: string | undefined
  readonly context?: string | undefined
  readonly citations?: boolean | undefined
  readonly cache?: CacheMark | undefined
  readonly extra?: JsonObject | undefined
}

export interface AudioPart {
  readonly type: 'audio'
  readonly source: MediaSource
  /** What is said in it, where the vendor tells. */
  readonly transcript?: string | undefined
  /** The vendor's name of a sound that it made, for the next turn. */
  readonly id?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface VideoPart {
  readonly type: 'video'
  readonly source: MediaSource
  readonly extra?: JsonObject | undefined
}

/** Who can check or read what a vendor sealed: only the family that made it, and for some the account, too. */
export interface Signature {
  readonly family: SealFamily
  readonly value: string
}

export interface ToolCallPart {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  /**
   * JSON text of an object as the model wrote it (`{}` for none); for a custom tool its free text. It may be cut or
   * broken: encoders that need an object look first.
   */
  readonly arguments: string
  readonly custom?: boolean | undefined
  /** The group that the tool stands in, and what it is called there (OpenAI's Responses). */
  readonly namespace?: { readonly name: string; readonly tool: string } | undefined
  readonly signature?: Signature | undefined
  readonly cache?: CacheMark | undefined
  /** The name that OpenAI's Responses give the item beside the call's id. */
  readonly itemId?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface ToolResultPart {
  readonly type: 'tool-result'
  readonly callId: string
  /** The tool's name, where the dialect says it; others find it by the call. */
  readonly name?: string | undefined
  readonly content: readonly (TextPart | ImagePart | DocumentPart)[]
  readonly isError: boolean
  readonly custom?: boolean | undefined
  readonly cache?: CacheMark | undefined
  readonly extra?: JsonObject | undefined
}

export interface ReasoningPart {
  readonly type: 'reasoning'
  /** What may be read of it; empty when all of it is sealed. */
  readonly text: string
  /** `text` is a summary and not the thought itself. */
  readonly summary?: boolean | undefined
  /** Proves that `text` is the model's own. */
  readonly signature?: Signature | undefined
  /** Holds the thought where `text` does not (redacted, encrypted). */
  readonly sealed?: Signature | undefined
  readonly itemId?: string | undefined
  readonly extra?: JsonObject | undefined
}

export interface RefusalPart {
  readonly type: 'refusal'
  readonly text: string
  readonly itemId?: string | undefined
}

/** Something of one dialect that has no equal: its own encoder writes it again, others report it. */
export interface OpaquePart {
  readonly type: 'opaque'
  readonly dialect: DialectName
  /** What it is called there, e.g. `web_search_call`. */
  readonly name: string
  readonly value: JsonObject
}

export type UserPart = TextPart | ImagePart | DocumentPart | AudioPart | VideoPart | OpaquePart
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart | RefusalPart | ImagePart | AudioPart | OpaquePart

/** Where a statement comes from. */
export interface Citation {
  readonly url?: string | undefined
  readonly title?: string | undefined
  readonly quote?: string | undefined
  /** Characters of the text that it stands behind: from `start`, before `end`. */
  readonly start?: number | undefined
  readonly end?: number | undefined
  /** As it came, for its own dialect. */
  readonly raw?: { readonly dialect: DialectName; readonly value: JsonObject } | undefined
}
