/*
 * Nothing of a request is lost without a word: every member of every part, message, tool and parameter, alone and beside its
 * neighbours, from each dialect of clients to each of upstreams.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyPart, publicType } from '../../src/ai/dialects/carried.ts'
import { parseExact } from '../../src/ai/ir/json.ts'
import type { AssistantPart, ToolResultPart, UserPart } from '../../src/ai/ir/parts.ts'
import type { Message, ModelRequest, Tool } from '../../src/ai/ir/request.ts'
import { UPSTREAMS as VENDORS } from '../golden/upstreams.ts'
import { MESSAGES, PARAMETERS, PARTS, type PartType, PLAIN, PLAIN_TOOLS, REQUEST, SUBSTANCE, TOOLS } from './members.ts'
import { CLIENTS, isMarked, isSilent, modelsOf, outcomeOf, UPSTREAMS } from './outcome.ts'

/** One thing that is asked for: a request without it, and one with it. */
interface Case {
  readonly what: string
  readonly plain: Asked
  readonly marked: Asked
  /** What is reported when the thing is dropped as a whole. */
  readonly wholes?: readonly string[]
}

type Asked = Partial<ModelRequest>

const ask: Message = { role: 'user', parts: [{ type: 'text', text: 'ask' }] }
const more: Message = { role: 'user', parts: [{ type: 'text', text: 'more' }] }
const say: Message = { role: 'assistant', parts: [{ type: 'text', text: 'answer' }] }
const call: Message = { role: 'assistant', parts: [PLAIN['tool-call']] }
const found: Message = { role: 'tool', parts: [PLAIN['tool-result']] }
const rule: Message = { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'rule' }] }
const alpha: Tool = { type: 'function', name: 'alpha', parameters: { type: 'object', properties: {} } }

/** Where a message of each role may stand: alone, and beside others of its role. */
const PLACES: { readonly [Role in Message['role']]: readonly ((message: Message) => readonly Message[])[] } = {
  system: [(m) => [m, ask], (m) => [rule, m, ask], (m) => [ask, say, m, more], (m) => [ask, m, more]],
  user: [(m) => [m], (m) => [ask, m], (m) => [m, more], (m) => [ask, say, m], (m) => [m, say, more]],
  assistant: [(m) => [ask, m, more], (m) => [ask, say, m, more], (m) => [ask, m, say, more], (m) => [m, more]],
  tool: [(m) => [ask, call, m, more], (m) => [ask, call, m], (m) => [ask, m, more]],
}

const ROLES: { readonly [Type in PartType]: readonly Message['role'][] } = {
  text: ['system', 'user', 'assistant'],
  image: ['user', 'assistant'],
  document: ['user'],
  audio: ['user', 'assistant'],
  video: ['user'],
  'tool-call': ['assistant'],
  'tool-result': ['tool'],
  reasoning: ['assistant'],
  refusal: ['assistant'],
  opaque: ['user', 'assistant'],
}

function messageOf(role: Message['role'], parts: readonly AnyPart[]): Message {
  switch (role) {
    case 'system':
      return { role, authority: 'system', parts: parts.filter((part) => part.type === 'text') }
    case 'user':
      return { role, parts: parts as readonly UserPart[] } // by the table of roles
    case 'assistant':
      return { role, parts: parts as readonly AssistantPart[] } // as above
    case 'tool':
      return { role, parts: parts as readonly ToolResultPart[] } // as above
  }
}

/** A part that is a call has its result behind it. */
function conversation(type: PartType, messages: readonly Message[], place: Message): readonly Message[] {
  if (type !== 'tool-call') return messages
  return messages.flatMap((message) => (message === place ? [message, found] : [message]))
}

function* partCases(): Generator<Case> {
  // The keys of the table.
  for (const type of Object.keys(PARTS) as PartType[]) {
    for (const [member, values] of Object.entries(PARTS[type])) {
      for (const value of values as readonly unknown[]) {
        const part = { ...PLAIN[type], [member]: value } as AnyPart // the value is one of the member's
        for (const role of ROLES[type]) {
          const without = SUBSTANCE.has(member) ? [] : [PLAIN[type]]
          for (const beside of [[], [PLAIN.text]]) {
            if (beside.length > 0 && role === 'tool') continue
            for (const [at, place] of PLACES[role].entries()) {
              const [lacks, has] = [messageOf(role, [...beside, ...without]), messageOf(role, [...beside, part])]
              const plain = place(lacks).filter((message) => message !== lacks || lacks.parts.length > 0)
              yield {
                what: `${role} ${at}${beside.length > 0 ? ' beside text' : ''}: ${type}.${member} ${JSON.stringify(value)}`,
                plain: { messages: conversation(type, plain, lacks) },
                marked: { messages: conversation(type, place(has), has) },
                wholes: wholesOf(type),
              }
            }
          }
        }
      }
    }
  }
}

function wholesOf(type: PartType): readonly string[] {
  const name = `messages[].${publicType(type)}`
  return [name, `${name}.source`]
}

/** The same for what a tool's result holds. */
function* resultCases(): Generator<Case> {
  for (const type of ['text', 'image', 'document'] as const) {
    for (const [member, values] of Object.entries(PARTS[type])) {
      for (const value of values as readonly unknown[]) {
        const part = { ...PLAIN[type], [member]: value } as ToolResultPart['content'][number] // as above
        const without = SUBSTANCE.has(member) ? [] : [PLAIN[type]]
        const result = (content: ToolResultPart['content']): Message => {
          return { role: 'tool', parts: [{ ...PLAIN['tool-result'], content }] }
        }
        for (const [at, place] of PLACES.tool.entries()) {
          yield {
            what: `result ${at}: ${type}.${member} ${JSON.stringify(value)}`,
            plain: { messages: place(result(without)) },
            marked: { messages: place(result([part])) },
            wholes: [...wholesOf(type), `messages[].tool_result.${type}`],
          }
        }
      }
    }
  }
}

