import * as corpus from '../fuzz/corpus.ts'

/** One connection's bytes, with a name to find it by. */
export interface Case {
  readonly name: string
  readonly bytes: Buffer
}

interface Parts {
  readonly before?: string
  readonly method?: string
  readonly target?: string
  readonly version?: string
  readonly lines?: readonly string[]
  readonly end?: string
  readonly body?: string
}

const HOST = 'Host: a'
const LENGTH = 'Content-Length: 5'
const CHUNKED = 'Transfer-Encoding: chunked'
/** Stands behind every request: who ends a body elsewhere, or nowhere, reads another request here, or none. */
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

function caseOf(name: string, parts: Parts): Case {
  const { before = '', method = 'POST', target = '/a', version = 'HTTP/1.1', end = '\r\n', body = 'hello' } = parts
  const lines = parts.lines ?? [HOST, LENGTH]
  const head = [`${method} ${target} ${version}`, ...lines, '', ''].join(end)
  return {
    name: `${name}: ${JSON.stringify((head + body).slice(0, 120))}`,
    bytes: Buffer.from(`${before}${head}${body}${LAST}`, 'latin1'),
  }
}

/** What readers of HTTP/1.1 have disagreed on: each oddity by itself, and those of framing in pairs. */
export function differentialCases(): readonly Case[] {
  const cases: Case[] = []
  const add = (name: string, parts: Parts) => cases.push(caseOf(name, parts))
  add('plain', {})
  for (const method of [...corpus.METHODS, ...corpus.ODD_METHODS]) add('method', { method })
  for (const target of [...corpus.TARGETS, ...corpus.ODD_TARGETS]) add('target', { target })
  for (const version of [...corpus.VERSIONS, ...corpus.ODD_VERSIONS]) {
    add('version', { version })
    add('version, chunked', { version, lines: [HOST, CHUNKED], body: '5\r\nhello\r\n0\r\n\r\n' })
    add('version, no length', { version, lines: [HOST] })
  }
  for (const line of [...corpus.LINES, ...corpus.ODD_LINES]) {
    add('line', { lines: [HOST, LENGTH, line] })
    add('line first', { lines: [line, HOST, LENGTH] })
    add('line alone', { lines: [HOST, line], body: '' })
    add('line before a chunked body', { lines: [HOST, line, CHUNKED], body: '5\r\nhello\r\n0\r\n\r\n' })
    add('line behind a chunked body', { lines: [HOST, CHUNKED, line], body: '5\r\nhello\r\n0\r\n\r\n' })
  }
  for (const [line, body] of [...corpus.BODIES, ...corpus.ODD_BODIES]) {
    add('body', { lines: [HOST, line], body })
    add('body, GET', { method: 'GET', lines: [HOST, line], body })
    add('body and a length', { lines: [HOST, line, LENGTH], body })
    add('body behind a length', { lines: [HOST, LENGTH, line], body })
  }
  for (const end of [...corpus.LINE_ENDS, ...corpus.ODD_LINE_ENDS]) {
    add('line end', { end })
    add('line end in a value', { lines: [HOST, LENGTH, `X-A: b${end}X-B: c`] })
    add('line end hides a length', { lines: [HOST, `X-A: b${end}Content-Length: 9`, LENGTH] })
  }
  for (const before of [...corpus.BEFORE, ...corpus.ODD_BEFORE]) add(`before ${JSON.stringify(before)}`, { before })
  return cases
}
