import { isObject } from '../ir/json.ts'

/** Kinds of parts that are text, in the dialects that name them. */
const TEXT_PARTS: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text'])

/**
 * The texts that the user wrote, message after message, from a conversation in any client's dialect: one text, a list of
 * texts, or a list of messages whose content is a text or a list of parts.
 */
export function userWords(conversation: unknown): readonly string[] {
  if (typeof conversation === 'string') return [conversation]
  if (!Array.isArray(conversation)) return []
  const words: string[] = []
  for (const item of conversation) {
    if (typeof item === 'string') words.push(item)
    else if (isObject(item) && isUsers(item['role'], item['type'])) addContent(item['content'] ?? item['parts'], words)
  }
  return words
}

/** An item of another kind than a message has no role. */
function isUsers(role: unknown, type: unknown): boolean {
  return role === 'user' || (role === undefined && type === undefined)
}

function addContent(content: unknown, words: string[]): void {
  if (typeof content === 'string') words.push(content)
  if (!Array.isArray(content)) return
  for (const part of content) {
    if (typeof part === 'string') words.push(part)
    else if (isObject(part) && TEXT_PARTS.has(part['type']) && typeof part['text'] === 'string')
      words.push(part['text'])
  }
}
