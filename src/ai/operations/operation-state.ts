import type { BodySource, Exchange } from '../../core/index.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { Usage } from '../models/price.ts'
import type { ModelTarget } from '../models/target.ts'
import type { Encoded } from './codec.ts'
import type { EmbedRequest } from './google/embed-words.ts'
import type { FormUpload } from './multipart/form-upload.ts'
import type { Operation, OperationFacts } from './operation.ts'

/** What is known of one request that is no conversation; lives in `x.surface`. */
export class OperationState {
  readonly operation: Operation
  readonly facts: OperationFacts
  target: ModelTarget | null = null
  /** The body for the upstream: whole, or as it arrives. */
  body: Buffer | null = null
  source: BodySource | null = null
  /** The client's form; null for requests that are JSON. */
  form: FormUpload | null = null
  /** In place of the candidate's; null: that. */
  path: string | null = null
  /** What a client of Google's asked for; null: it speaks OpenAI's words. */
  embeds: EmbedRequest | null = null
  /** Puts an answer in OpenAI's words, and as it came, into the client's; null: those are the client's. */
  encode: ((told: JsonObject, answer: JsonObject) => JsonObject) | null = null
  /** How the answer is read of a provider that has words of its own. */
  decode: Encoded['decode'] | null = null
  /** The form of vectors that the client asked for. */
  vectors: 'float' | 'base64' | null = null
  losses: Losses | null = null
  /** As the upstream reported it. */
  usage: Usage | null = null
  /** Of a request that is copied: nobody will see the answer. */
  isCopy = false
  /** The upstream began a successful answer. */
  answered = false

  constructor(operation: Operation, facts: OperationFacts) {
    this.operation = operation
    this.facts = facts
  }

  /** The same for another exchange of the request, of whose answer nothing is known. */
  again(purpose: 'answer' | 'unheard'): OperationState {
    const state = new OperationState(this.operation, this.facts)
    state.embeds = this.embeds
    state.vectors = this.vectors
    state.isCopy = purpose === 'unheard'
    return state
  }

  /** An attempt at this target begins: what was made for another one is gone. */
  begin(target: ModelTarget): void {
    this.target = target
    this.body = null
    this.source = null
    this.path = null
    this.encode = null
    this.decode = null
    this.losses = null
    this.forgetAnswer()
  }

  /** Another attempt follows: what came of this one is no part of its answer. */
  forgetAnswer(): void {
    this.usage = null
    this.answered = false
  }
}

/** The state of a request that passed `inspect` of an operation, else null. */
export function operationStateOf(x: Exchange): OperationState | null {
  return x.surface instanceof OperationState ? x.surface : null
}
