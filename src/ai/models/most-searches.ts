import { isObject } from '../ir/json.ts'

/** Words by which requests of all dialects let a vendor search: without them a body need not be read. */
const WORDS = ['web_search', 'google_search', 'googleSearch', 'search_parameters'] as const

/** How often a vendor may search for an answer to this body, at most; `unnamed` where it may and no maximum is named. */
export function mostSearches(body: Buffer, unnamed: number): number {
  if (!WORDS.some((word) => body.includes(word))) return 0
  let request: unknown
  try {
    request = JSON.parse(body.toString('utf8'))
  } catch {
    return unnamed // whoever serves it says what is wrong
  }
  if (!isObject(request)) return 0
  const { tools, max_tool_calls: calls } = request
  const ofTools = (Array.isArray(tools) ? tools : []).map((tool: unknown) => usesOf(tool, unnamed))
  const searched = ofTools.reduce((sum, uses) => sum + uses, 0)
  if (searched > 0) return Math.min(searched, countOr(calls, searched))
  return isObject(request['web_search_options']) || isObject(request['search_parameters']) ? unnamed : 0
}

/** OpenAI's and Anthropic's tools have a type (`web_search_20250305`), Google's a member of that name. */
function usesOf(tool: unknown, unnamed: number): number {
  if (!isObject(tool)) return 0
  const { type } = tool
  if (typeof type === 'string' && type.startsWith('web_search')) return countOr(tool['max_uses'], unnamed)
  return 'google_search' in tool || 'googleSearch' in tool ? unnamed : 0
}

function countOr(value: unknown, other: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : other
}
