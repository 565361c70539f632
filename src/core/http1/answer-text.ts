import { isSendableName, isSendableValue } from './grammar.ts'
import { STATUS_TEXT } from './status-text.ts'

/** What the head of an answer says of its body, and what was still missing in it. */
export interface AnswerText {
  /** Status line and header lines, without the empty line. */
  lines: string
  hasLength: boolean
  /** What its Content-Length says; -1 without one. */
  length: number
}

const STATUS_LINES = new Map<number, string>()
for (const [status, reason] of Object.entries(STATUS_TEXT)) {
  STATUS_LINES.set(Number(status), `HTTP/1.1 ${status} ${reason}\r\n`)
}

/** The name of a status, for people. */
export function statusText(status: number): string {
  return STATUS_TEXT[status] ?? 'Error'
}

/**
 * The head of an answer as it goes over the wire. Adds Date (RFC 9110, 6.6.1) when the headers have none, leaves out
 * what says how the message is framed (that is the stream's to say) and the length of what has no body (8.6). Throws a
 * RangeError for what no head can hold: a text that is cut to latin1 could otherwise become a line end.
 */
export function answerText(status: number, headers: readonly string[], into: AnswerText): void {
  let lines = STATUS_LINES.get(status) ?? `HTTP/1.1 ${status} \r\n`
  let hasDate = false
  into.hasLength = false
  into.length = -1
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string // in range
    const value = headers[at + 1] as string // in range
    if (!isSendableValue(value) || !isSendableName(name)) {
      throw new RangeError('a header of an answer has characters that no header may have')
    }
    if (name.length === 4 && name === 'date') {
      if (hasDate) continue
      hasDate = true
    } else if (name.length === 14 && name === 'content-length') {
      if (status < 200 || status === 204) continue
      takeLength(value, into)
    } else if (isFraming(name)) continue
    lines += `${name}: ${value}\r\n`
  }
  if (!hasDate) lines += dateLine()
  into.lines = lines
}

function takeLength(value: string, into: AnswerText): void {
  if (into.hasLength) throw new RangeError('an answer has two lengths')
  into.hasLength = true
  into.length = Number(value)
  if (!Number.isSafeInteger(into.length) || into.length < 0)
    throw new RangeError('the length of an answer is no number')
}

function isFraming(name: string): boolean {
  return (name.length === 10 && name === 'connection') || (name.length === 17 && name === 'transfer-encoding')
}

let dateText = ''
let dateSecond = 0

function dateLine(): string {
  const now = Date.now()
  const second = now - (now % 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = `date: ${new Date(now).toUTCString()}\r\n`
  }
  return dateText
}
