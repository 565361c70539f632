import { isObject } from '../../lib/index.ts'
import { calculation } from './arithmetic.ts'
import { type ConversationRequest, type Message, textOf } from './request-types.ts'

/** Longest part of a question that a rule looks at, and longest text that is repeated. */
const MAX_QUESTION = 4_000
const MAX_REPEATED = 20_000
const MAX_QUOTED = 160

interface Rule {
  readonly name: string
  /** The answer, or null when the rule does not apply. */
  readonly answer: (question: string) => string | null
}

const RULES: readonly Rule[] = [
  { name: 'calculate', answer: (question) => withFullStop(calculation(question.trim())) },
  { name: 'count words', answer: countWords },
  { name: 'repeat', answer: repeat },
  { name: 'introduce', answer: introduce },
  { name: 'greet', answer: greet },
  {
    name: 'thanks',
    answer: (question) =>
      /^\s*(?:thanks|thank you|thx)\b/i.test(question) ? "You're welcome. Ask me anything else." : null,
  },
]

const PARAGRAPHS: readonly string[] = [
  'I answer from inside the gateway, without a network and without a bill, so this is a good place to try streaming, keys and limits before a real provider is configured.',
  'I am a demo, so I cannot know much about it, but the request went through every layer of the gateway: the key, the limits, the budget, the record. A real provider would have answered in this place.',
  'A helpful answer would begin with the goal, name the two or three options, and end with a next step. As a demo I can offer the shape, and a configured provider can fill it in.',
]

/** The text that answers a request, for one of its choices. The same request gets the same text. */
export function composeText(request: ConversationRequest, seed: number, choice: number): string {
  const text = answerTo(request, seed)
  return choice === 0 ? text : `${text} (Answer ${choice + 1} of ${request.choices}.)`
}

function answerTo(request: ConversationRequest, seed: number): string {
  if (request.behaviour.kind === 'long') return longText(request.behaviour.words, seed)
  const results = toolResults(request.messages)
  if (results.length > 0) return results.map(describeResult).join(' ')
  const question = lastQuestion(request.messages)
  for (const rule of RULES) {
    const answer = rule.answer(question.length > MAX_REPEATED ? question.slice(0, MAX_REPEATED) : question)
    if (answer !== null) return answer
  }
  const paragraph = PARAGRAPHS[seed % PARAGRAPHS.length] ?? ''
  const quoted = quote(question)
  return quoted === '' ? `You sent no text. ${paragraph}` : `You asked: "${quoted}" ${paragraph}`
}

/** Text of the last message of the user; of the last message when there is none. */
export function lastQuestion(messages: readonly Message[]): string {
  const message = messages.findLast((each) => each.role === 'user') ?? messages.at(-1)
  return message === undefined ? '' : textOf(message)
}

interface ToolResult {
  readonly name: string
  readonly text: string
}

/** Results that came after the last message of the user, with the names of the functions that gave them. */
function toolResults(messages: readonly Message[]): ToolResult[] {
  if (messages.at(-1)?.role !== 'tool') return []
  const turn = messages.slice(messages.findLastIndex((each) => each.role === 'user') + 1)
  const calls = turn.flatMap((each) => each.tool_calls ?? [])
  return turn
    .filter((each) => each.role === 'tool')
    .map((each) => ({
      name: calls.find((call) => call.id === each.tool_call_id)?.function.name ?? 'The tool',
      text: textOf(each).slice(0, MAX_QUESTION).trim(),
    }))
}

function describeResult({ name, text }: ToolResult): string {
  if (text === '') return `${name} returned nothing.`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return `${name} says: ${text}`
  }
  if (!isObject(value)) return `${name} says: ${text}.`
  const facts = Object.entries(value).map(([key, each]) => {
    return `${key} is ${typeof each === 'string' ? each : JSON.stringify(each)}`
  })
  return facts.length === 0 ? `${name} returned an empty object.` : `According to ${name}, ${facts.join(', ')}.`
}

function countWords(question: string): string | null {
  const match = /\b(?:how many words|count (?:the |these )?words)\b[^:"“]{0,80}[:"“]\s*(.*)$/is.exec(question)
  if (match === null) return null
  const counted = (match[1] ?? '').replace(/["”]\s*\??\s*$/, '')
  const count = counted.split(/\s+/).filter((each) => each !== '').length
  return `That is ${count} ${count === 1 ? 'word' : 'words'}.`
}

function repeat(question: string): string | null {
  const match = /^\s*(?:please\s+)?(?:say|repeat|echo)(?:\s+after me)?\s*[:,]?\s+(.+)$/is.exec(question)
  if (match === null) return null
  const text = (match[1] ?? '').trim()
  const quoted = /^"([^"]+)"[.!?]?$/.exec(text)
  return quoted?.[1] ?? text
}

function introduce(question: string): string | null {
  if (!/\b(?:who|what) (?:are|r) you\b|\byour name\b|\bwhat can you do\b/i.test(question)) return null
  return 'I am the demo model of Ferro Gateway. I run inside the gateway, offline, and give the same answer to the same request. I can repeat a text, calculate, count words, call tools and fill in JSON.'
}

function greet(question: string): string | null {
  const match = /^\s*(hello|hi|hey|good (?:morning|afternoon|evening))\b[\s,!.]*(.{0,60})$/is.exec(question)
  if (match === null) return null
  const greeting = match[1] ?? 'Hello'
  return `${greeting[0]?.toUpperCase() ?? ''}${greeting.slice(1).toLowerCase()}! I am the demo model of Ferro Gateway. How can I help you?`
}

const VOCABULARY = (
  'the gateway keeps every request in one place and each answer comes back word by word while a record of time cost ' +
  'and tokens is written so that people can see what was used by whom and when without reading any text itself'
).split(' ')

/** A text of exactly so many words. */
function longText(words: number, seed: number): string {
  const parts: string[] = []
  let state = seed
  for (let i = 0; i < words; i++) {
    // Numerical Recipes' generator: enough to make the text look different from line to line.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    parts.push(VOCABULARY[(state >>> 8) % VOCABULARY.length] ?? 'word')
  }
  return parts.join(' ')
}

function withFullStop(text: string | null): string | null {
  return text === null ? null : `${text}.`
}

function quote(text: string): string {
  const line = text.slice(0, MAX_QUESTION).replace(/\s+/g, ' ').trim().replaceAll('"', "'")
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED).toWellFormed().trimEnd()}…` : line
}
