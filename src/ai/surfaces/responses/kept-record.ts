import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'

/** One turn as it is kept: what the client sent, and what it got. */
export interface KeptRecord {
  readonly request: JsonObject
  readonly response: JsonObject
}

/** Null for what is none; only a store that somebody else wrote holds such. */
export function readRecord(text: string): KeptRecord | null {
  const value = parseExact(text)
  if (!isObject(value)) return null
  const { request, response } = value
  return isObject(request) && isObject(response) ? { request, response } : null
}

/** The items that the client sent; a text is one of them. */
export function inputItems({ request, response }: KeptRecord): JsonObject[] {
  const { input } = request
  const items = Array.isArray(input) ? input.filter(isObject) : []
  if (typeof input === 'string') items.push(userMessage(input))
  // References were looked up when the request came: what they stood for is in the turns before.
  return items.filter((item) => item['type'] !== 'item_reference').map((item, at) => named(item, response['id'], at))
}

/** The items that the model made. */
export function outputItems({ response }: KeptRecord): JsonObject[] {
  const { output } = response
  return Array.isArray(output) ? output.filter(isObject) : []
}

/** Everything that was said up to the end of these turns. */
export function conversationOf(records: readonly KeptRecord[]): JsonObject[] {
  return records.flatMap((record) => [...inputItems(record), ...outputItems(record)])
}

export function userMessage(text: string): JsonObject {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] }
}

const PREFIXES: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
}

/** Lists name every item. One that came without a name gets the same each time. */
function named(item: JsonObject, responseId: unknown, at: number): JsonObject {
  const whole = item['type'] === undefined ? { type: 'message', ...item } : item
  if (typeof whole['id'] === 'string') return whole
  const prefix = PREFIXES[String(whole['type'])] ?? 'item'
  return { ...whole, id: `${prefix}_${String(responseId).replace(/^resp_/, '')}i${at}` }
}
