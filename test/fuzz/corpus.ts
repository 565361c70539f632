/*
 * Requests that readers of HTTP/1.1 have disagreed on, taken apart: what is drawn from these parts is mostly valid, and
 * where it is not, in one of the ways that matter.
 */

export const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']
export const ODD_METHODS = ['get', 'FOO', 'CONNECT', 'TRACE', 'PRI', 'G(T', '', `X${'Y'.repeat(100)}`]

export const TARGETS = ['/a', '/a?b=c', '/a%20b', '/v1/x?__proto__=1', `/${'a'.repeat(500)}`]
export const ODD_TARGETS = [
  '*',
  '@evil',
  '//evil/x',
  'http://evil/x',
  'evil:443',
  '/a b',
  '/a#b',
  '/\\x',
  '/a/../b',
  '/%00',
  '/\xe4',
  '',
  `/${'a'.repeat(8_192)}`,
]

export const VERSIONS = ['HTTP/1.1', 'HTTP/1.0']
export const ODD_VERSIONS = ['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1', 'ICE/1.0', '']

/** Header lines that change nothing of how a request is framed. */
export const LINES = [
  'Accept: */*',
  'X-Empty:',
  'X-Spaces: \t a b \t',
  'X-Latin: \xe4\xff',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: close, x-a',
  'Authorization: Bearer x',
  'Expect: 100-continue',
  'Expect: something',
  'Content-Type: text/plain',
  'Transfer: chunked',
  'Te: trailers',
  'Upgrade: foo',
  '__proto__: x',
  'constructor: x',
  'X_Forwarded_For: x',
  'Content_Length: 3',
  `X-Long: ${'y'.repeat(2_000)}`,
]

export const ODD_LINES = [
  'Content-Length: 5',
  'Content-Length: 05',
  'Content-Length: +5',
  'Content-Length: -1',
  'Content-Length: 0x5',
  'Content-Length: 5, 5',
  'Content-Length: 5 5',
  'Content-Length:',
  'Content-Length: 1e2',
  'Content-Length: 18446744073709551621',
  'content-length: 0',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: \vchunked',
  'Transfer-Encoding:\tChunked\t',
  'Transfer-Encoding : chunked',
  'Transfer\x00-Encoding: chunked',
  'Host: b',
  'Host: a@b',
  'Host:',
  ': x',
  'no colon',
  ' folded',
  '\tfolded: x',
  'X-a\x80: b',
  'X-(a: b',
  'X-Nul: a\0b',
  'X-Bare: a\rb',
  'X-Bare: a\nb',
  'X-Del: a\x7fb',
  `X-Long: ${'y'.repeat(8_193)}`,
]

/** A request by itself: what a reader sees that ends a body too early. */
const INNER = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n'

/** Bodies with the line that frames them. */
export const BODIES: readonly (readonly [line: string, body: string])[] = [
  ['Content-Length: 0', ''],
  ['Content-Length: 5', 'hello'],
  [`Content-Length: ${INNER.length}`, INNER],
  ['Transfer-Encoding: chunked', '0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '5;a=b;c="d;\\"e"\r\nhello\r\n1;x\r\n!\r\n00;last\r\n\r\n'],
  ['Transfer-Encoding: chunked', `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`],
  ['transfer-encoding: Chunked', '5\r\nhello\r\n0\r\nX-Trailer: 1\r\n__proto__: x\r\n\r\n'],
]

export const ODD_BODIES: readonly (readonly [line: string, body: string])[] = [
  'hello',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '+5\r\nhello\r\n0\r\n\r\n',
  ' 5\r\nhello\r\n0\r\n\r\n',
  '5 \r\nhello\r\n0\r\n\r\n',
  '5_0\r\nhello\r\n0\r\n\r\n',
  '10000000000000005\r\nhello\r\n0\r\n\r\n',
  '00000000000005\r\nhello\r\n0\r\n\r\n',
  '\r\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
  '5;\r\nhello\r\n0\r\n\r\n',
  '5;a=\r\nhello\r\n0\r\n\r\n',
  '5; a\r\nhello\r\n0\r\n\r\n',
  '5;a="b\r\nhello\r\n0\r\n\r\n',
  '5;\n\r\nhello\r\n0\r\n\r\n',
  '5;\0\r\nhello\r\n0\r\n\r\n',
  '5;\xe4\r\nhello\r\n0\r\n\r\n',
  '5\r\nhelloo\r\n0\r\n\r\n',
  '5\r\nhell\r\n0\r\n\r\n',
  '5\r\nhello\n0\r\n\r\n',
  `5\r\nhello\r\n0\r\n${INNER}`,
  '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n',
  '5\r\nhello\r\n0\r\nno colon\r\n\r\n',
  '5\r\nhello\r\n0\r\n folded: x\r\n\r\n',
  '5\r\nhello\r\n0\r\nx : y\r\n\r\n',
  '5\r\nhello\r\n0\r\nx: a\rb\r\n\r\n',
  '5\r\nhello\r\n0\r\nx: y\n\n',
  '5\r\nhello',
].map((body) => ['Transfer-Encoding: chunked', body])

export const LINE_ENDS = ['\r\n']
export const ODD_LINE_ENDS = ['\n', '\r', '\n\r', '\r\r\n', '\r\n\r\n']

/** What stands before a request line. */
export const BEFORE = ['']
export const ODD_BEFORE = ['\r\n', '\r\n\r\n', '\r\n\r\n\r\n', '\n', '\r', ' ', '\0']

/** Bytes that mutations write. */
export const SIGNIFICANT = Buffer.from('\r\n\t :;,=/"\\%0159aAzZ-_+.(@\0\v\x1b\x7f\x80\xa0\xff', 'latin1')
