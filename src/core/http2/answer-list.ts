import { isSendableName, isSendableValue } from '../http1/grammar.ts'

/** The header list of an answer, and what it says of its body. */
export interface AnswerList {
  /** Flat, with `:status` in front. */
  readonly list: string[]
  /** What its Content-Length says; -1 without one. */
  readonly length: number
}

/** Of HTTP/1.1 only (RFC 9113, 8.2.2). */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
])

/**
 * The headers of an answer as HTTP/2 sends them: without those of a connection. `date` is added when they are sent. Throws
 * a RangeError for what no header can hold.
 */
export function answerList(status: number, headers: readonly string[]): AnswerList {
  const list = [':status', String(status)]
  let length = -1
  let hasDate = false
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string // in range
    const value = headers[at + 1] as string // in range
    if (!isSendableValue(value) || !isSendableName(name)) {
      throw new RangeError('a header of an answer has characters that no header may have')
    }
    if (LEFT_OUT.has(name)) continue
    if (name === 'date') {
      if (hasDate) continue
      hasDate = true
    } else if (name === 'content-length') {
      if (status === 204) continue
      if (length >= 0) throw new RangeError('an answer has two lengths')
      length = Number(value)
      if (!Number.isSafeInteger(length) || length < 0) throw new RangeError('the length of an answer is no number')
    }
    list.push(name, value)
  }
  return { list, length }
}
