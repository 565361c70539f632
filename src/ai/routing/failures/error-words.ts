import type { AnswerHeaders } from '../../../core/index.ts'
import { isObject } from '../../ir/json.ts'
import { readBeginning } from './cut-json.ts'

/** So much of an error body is read: vendors say what is wrong at its beginning. */
const LONGEST_READ = 65_536
const LONGEST_MESSAGE = 2_000
const DEEPEST = 6
/** Members in which vendors name and explain an error, at the top or within `error`. */
const MEMBERS = ['code', 'type', 'status', 'reason', 'message', '__type', 'detail', 'error_type', 'quotaId'] as const
const WITHIN = ['error', 'errors', 'details', 'violations', 'innererror', 'metadata'] as const
/** Codes are one word; whatever has more is a message, wherever it stands. */
const NAME = /^[\w.:/#-]{1,200}$/
const TOLD_IN_WORDS: ReadonlySet<string> = new Set(['message', 'detail'])

/** What an error answer says of itself, in lower case. */
export interface ErrorWords {
  /** Codes, types and reasons: words that vendors choose, and callers cannot. */
  readonly names: readonly string[]
  /** Messages without addresses and without what they quote: that is often the caller's own text. */
  readonly says: readonly string[]
}

interface Collected {
  readonly names: string[]
  readonly says: string[]
}

/** Names and messages of an error answer; of a body that is long, those at its beginning. */
export function errorWords(headers: AnswerHeaders, body: Buffer | null): ErrorWords {
  const words: Collected = { names: [], says: [] }
  const aws = headers['x-amzn-errortype']
  if (typeof aws === 'string') words.names.push(aws.toLowerCase())
  if (body !== null && body.length > 0) collect(readBeginning(body, LONGEST_READ), words, 0)
  return words
}

/** A message without addresses and quoted parts. */
export function withoutQuotes(message: string): string {
  return message
    .replace(/https?:\/\/\S+|\b[\w-]+(?:\.[\w-]+)+\/\S*/g, '…')
    .replace(/`[^`]*(?:`|$)/g, '…')
    .replace(/["“][^"“”]*(?:["”]|$)/g, '…')
    .replace(/(?<!\w)['‘](?:[^'’]|['’](?=\w))*(?:['’]|$)/g, '…')
}

function collect(value: unknown, words: Collected, depth: number): void {
  if (depth > DEEPEST) return
  if (typeof value === 'string') words.says.push(messageOf(value))
  if (Array.isArray(value)) for (const item of value.slice(0, 8)) collect(item, words, depth + 1)
  if (!isObject(value)) return
  for (const member of MEMBERS) {
    const said = value[member]
    if (typeof said !== 'string') {
      if (isObject(said)) collect(said, words, depth + 1)
    } else if (!TOLD_IN_WORDS.has(member) && NAME.test(said)) words.names.push(said.toLowerCase())
    else words.says.push(messageOf(said))
  }
  for (const member of WITHIN) if (value[member] !== undefined) collect(value[member], words, depth + 1)
}

function messageOf(said: string): string {
  return withoutQuotes(said.slice(0, LONGEST_MESSAGE)).toLowerCase().trim()
}
