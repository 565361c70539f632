import type { Usage } from '../../models/price.ts'
import { DeliveredEstimate, estimateTokens } from '../../relay/delivered.ts'
import { NOTHING, tokensOf } from '../usage.ts'

/** Where an event says what it is; what it carries stands behind. */
const HEAD_BYTES = 512
const TYPE = /"type"\s*:\s*"([a-z_.]+)"/
/** What an event has around a piece of an answer: ids, indexes, names. */
const ENVELOPE_BYTES = 200
/** Sound counts as 20 tokens a second (OpenAI, "Realtime costs", 2026-11): base64 of 24,000 samples of two bytes, or of 8,000 of one. */
const BYTES_PER_TOKEN = { pcm: 3_200, telephone: 533 } as const
const TELEPHONE = /pcm[ua]"|g711/

/**
 * What the answer of a session that goes on has probably used: its usage is told with its end, and a client that leaves before that
 * has had it all the same.
 */
export class UnfinishedAnswer {
  #bytesPerToken: number = BYTES_PER_TOKEN.pcm
  #isOpen = false
  #soundBytes = 0
  #text = new DeliveredEstimate()
  /** Tokens that the next answer is made of, as far as it is known: all that was said before. */
  #context = 0

  /** One event of the upstream; `told` is the usage that was read of it. */
  read(event: Buffer, told: Usage | null): void {
    if (told !== null) {
      this.#context = tokensOf(told)
      this.#close()
      return
    }
    const type = TYPE.exec(event.toString('latin1', 0, HEAD_BYTES))?.[1] ?? ''
    const bytes = Math.max(0, event.length - ENVELOPE_BYTES)
    if (type === 'response.created') this.#isOpen = true
    else if (type.endsWith('audio.delta')) this.#soundBytes += bytes
    else if (type.endsWith('.delta') && type.startsWith('response.')) this.#text.add(event.length)
    else if (type === 'conversation.item.added' || type === 'conversation.item.created') {
      this.#context += estimateTokens(bytes)
    } else if (type === 'session.created' || type === 'session.updated') {
      const isTelephone = TELEPHONE.test(event.toString('latin1'))
      this.#bytesPerToken = isTelephone ? BYTES_PER_TOKEN.telephone : BYTES_PER_TOKEN.pcm
    }
  }

  /** What is not told yet; null: nothing was begun. */
  get usage(): Usage | null {
    const sound = Math.ceil(this.#soundBytes / this.#bytesPerToken)
    const text = this.#text.tokens
    if (!this.#isOpen && sound + text === 0) return null
    return {
      ...NOTHING,
      inputTokens: this.#context,
      outputTokens: text,
      ...(sound === 0 ? {} : { audioOutputTokens: sound }),
    }
  }

  #close(): void {
    this.#isOpen = false
    this.#soundBytes = 0
    this.#text = new DeliveredEstimate()
  }
}
