import { FieldProblem, type Fields } from '../../ir/fields.ts'
import type { Losses } from '../../ir/losses.ts'
import type { UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'

/** What a prompt of token numbers is called among parts: only this dialect knows it. */
const TOKENS = 'tokens'

/** Each prompt as a message of the user: a text, several, or the numbers of tokens. */
export function decodePrompts(body: Fields): Message[] {
  const prompt = body.value('prompt')
  if (typeof prompt === 'string') return [messageOf({ type: 'text', text: prompt })]
  if (!Array.isArray(prompt) || prompt.length === 0) throw body.problem('prompt', 'a string, or an array of strings')
  const items: readonly unknown[] = prompt
  if (isTokens(items)) return [messageOf(tokensOf(items))]
  return items.map((item, at) => {
    if (typeof item === 'string') return messageOf({ type: 'text', text: item })
    if (isTokens(item)) return messageOf(tokensOf(item))
    throw new FieldProblem(`prompt[${at}]`, 'expected a string, or an array of token numbers')
  })
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item))
}

function tokensOf(tokens: readonly number[]): UserPart {
  return { type: 'opaque', dialect: 'openai-completions', name: TOKENS, value: { tokens } }
}

function messageOf(part: UserPart): Message {
  return { role: 'user', parts: [part] }
}

/**
 * Refuses, for an upstream of any other dialect, what only this one can carry: it has an answer for each of several
 * prompts, where a conversation has one, and its prompts may be token numbers of the vendor's.
 */
export function refuseForeignPrompts({ dialect, messages }: ModelRequest): void {
  if (dialect !== 'openai-completions') return
  const prompts = messages.filter((message) => message.role === 'user')
  if (prompts.length > 1) throw new FieldProblem('prompt', 'this model takes one prompt at a time')
  if (prompts.some(({ parts }) => parts.some((part) => part.type === 'opaque'))) {
    throw new FieldProblem('prompt', 'this model takes text, and no token numbers')
  }
}

/** The prompts of a client of this dialect, as they came; of any other conversation one text that the model goes on with. */
export function encodePrompts({ dialect, messages }: ModelRequest, losses: Losses): unknown {
  if (dialect === 'openai-completions' && messages.every(({ role }) => role === 'user')) {
    const prompts = messages.flatMap((message) => (message.role === 'user' ? message.parts.map(promptOf) : []))
    return prompts.length === 1 ? prompts[0] : prompts
  }
  const [first] = messages
  if (messages.length === 1 && first?.role === 'user') return textOf(first, losses)
  losses.adapt('messages')
  const turns = messages.map((message) => `${SPEAKERS[message.role]}${textOf(message, losses)}`)
  return `${turns.join('\n\n')}\n\nAssistant:`
}

const SPEAKERS: Readonly<Record<Message['role'], string>> = {
  system: '',
  user: 'User: ',
  assistant: 'Assistant: ',
  tool: 'Result of the tool: ',
}

function promptOf(part: UserPart): unknown {
  if (part.type === 'opaque') return part.value[TOKENS]
  return part.type === 'text' ? part.text : ''
}

/** The texts of a message, for a model that knows nothing else. What is none is reported by whoever carries none of it. */
export function textOf(message: Message, losses: Losses): string {
  const texts: string[] = []
  for (const part of message.parts) {
    if (part.type === 'text') texts.push(part.text)
    else if (part.type === 'refusal') {
      losses.adapt('messages[].refusal')
      texts.push(part.text)
    } else if (part.type === 'tool-result') {
      for (const item of part.content) if (item.type === 'text') texts.push(item.text)
    } else if (part.type === 'opaque') losses.drop(`messages[].${part.name}`)
  }
  return texts.join('\n')
}
