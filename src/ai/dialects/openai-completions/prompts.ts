import { FieldProblem, type Fields } from '../../ir/fields.ts'
import type { Losses } from '../../ir/losses.ts'
import type { UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'
import { LeftOut } from '../left-out.ts'

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
export function encodePrompts(request: ModelRequest, losses: Losses): unknown {
  const { dialect, messages } = request
  if (dialect === 'openai-completions' && messages.every(({ role }) => role === 'user')) {
    const prompts = messages.flatMap(({ parts }) => parts.flatMap((part) => promptOf(part, losses)))
    if (prompts.length === 0) throw new FieldProblem('prompt', 'this model takes texts, and there is none')
    return prompts.length === 1 ? prompts[0] : prompts
  }
  const [first] = messages
  const said = turnsOf(request, losses)
  if (messages.length === 1 && first?.role === 'user') return said[0]?.text ?? ''
  losses.adapt('messages')
  const turns = said.map(({ role, text }) => `${SPEAKERS[role]}${text}`)
  return `${turns.join('\n\n')}\n\nAssistant:`
}

const SPEAKERS: Readonly<Record<Message['role'], string>> = {
  system: '',
  user: 'User: ',
  assistant: 'Assistant: ',
  tool: 'Result of the tool: ',
}

function promptOf(part: Message['parts'][number], losses: Losses): readonly unknown[] {
  if (part.type === 'text') return [part.text]
  if (part.type !== 'opaque') return []
  if (part.dialect === 'openai-completions') return [part.value[TOKENS]]
  losses.drop(`messages[].${part.name}`)
  return []
}

/** What each turn says. Throws a FieldProblem where nothing of what is asked is left. */
export function turnsOf(
  request: ModelRequest,
  losses: Losses,
): { readonly role: Message['role']; readonly text: string }[] {
  const leftOut = new LeftOut(request, losses)
  const turns = request.messages.flatMap((message) => {
    const text = textOf(message, losses)
    return leftOut.takes(message, text.length) ? [] : [{ role: message.role, text }]
  })
  leftOut.check()
  return turns
}

/** The texts of a message, for a model that knows nothing else. What is none is reported by whoever carries none of it. */
function textOf(message: Message, losses: Losses): string {
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
