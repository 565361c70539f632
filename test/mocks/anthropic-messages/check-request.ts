/*
 * Holds a request against what Anthropic's Messages API takes: method, path, headers, every member, and the rules between them. Written
 * from the public API reference ("Messages", "Count tokens", "Errors", "Extended thinking", "Tool use", "Prompt caching") and
 * the types of the vendor's TypeScript client, 2026.
 */
import { isMembers, type Members, type Wrong } from '../shape.ts'
import { countTokensShape, messagesShape } from './request-shape.ts'

export interface MockRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

/** The vendor's answer to a request that is wrong. */
export interface Refusal {
  readonly status: number
  readonly body: Members
}

/** Null: the vendor would take it. */
export function checkRequest({ method, path, headers, body }: MockRequest): Refusal | null {
  const [where] = path.split('?')
  const counting = where === '/v1/messages/count_tokens'
  if (where !== '/v1/messages' && !counting) return refuse(404, 'not_found_error', 'Not Found')
  if (method !== 'POST') return refuse(405, 'invalid_request_error', 'Method Not Allowed')
  if (headers['x-api-key'] === undefined && headers['authorization'] === undefined) {
    return refuse(401, 'authentication_error', 'x-api-key header is required')
  }
  if (headers['anthropic-version'] !== '2023-06-01') {
    return refuse(400, 'invalid_request_error', 'anthropic-version: header is required')
  }
  if (headers['content-type']?.startsWith('application/json') !== true) {
    return refuse(400, 'invalid_request_error', 'content-type: must be application/json')
  }
  const wrong = counting ? countTokensShape(body, '') : checkBody(body)
  return wrong === null ? null : refuse(400, 'invalid_request_error', `${wrong.path}: ${wrong.what}`)
}

/** What is wrong with the body of `POST /v1/messages`, or null. */
export function checkBody(body: unknown): Wrong | null {
  const wrong = messagesShape(body, '')
  if (wrong !== null || !isMembers(body)) return wrong
  return checkThinking(body) ?? checkMarks(body) ?? checkTurns(body) ?? checkTexts(body) ?? checkChoice(body)
}

function checkThinking(body: Members): Wrong | null {
  const { thinking } = body
  if (!isMembers(thinking) || thinking['type'] === 'disabled') return null
  const budget = thinking['budget_tokens']
  if (typeof budget === 'number' && budget >= Number(body['max_tokens'])) {
    return { path: 'max_tokens', what: 'must be greater than thinking.budget_tokens' }
  }
  const choice = isMembers(body['tool_choice']) ? body['tool_choice']['type'] : undefined
  if (choice === 'any' || choice === 'tool') {
    return { path: 'thinking', what: 'Thinking may not be enabled when tool_choice forces tool use.' }
  }
  if (body['temperature'] !== undefined && body['temperature'] !== 1) {
    return { path: 'temperature', what: 'may only be set to 1 when thinking is enabled' }
  }
  if (body['top_k'] !== undefined) return { path: 'top_k', what: 'must be unset when thinking is enabled' }
  const topP = body['top_p']
  if (typeof topP === 'number' && topP < 0.95) return { path: 'top_p', what: 'must be at least 0.95 when thinking' }
  return turnsOf(body).at(-1)?.role === 'assistant'
    ? { path: 'messages', what: 'the final message may not be prefilled when thinking is enabled' }
    : null
}

function checkMarks(body: Members): Wrong | null {
  let marks = 0
  const count = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(count)
    if (!isMembers(value)) return
    if (isMembers(value['cache_control'])) marks += 1
    count(value['content'])
  }
  if (isMembers(body['cache_control'])) marks += 1
  for (const name of ['tools', 'system', 'messages']) count(body[name])
  return marks > 4
    ? { path: 'cache_control', what: `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.` }
    : null
}

interface Turn {
  readonly role: unknown
  readonly blocks: readonly Members[]
}

function turnsOf(body: Members): Turn[] {
  const turns: Turn[] = []
  for (const message of Array.isArray(body['messages']) ? body['messages'] : []) {
    if (!isMembers(message)) continue
    const { role, content } = message
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const own = Array.isArray(blocks) ? blocks.filter(isMembers) : []
    const before = turns.at(-1)
    // Neighbours of one role are one turn.
    if (before?.role === role) turns[turns.length - 1] = { role, blocks: [...(before?.blocks ?? []), ...own] }
    else turns.push({ role, blocks: own })
  }
  return turns
}

function checkTurns(body: Members): Wrong | null {
  const turns = turnsOf(body)
  if (turns[0]?.role !== 'user') return { path: 'messages.0', what: 'first message must use the "user" role' }
  const seen = new Set<unknown>()
  for (const [index, { role, blocks }] of turns.entries()) {
    const path = `messages.${index}`
    if (role === 'assistant') {
      for (const { type, id } of blocks) {
        if (type !== 'tool_use') continue
        if (seen.has(id)) return { path, what: '`tool_use` ids must be unique' }
        seen.add(id)
      }
      continue
    }
    const called = callsIn(turns[index - 1])
    const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => String(block['tool_use_id']))
    const orphan = results.find((id) => !called.includes(id))
    if (orphan !== undefined)
      return { path, what: `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${orphan}` }
    const open = called.find((id) => !results.includes(id))
    if (open !== undefined) return { path, what: `\`tool_use\` ids without \`tool_result\` immediately after: ${open}` }
    const firstOther = blocks.findIndex(({ type }) => type !== 'tool_result')
    if (firstOther >= 0 && firstOther < results.length) return { path, what: '`tool_result` blocks must come first' }
  }
  return null
}

function callsIn(turn: Turn | undefined): string[] {
  return turn?.blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id)) ?? []
}

function checkTexts(body: Members): Wrong | null {
  const turns = turnsOf(body)
  for (const [index, { role, blocks }] of turns.entries()) {
    const path = `messages.${index}`
    if (blocks.length === 0) return { path, what: 'all messages must have non-empty content' }
    const blank = blocks.some(({ type, text }) => type === 'text' && !/\S/.test(String(text)))
    if (blank) return { path, what: 'text content blocks must contain non-whitespace text' }
    const last = blocks.at(-1)
    if (index === turns.length - 1 && role === 'assistant' && endsWithSpace(last?.['text'])) {
      return { path, what: 'final assistant content cannot end with trailing whitespace' }
    }
  }
  return null
}

function endsWithSpace(text: unknown): boolean {
  return typeof text === 'string' && /\s$/.test(text)
}

function checkChoice(body: Members): Wrong | null {
  const tools = Array.isArray(body['tools']) ? body['tools'].filter(isMembers) : []
  const names = tools.map((tool) => tool['name'])
  if (new Set(names).size < names.length) return { path: 'tools', what: 'Tool names must be unique.' }
  const choice = body['tool_choice']
  if (!isMembers(choice)) return null
  if (tools.length === 0) return { path: 'tool_choice', what: 'may only be specified while providing tools' }
  return choice['type'] === 'tool' && !names.includes(choice['name'])
    ? { path: 'tool_choice', what: `Tool '${String(choice['name'])}' not found in provided tools` }
    : null
}

function refuse(status: number, type: string, message: string): Refusal {
  return { status, body: { type: 'error', error: { type, message }, request_id: 'req_mock' } }
}
