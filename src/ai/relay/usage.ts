import { usageOfAnswer } from '../dialects/openai-chat/usage.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Usage } from '../models/price.ts'
import { usageOfTokens } from '../models/token-usage.ts'

/** What an answer in OpenAI's chat dialect, or a chunk of one, used; null when that cannot be believed. */
export function readUsage(answer: JsonObject): Usage | null {
  const tokens = usageOfAnswer(answer)
  return tokens === null ? null : usageOfTokens(tokens)
}
