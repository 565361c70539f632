import type { GatewayError } from '../../core/index.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { FormPart } from './multipart/form-parts.ts'

/** What a codec is told beside the request. */
export interface CodecContext {
  /** As the provider calls the model. */
  readonly model: string
  readonly losses: Losses
  /** Seconds since the epoch. */
  readonly createdAt: number
  /** Letters and digits, of this request alone. */
  readonly id: string
}

/** A request in a provider's own words, and how its answer is read. */
export interface Encoded {
  readonly body: JsonObject
  /** The answer in OpenAI's words, usage included; an error for what is none. */
  readonly decode: (answer: JsonObject) => JsonObject | GatewayError
}

/** A form as a provider wants it that takes JSON in its place. Pure. */
export type FormCodec = (
  parts: readonly FormPart[],
  context: Pick<CodecContext, 'model' | 'losses'>,
) => JsonObject | GatewayError

/** One operation as a provider spells it that has an API of its own. Pure. */
export type OperationCodec = (request: JsonObject, context: CodecContext) => Encoded | GatewayError
