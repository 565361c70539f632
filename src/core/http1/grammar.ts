/** What a head of HTTP/1.1 may be made of (RFC 9112, sections 2 to 5; RFC 9110, section 5). */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const UNSENDABLE = /[^\t -~\x80-\xff]/
/** Names that are known to be tokens. */
const SENT_NAMES = new Set<string>()
const MAX_SENT_NAMES = 512

const TOKEN_BYTES = new Uint8Array(256)
for (let code = 0; code < 128; code++) if (TOKEN.test(String.fromCharCode(code))) TOKEN_BYTES[code] = 1

/**
 * True when a line of a head, from `from` up to its CRLF at `to`, has control characters, a line end that is not CRLF among them:
 * nothing of it belongs into a head (RFC 9112, 2.2). By hand: a regular expression takes four times as long.
 */
export function hasImpossible(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 ? code !== 0x09 : code === 0x7f || code > 0xff) return true
  }
  return false
}

/** True for a header name, a method, a parameter's name. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** True for a byte of a token. */
export function isTokenByte(byte: number): boolean {
  return TOKEN_BYTES[byte] === 1
}

/**
 * True for a header's value that can be sent: no control characters, line ends among them, nothing beyond latin1. Values are
 * parts of heads, for which a regular expression is faster than a loop.
 */
export function isSendableValue(text: string): boolean {
  return !UNSENDABLE.test(text)
}

/** True for a header's name that can be sent: nearly always one that was sent before. */
export function isSendableName(text: string): boolean {
  if (SENT_NAMES.has(text)) return true
  if (!TOKEN.test(text)) return false
  if (SENT_NAMES.size < MAX_SENT_NAMES && text.length <= 64) SENT_NAMES.add(text)
  return true
}

/** A part of a text without the spaces and tabs around it. */
export function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** True when a comma-separated list, such as the value of Connection, has this token (in lower case). */
export function listHas(value: string, token: string): boolean {
  if (value.length === token.length) return value.toLowerCase() === token
  return value.split(',').some((item) => item.trim().toLowerCase() === token)
}
