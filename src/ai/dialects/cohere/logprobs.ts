import { isObject, type JsonObject } from '../../ir/json.ts'

/** The vendor gives a text with the probabilities of its tokens: as one token each, in the words of OpenAI. */
export function decodeLogprobs(items: readonly unknown[]): JsonObject | null {
  const content = items.filter(isObject).map((item) => {
    const { text, logprobs } = item
    const numbers = Array.isArray(logprobs) ? logprobs.filter((value) => typeof value === 'number') : []
    const logprob = numbers.reduce((sum, value) => sum + value, 0)
    return { token: typeof text === 'string' ? text : '', logprob, bytes: null, top_logprobs: [] }
  })
  return content.length === 0 ? null : { content }
}
