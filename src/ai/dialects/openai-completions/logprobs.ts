import { isObject, type JsonObject } from '../../ir/json.ts'

/** The older form (four parallel lists) from the newer one (a list of tokens); `offset`: characters before the first. */
export function encodeLogprobs(logprobs: JsonObject | undefined, offset: number): JsonObject | null {
  const content = logprobs?.['content']
  if (!Array.isArray(content)) return null
  const tokens: string[] = []
  const values: number[] = []
  const offsets: number[] = []
  const tops: Record<string, number>[] = []
  let at = offset
  for (const item of content) {
    if (!isObject(item)) continue
    const token = String(item['token'])
    tokens.push(token)
    values.push(Number(item['logprob']))
    offsets.push(at)
    at += token.length
    const top = Array.isArray(item['top_logprobs']) ? item['top_logprobs'].filter(isObject) : []
    tops.push(Object.fromEntries(top.map((each) => [String(each['token']), Number(each['logprob'])])))
  }
  return { tokens, token_logprobs: values, top_logprobs: tops, text_offset: offsets }
}

/** The newer form from the older one. */
export function decodeLogprobs(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined
  const { tokens, token_logprobs: values, top_logprobs: tops } = value
  if (!Array.isArray(tokens) || tokens.length === 0) return undefined
  const content = tokens.map((token: unknown, at) => {
    const top: unknown = Array.isArray(tops) ? tops[at] : null
    const others = isObject(top) ? Object.entries(top).map(([name, logprob]) => tokenOf(name, logprob)) : []
    return { ...tokenOf(token, Array.isArray(values) ? values[at] : null), top_logprobs: others }
  })
  return { content }
}

/** The first token of a text has no probability there; the newer form wants a number. */
function tokenOf(token: unknown, logprob: unknown): JsonObject {
  return { token: String(token), logprob: typeof logprob === 'number' ? logprob : 0, bytes: null }
}
