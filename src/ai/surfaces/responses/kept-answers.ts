import type { ContentPort, KeepingLimits } from '../../../storage/index.ts'
import type { AnswerContext, ClientDialect } from '../../dialects/dialect.ts'
import { encodeAnswer } from '../../dialects/openai-responses/encode-answer.ts'
import { type Keeping, ResponsesEncoder } from '../../dialects/openai-responses/encode-stream.ts'
import { openaiResponsesClient } from '../../dialects/openai-responses/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'

/** A request whose answer will be kept. */
export interface ToKeep {
  readonly tenant: string
  /** The answer that it goes on with. */
  readonly parent: string | null
  /** As the client sent it. */
  readonly body: Buffer
}

/** Keeps the answers of requests that asked for it, as `previous_response_id` and `GET` find them again. */
export class KeptAnswers {
  readonly #content: ContentPort
  readonly #limits: KeepingLimits
  /** By the id that answers are made of. */
  readonly #expected = new Map<string, ToKeep>()

  constructor(content: ContentPort, limits: KeepingLimits) {
    this.#content = content
    this.#limits = limits
  }

  /** The dialect's client side, which keeps what it makes. */
  readonly client: ClientDialect = {
    ...openaiResponsesClient,
    encodeAnswer: (answer, context) => {
      const keeping = this.#keepingOf(context)
      const response = { ...encodeAnswer(answer, context), ...keeping?.members }
      keeping?.onEnd(response)
      return response
    },
    streamEncoder: (context) => new ResponsesEncoder(context, this.#keepingOf(context)),
  }

  /** `requestId`: of the exchange. */
  expect(requestId: string, answer: ToKeep): void {
    this.#expected.set(answerIdOf(requestId), answer)
  }

  /** The request has ended. */
  forget(requestId: string): void {
    if (this.#expected.size > 0) this.#expected.delete(answerIdOf(requestId))
  }

  #keepingOf(context: AnswerContext): Keeping | null {
    const asked = this.#expected.get(context.id)
    if (asked === undefined) return null
    return {
      members: { previous_response_id: asked.parent, store: true },
      onEnd: (response) => this.#keep(asked, response),
    }
  }

  #keep({ tenant, parent, body }: ToKeep, response: JsonObject): void {
    const { id, output } = response
    if (typeof id !== 'string') return
    const items = (Array.isArray(output) ? output : []).flatMap((item) =>
      isObject(item) && typeof item['id'] === 'string' ? [item['id']] : [],
    )
    const text = `{"request":${body.toString('utf8')},"response":${JSON.stringify(response)}}`
    this.#content.keep(tenant, { id, parent, items, text }, this.#limits)
  }
}

function answerIdOf(requestId: string): string {
  return requestId.replaceAll('-', '')
}
