import { isSendableValue, isToken } from '../http1/grammar.ts'
import type { UpstreamRequest } from '../phases.ts'

const PATH = /^[!-~]+$/

/**
 * Header lines as they go over the wire, from a flat list. Throws a RangeError for what no header can hold; it never
 * quotes a value.
 */
export function headerLines(headers: readonly string[]): string {
  let lines = ''
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const value = headers[at + 1] ?? ''
    if (!isToken(name)) throw new RangeError(`"${name}" is not a header name`)
    if (!isSendableValue(value)) throw new RangeError(`the value of the header ${name} has impossible characters`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** Throws a RangeError when the parts of a request that may hold a client's text could end a line of its head. */
export function checkRequest({ path, headers }: UpstreamRequest): void {
  if (!PATH.test(path)) throw new RangeError('the path of an upstream request has impossible characters')
  for (let at = 1; at < headers.length; at += 2) {
    // in range
    if (!isSendableValue(headers[at] as string)) {
      throw new RangeError(`the value of the header ${headers[at - 1]} has impossible characters`)
    }
  }
}