const SOLE: { readonly [Role in Message['role']]: Message } = { system: rule, user: more, assistant: say, tool: found }

function* messageCases(): Generator<Case> {
  for (const [role, members] of Object.entries(MESSAGES) as [Message['role'], object][]) {
    for (const [member, values] of Object.entries(members)) {
      for (const value of values as readonly unknown[]) {
        for (const [at, place] of PLACES[role].entries()) {
          const marked = place({ ...SOLE[role], [member]: value } as Message) // the value is one of the member's
          yield {
            what: `${role} ${at}: ${member}`,
            plain: { messages: place(SOLE[role]) },
            marked: { messages: marked },
          }
        }
      }
    }
  }
}

function* toolCases(): Generator<Case> {
  for (const [type, members] of Object.entries(TOOLS) as [Tool['type'], object][]) {
    for (const [member, values] of Object.entries(members)) {
      for (const value of values as readonly unknown[]) {
        const whole = member === 'definition' || member === 'name'
        for (const beside of [[], [alpha]]) {
          yield {
            what: `tool ${beside.length}: ${type}.${member} ${JSON.stringify(value)}`,
            plain: { messages: [ask], tools: whole ? beside : [...beside, PLAIN_TOOLS[type]] },
            // The value is one of the member's.
            wholes: ['tools[].odd', 'tools[].custom'],
            marked: { messages: [ask], tools: [...beside, { ...PLAIN_TOOLS[type], [member]: value } as Tool] },
          }
        }
      }
    }
  }
  const tools = [alpha, PLAIN_TOOLS.function]
  const messages = [ask]
  for (const toolChoice of [
    { type: 'none' },
    { type: 'required' },
    { type: 'tool', name: 'alpha' },
    { type: 'tool', name: 'unheard' },
    { type: 'allowed', mode: 'auto', names: ['alpha'] },
    { type: 'allowed', mode: 'required', names: ['unheard'] },
  ] as const) {
    yield {
      what: `tool choice ${JSON.stringify(toolChoice)}`,
      plain: { messages, tools },
      marked: { messages, tools, toolChoice },
    }
  }
}

function* parameterCases(): Generator<Case> {
  for (const [name, values] of Object.entries(PARAMETERS)) {
    for (const value of values) {
      const parameters = { maxOutputTokens: 9000 }
      for (const tools of [[], [alpha]]) {
        // Without tools it says nothing.
        if (name === 'parallelToolCalls' && tools.length === 0) continue
        yield {
          what: `parameter ${name} ${JSON.stringify(value)} with ${tools.length} tools`,
          plain: { messages: [ask], tools, parameters },
          marked: { messages: [ask], tools, parameters: { ...parameters, [name]: value } },
        }
      }
    }
  }
  for (const [name, values] of Object.entries(REQUEST)) {
    for (const value of values) {
      yield { what: `request ${name}`, plain: { messages: [ask] }, marked: { messages: [ask], [name]: value } }
    }
  }
}

const CASES: readonly Case[] = [
  ...partCases(),
  ...resultCases(),
  ...messageCases(),
  ...toolCases(),
  ...parameterCases(),
]

/** What needs no word in the body: a vendor's models do it by themselves, or a header says it. */
const SAID_BY_SILENCE: ReadonlySet<string> = new Set([
  ...[0, 1].map((tools) => `gemini: parameter reasoning {"mode":"adaptive"} with ${tools} tools`),
  'anthropic-messages: request betas',
])

for (const client of CLIENTS) {
  for (const upstream of UPSTREAMS) {
    for (const model of modelsOf(upstream)) {
      test(`nothing of a request of ${client} is lost unseen on its way to ${model.name} of ${upstream}`, () => {
        const lost: string[] = []
        for (const { what, plain, marked, wholes = [] } of CASES) {
          if (SAID_BY_SILENCE.has(`${upstream}: ${what}`)) continue
          const [one = null, other = null] = [plain, marked].map((asked) => {
            return outcomeOf(requestOf(client, asked), upstream, model)
          })
          const textual = isMarked(JSON.stringify(marked))
          if (isSilent({ plain: one, marked: other, textual, wholes })) lost.push(what)
        }
        assert.deepEqual(lost, [])
      })
    }
  }
}

for (const upstream of UPSTREAMS) {
  const check = VENDORS[upstream]?.check
  if (check === undefined) continue
  for (const client of CLIENTS.filter((name) => name !== upstream)) {
    for (const model of modelsOf(upstream).slice(0, 2)) {
      // Others that speak a dialect of OpenAI take more than its vendor does.
      if (upstream.startsWith('openai') && model.family !== 'openai') continue
      test(`nothing of a request of ${client} makes a body that ${upstream} refuses for ${model.name}`, () => {
        const refused: string[] = []
        for (const { what, marked } of CASES) {
          if (what.includes('opaque')) continue // another dialect's own things go to it as they are
          const outcome = outcomeOf(requestOf(client, marked), upstream, model)
          const problem = outcome === null ? null : check(parseExact(outcome.body))
          if (problem !== null && problem !== undefined) refused.push(`${what} = ${JSON.stringify(problem)}`)
        }
        assert.deepEqual(refused, [])
      })
    }
  }
}

function requestOf(dialect: ModelRequest['dialect'], asked: Asked): ModelRequest {
  return { dialect, model: 'm', messages: [], tools: [], parameters: {}, stream: false, ...asked }
}
