import type { AnswerHeaders } from '../../../core/index.ts'
import { isObject } from '../../ir/json.ts'

/** So much of an error body is read: vendors say what is wrong at its beginning. */
const LONGEST_READ = 65_536
const LONGEST_MESSAGE = 2_000
const DEEPEST = 6
/** Members in which vendors name and explain an error, at the top or within `error`. */
const NAMES = ['code', 'type', 'status', 'reason', 'message', '__type', 'detail', 'error_type', 'param'] as const

/** Everything that an error answer says of itself, in lower case: names of the error first, then its message. */
export function errorWords(headers: AnswerHeaders, body: Buffer | null): string {
  const aws = headers['x-amzn-errortype']
  const words: string[] = typeof aws === 'string' ? [aws] : []
  if (body !== null && body.length > 0 && body.length <= LONGEST_READ) collect(parsed(body), words, 0)
  return words.join(' ').toLowerCase()
}

function collect(value: unknown, words: string[], depth: number): void {
  if (depth > DEEPEST) return
  if (typeof value === 'string') words.push(value.slice(0, LONGEST_MESSAGE))
  if (Array.isArray(value)) for (const item of value.slice(0, 8)) collect(item, words, depth + 1)
  if (!isObject(value)) return
  for (const name of NAMES) {
    const said = value[name]
    if (typeof said === 'string') words.push(said.slice(0, LONGEST_MESSAGE))
    else if (isObject(said)) collect(said, words, depth + 1)
  }
  for (const name of ['error', 'errors', 'details', 'violations', 'innererror', 'metadata']) {
    if (value[name] !== undefined) collect(value[name], words, depth + 1)
  }
  const { quotaId } = value
  if (typeof quotaId === 'string') words.push(quotaId)
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null // an HTML page says nothing that is understood
  }
}
