import { isObject, type JsonObject } from '../../ir/json.ts'

/** `logprobsResult` in the words of OpenAI's chat dialect. */
export function decodeLogprobs(result: JsonObject): JsonObject | null {
  const chosen = result['chosenCandidates']
  const top = result['topCandidates']
  if (!Array.isArray(chosen)) return null
  const content = chosen.map((item: unknown, index) => {
    const others: unknown = Array.isArray(top) ? top[index] : undefined
    const candidates = isObject(others) ? others['candidates'] : undefined
    return { ...token(item), top_logprobs: Array.isArray(candidates) ? candidates.map(token) : [] }
  })
  return { content }
}

function token(item: unknown): JsonObject {
  if (!isObject(item)) return { token: '', logprob: 0, bytes: null }
  return { token: item['token'] ?? '', logprob: item['logProbability'] ?? 0, bytes: null }
}

export function encodeLogprobs(logprobs: JsonObject): JsonObject | null {
  const { content } = logprobs
  if (!Array.isArray(content)) return null
  const items = content.filter(isObject)
  return {
    chosenCandidates: items.map(candidate),
    topCandidates: items.map((item) => {
      const top = item['top_logprobs']
      return { candidates: Array.isArray(top) ? top.filter(isObject).map(candidate) : [] }
    }),
  }
}

function candidate(item: JsonObject): JsonObject {
  return { token: item['token'] ?? '', logProbability: item['logprob'] ?? 0 }
}
