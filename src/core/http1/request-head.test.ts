import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { DEFAULT_HEAD_LIMITS } from './head-limits.ts'
import { RequestHead, readRequestHead } from './request-head.ts'

const HOST = ['Host', 'localhost']
const { headers: MOST_HEADERS, lineBytes: LINE_BYTES } = DEFAULT_HEAD_LIMITS

/** The head with these headers, or why it is refused. */
function readHead(raw: readonly string[], major: number, minor: number): RequestHead | GatewayError {
  let text = `GET / HTTP/${major}.${minor}`
  for (let at = 0; at + 1 < raw.length; at += 2) text += `\r\n${raw[at]}: ${raw[at + 1]}`
  const head = readRequestHead(text)
  return head instanceof RequestHead ? (head.problem ?? head) : head
}

function headOf(raw: readonly string[], version: readonly [number, number] = [1, 1]): RequestHead {
  const head = readHead(raw, ...version)
  assert.ok(head instanceof RequestHead, head instanceof GatewayError ? head.message : '')
  return head
}

test('refuses every head that can be read in two ways, with its own status', () => {
  const rows: readonly (readonly [what: string, raw: readonly string[], status: number, version?: [number, number]])[] =
    [
      ['HTTP/0.9', HOST, 505, [0, 9]],
      ['HTTP/2.0', HOST, 505, [2, 0]],
      ['HTTP/1.2', HOST, 505, [1, 2]],
      ['no Host', [], 400],
      ['two Hosts', [...HOST, 'host', 'localhost'], 400],
      ['an empty Host', ['Host', ''], 400],
      ['a Host with a path', ['Host', 'a/b'], 400],
      ['a Host with a user', ['Host', 'user@a'], 400],
      ['a list of Hosts', ['Host', 'a, b'], 400],
      ['a port beyond the last', ['Host', 'a:65536'], 400],
      ['a port that is no number', ['Host', 'a:http'], 400],
      ['two Content-Types', [...HOST, 'Content-Type', 'a/b', 'content-type', 'a/b'], 400],
      ['two Content-Lengths that agree', [...HOST, 'Content-Length', '3', 'Content-Length', '3'], 400],
      ['two Content-Lengths, the first zero', [...HOST, 'Content-Length', '0', 'Content-Length', '3'], 400],
      ['a list of Content-Lengths', [...HOST, 'Content-Length', '3, 3'], 400],
      ['a sign in Content-Length', [...HOST, 'Content-Length', '+3'], 400],
      ['a negative Content-Length', [...HOST, 'Content-Length', '-3'], 400],
      ['a hexadecimal Content-Length', [...HOST, 'Content-Length', '0x3'], 400],
      ['a fraction in Content-Length', [...HOST, 'Content-Length', '3.0'], 400],
      ['a zero before Content-Length', [...HOST, 'Content-Length', '03'], 400],
      ['an empty Content-Length', [...HOST, 'Content-Length', ''], 400],
      ['a Content-Length beyond what counts exactly', [...HOST, 'Content-Length', '1'.repeat(17)], 400],
      ['both framings', [...HOST, 'Content-Length', '3', 'Transfer-Encoding', 'chunked'], 400],
      ['both framings, the other way round', [...HOST, 'Transfer-Encoding', 'chunked', 'Content-Length', '3'], 400],
      ['a second transfer coding', [...HOST, 'Transfer-Encoding', 'gzip, chunked'], 400],
      ['chunked twice', [...HOST, 'Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 400],
      ['identity', [...HOST, 'Transfer-Encoding', 'identity'], 400],
      ['a transfer coding of HTTP/1.0', ['Transfer-Encoding', 'chunked'], 400, [1, 0]],
      ['too many headers', [...HOST, ...Array<string[]>(MOST_HEADERS).fill(['a', 'b']).flat()], 431],
      ['a header that is too long', [...HOST, 'a', 'x'.repeat(LINE_BYTES + 1)], 431],
    ]
  for (const [what, raw, status, version] of rows) {
    const head = readHead(raw, ...(version ?? [1, 1]))
    assert.ok(head instanceof GatewayError, what)
    assert.equal(head.status, status, what)
  }
})

test('takes what is at the limit and not beyond it', () => {
  headOf([
    ...HOST,
    ...Array<string[]>(MOST_HEADERS - 1)
      .fill(['a', 'b'])
      .flat(),
  ])
  headOf([...HOST, 'a', 'x'.repeat(LINE_BYTES)])
  assert.equal(headOf([...HOST, 'Content-Length', '9'.repeat(15)]).contentLength, 999_999_999_999_999)
})

test('takes names, addresses and ports as Host', () => {
  for (const host of ['a', 'a_b.example-1.com:8080', '127.0.0.1:1', '[::1]', '[::1]:443', 'a:65535']) {
    assert.equal(headOf(['Host', host]).host, host)
  }
})

test('reads the fields that the core uses, whatever the case of their names', () => {
  const head = headOf([
    'HOST',
    'a',
    'CONTENT-length',
    '12',
    'Content-TYPE',
    'text/plain',
    'Content-Encoding',
    'gzip',
    'EXPECT',
    '100-continue',
    'X-Request-Id',
    'r-1',
    'Traceparent',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'X-Other',
    'o',
  ])
  assert.equal(head.contentLength, 12)
  assert.equal(head.contentType, 'text/plain')
  assert.equal(head.contentEncoding, 'gzip')
  assert.equal(head.expect, '100-continue')
  assert.equal(head.clientRequestId, 'r-1')
  assert.equal(head.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.equal(head.parentId, '00f067aa0ba902b7')
  assert.equal(head.traceFlags, 1)
  assert.equal(head.get('x-other'), 'o')
  assert.equal(head.get('x-missing'), null)
  assert.equal(head.chunked, false)
})

test('takes chunked in any case', () => {
  assert.equal(headOf([...HOST, 'Transfer-Encoding', 'Chunked']).chunked, true)
})

test('leaves out request ids and trace contexts that are malformed', () => {
  for (const id of ['', 'a b', 'a"b', 'ä', 'x'.repeat(129)]) {
    assert.equal(headOf([...HOST, 'x-request-id', id]).clientRequestId, null, id)
  }
  assert.equal(headOf([...HOST, 'traceparent', '00-zz-00f067aa0ba902b7-01']).traceId, null)
})

test('lets HTTP/1.0 do without Host, and ignores its expectations', () => {
  const head = headOf(['Expect', '100-continue'], [1, 0])
  assert.equal(head.host, null)
  assert.equal(head.expect, null)
})

test('names a header in a message only in part when its name is long', () => {
  const head = readHead([...HOST, 'n'.repeat(1000), 'x'.repeat(LINE_BYTES + 1)], 1, 1)
  assert.ok(head instanceof GatewayError)
  assert.ok(head.message.length < 200)
})

test('refuses a request line that is not exactly three parts of HTTP/1', () => {
  const rows: readonly (readonly [line: string, status: number])[] = [
    ['', 400],
    ['GET', 400],
    ['GET /', 400],
    ['GET  / HTTP/1.1', 400],
    ['GET /  HTTP/1.1', 400],
    [' GET / HTTP/1.1', 400],
    ['GET / HTTP/1.1 ', 400],
    ['GET /a b HTTP/1.1', 400],
    ['GET\t/\tHTTP/1.1', 400],
    ['G(T / HTTP/1.1', 400],
    [`${'G'.repeat(33)} / HTTP/1.1`, 400],
    ['GET / http/1.1', 400],
    ['GET / HTTP/1', 400],
    ['GET / HTTP/11', 400],
    ['GET / HTTP/1.10', 400],
    ['GET / XTTP/1.1', 400],
    ['PRI * HTTP/2.0', 505],
    ['GET / HTTP/3.0', 505],
  ]
  for (const [line, status] of rows) {
    const head = readRequestHead(`${line}\r\nHost: a`)
    assert.ok(head instanceof GatewayError, line)
    assert.equal(head.status, status, line)
  }
})

test('takes methods and targets as they are, for the match to decide', () => {
  for (const method of ['GET', 'get', 'PROPFIND', 'X-OWN', "!#$%&'*+.^_`|~0"]) {
    const head = readRequestHead(`${method} /a%2Fb?c=d HTTP/1.1\r\nHost: a`)
    assert.ok(head instanceof RequestHead)
    assert.deepEqual([head.method, head.target, head.problem], [method, '/a%2Fb?c=d', null])
  }
})

test('refuses a header line with any part that is not of the grammar', () => {
  for (const line of ['a', ': b', 'a : b', 'a\t: b', 'ä: b', '(: b', 'a@: b', 'a b: c', ' a: b', '\ta: b']) {
    const head = readRequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${line}`)
    assert.ok(head instanceof RequestHead && head.problem?.status === 400, JSON.stringify(line))
    assert.deepEqual([head.names, head.values, head.keepAlive], [[], [], false], 'nothing of it is used')
  }
  for (const text of ['a: b\rc', 'a: b\nc: d', 'a: b\0', 'a: b\x7f', 'a: b\x1b[1m', 'a: b\r', 'a: b\n\rc: d']) {
    assert.ok(readRequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${text}`) instanceof GatewayError, JSON.stringify(text))
  }
})

test('keeps a connection as the version and the Connection header say', () => {
  const rows: readonly (readonly [version: string, connection: string | null, keepAlive: boolean])[] = [
    ['1.1', null, true],
    ['1.1', 'keep-alive', true],
    ['1.1', 'close', false],
    ['1.1', 'Close', false],
    ['1.1', 'keep-alive, close', false],
    ['1.1', 'x-close', true],
    ['1.0', null, false],
    ['1.0', 'keep-alive', true],
    ['1.0', 'Keep-Alive', true],
    ['1.0', 'keep-alive, close', false],
  ]
  for (const [version, connection, keepAlive] of rows) {
    const line = connection === null ? '' : `\r\nConnection: ${connection}`
    const head = readRequestHead(`GET / HTTP/${version}\r\nHost: a${line}`)
    assert.ok(head instanceof RequestHead)
    assert.equal(head.keepAlive, keepAlive, `${version} ${connection}`)
  }
})
