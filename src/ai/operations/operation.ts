import type { JsonObject } from '../ir/json.ts'
import type { Usage } from '../models/price.ts'

/** A request for a model that is no conversation: one path of OpenAI's API, served by many. */
export type OperationName =
  | 'embeddings'
  | 'images.generations'
  | 'images.edits'
  | 'images.variations'
  | 'audio.speech'
  | 'audio.transcriptions'
  | 'audio.translations'
  | 'moderations'
  | 'rerank'

export interface Operation {
  /** As records, metrics and limits call it. */
  readonly name: OperationName
  readonly scope: string
  /** Path for clients. */
  readonly path: string
  /** The same below the root of a provider that speaks OpenAI's API. */
  readonly suffix: string
  /** `multipart`: a form with files in it, which streams through. */
  readonly body: 'json' | 'multipart'
  /** Members without which no provider can serve it. */
  readonly required: readonly OperationMember[]
  /** What the vendor takes when a request names no model; null: it must name one. */
  readonly defaultModel: string | null
  readonly meter: OperationMeter
}

/** Top-level members of requests that the gateway reads or changes; the order is their number in scans. */
export const MEMBERS = [
  'model',
  'input',
  'prompt',
  'query',
  'documents',
  'n',
  'stream',
  'stream_format',
  'encoding_format',
] as const
export type OperationMember = (typeof MEMBERS)[number]

/** What is known of a request that decides what it may cost. */
export interface OperationFacts {
  readonly model: string
  readonly stream: boolean
  /** Bytes that the model reads as text. */
  readonly textBytes: number
  /** Characters of a text that is spoken. */
  readonly characters: number
  /** Results asked for, e.g. pictures. */
  readonly count: number
  /** Bytes of files; 0 for none, or when nobody knows yet. */
  readonly uploadBytes: number
}

/** How the use of an operation is found out. */
export interface OperationMeter {
  /** The most that a request can use; `bytesPerToken` by the rule of the configuration. */
  most(facts: OperationFacts, bytesPerToken: number): Usage
  /** What a whole answer, or one event of a streamed one, tells; null: nothing. */
  read(answer: JsonObject, facts: OperationFacts): Usage | null
  /** What a success used that told nothing. */
  guess(facts: OperationFacts): Usage
}
