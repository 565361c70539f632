import assert from 'node:assert/strict'
import { createServer, METHODS } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import * as corpus from '../../../test/fuzz/corpus.ts'
import { planOf, routeOf } from '../../../test/request-path/edge.ts'
import type { GatewayError } from '../errors.ts'
import { Gateway } from '../gateway.ts'
import { answer } from '../respond/answer.ts'
import { Http1Connection } from './http1-connection.ts'

/** One request as a reader understood it. */
interface Understood {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: string
}

/** A connection that delivers exactly the pieces it is given. */
class Line extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly bytesWritten = 0
  answers = ''

  override _read(): void {
    // Pieces are pushed when the test says so.
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.answers += bytes.toString('latin1')
    done()
  }
}

/** Lets everything happen that is due. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function deliver(line: Line, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  await quiet()
  for (let at = 0, turn = 0; at < bytes.length && !line.destroyed; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    line.push(bytes.subarray(at, at + size))
    at += size
    if (turn % 5 === 4) await quiet()
  }
  await quiet()
}

/** Why the gateway refused what came behind the last request that it understood. */
interface Refusal {
  readonly code: string
  readonly message: string
}

async function ours(bytes: Buffer, sizes: readonly number[]): Promise<{ seen: Understood[]; refused: Refusal | null }> {
  const seen: Understood[] = []
  let refused: Refusal | null = null
  const route = routeOf({
    bodyLimit: 1_000_000,
    encodedBody: 'pass',
    renderError: (_x, { code, message }: GatewayError) => {
      refused = { code, message }
      return { body: Buffer.from('{}'), contentType: 'application/json' }
    },
    inspect: (x) => {
      answer(x, 200, 'text/plain', '')
      return null
    },
    settle: [
      ({ method, head, status, body }) => {
        // What is refused (405, 417) is a request all the same, unless it is the reason to close.
        const hasBody = head.contentLength > 0 || head.chunked
        if (status !== 200 && (CLOSING.has(status) || (hasBody && head.expect !== null))) return
        const headers = head.names.flatMap((name, at) => [name, head.values[at] ?? ''])
        const text = status !== 200 && hasBody ? UNREAD : (body?.toString('latin1') ?? '')
        seen.push({ method, target: head.target, headers, body: text })
      },
    ],
  })
  const methods = Object.fromEntries([...METHODS, 'FOO', 'get'].map((method) => [method, route]))
  const gateway = new Gateway({
    plan: { ...planOf({ '/': methods }, [['/', methods]]), fallback: route },
    limits: { bodyIdleMs: 60_000, bodyMemoryBytes: 1e9 },
    onFault: (error) => {
      throw error
    },
  })
  const line = new Line()
  // It has what a connection uses of a socket.
  const connection = new Http1Connection(gateway, line as unknown as Socket, () => undefined)
  await deliver(line, bytes, sizes)
  const unreadable = /\{"error":(\{.*\})\}$/.exec(line.answers)?.[1]
  if (unreadable !== undefined) refused = JSON.parse(unreadable) as Refusal // written by unreadable.ts
  connection.destroy()
  gateway.deadlines.stop()
  await quiet()
  assert.equal(gateway.exchanges.size, 0, 'every request has ended')
  return { seen, refused }
}

async function nodes(bytes: Buffer, sizes: readonly number[]): Promise<Understood[]> {
  const seen: Understood[] = []
  const server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 1_048_576 })
  server.maxHeadersCount = 0
  const serve: Parameters<typeof server.on>[1] = (req, res) => {
    const body: Buffer[] = []
    req.on('data', (piece: Buffer) => body.push(piece))
    req.on('error', () => undefined)
    req.on('end', () => {
      if (!req.complete) return
      const headers = req.rawHeaders.map((text: string, at: number) => (at % 2 === 0 ? text.toLowerCase() : text))
      seen.push({ method: req.method, target: req.url, headers, body: Buffer.concat(body).toString('latin1') })
      res.end()
    })
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, serve)
  // Not at once: requests that are complete are still on their way to the handler.
  server.on('clientError', () => undefined)
  const line = new Line()
  server.emit('connection', line)
  await deliver(line, bytes, sizes)
  line.destroy()
  await quiet()
  return seen
}

/** Nothing that follows such an answer is a request, and neither was what it answers. */
const CLOSING: ReadonlySet<number> = new Set([400, 408, 413, 414, 431, 505])

/** In the place of a body that is read over: whether it was one shows in what is found behind it. */
const UNREAD = '(unread)'

/** Methods that Node's parser hands to handlers. It does not know every token, and takes CONNECT out of HTTP. */
const NODES = new Set(METHODS.filter((method) => method !== 'CONNECT'))

/** Refused here though Node's parser takes it: docs/decisions/0003-http-edge.md says why. */
const ONLY_HERE: readonly RegExp[] = [
  /^The head has control characters or line ends/,
  /^The request line has not three parts/,
  /^The request line does not end in a version/,
  /^HTTP\/\d\.\d is not supported/,
  /^The request target (?:must be a path|is longer)/,
  /^The path has (?:dot segments|an encod)/,
  /^The header .* is longer/,
  /^The head of the request is larger/,
  /^The request has \d+ headers/,
  /^The request has (?:no|two) Host header/,
  /^The Host header is not/,
  /^The request has two (?:Content-Type|Expect) headers/,
  /^The request has two Content-Length headers/,
  /^The Content-Length header is not a plain decimal number/,
  /^The request has two Transfer-Encoding headers/,
  /^The only transfer encoding taken/,
  /^The request has both/,
  /^The method is not one/,
  /^HTTP\/1\.0 has no/,
  /^The only expectation taken/,
  /^The body is larger/,
  /chunk size is too large\.$/,
  /chunk extension is malformed\.$/,
]

const often = <T>(usual: readonly T[], odd: readonly T[], weight = 12) =>
  fc.oneof({ arbitrary: fc.constantFrom(...usual), weight }, { arbitrary: fc.constantFrom(...odd), weight: 1 })

const lineEnd = often(corpus.LINE_ENDS, corpus.ODD_LINE_ENDS, 200)

const request = fc
  .record({
    before: often(corpus.BEFORE, corpus.ODD_BEFORE, 30),
    method: often(corpus.METHODS, corpus.ODD_METHODS, 30),
    target: often(corpus.TARGETS, corpus.ODD_TARGETS, 30),
    version: often(corpus.VERSIONS.slice(0, 1), [...corpus.VERSIONS, ...corpus.ODD_VERSIONS], 15),
    host: often(['Host: a'], ['Host: a:80', 'Host: [::1]', 'hOST:a', '']),
    lines: fc.array(often(corpus.LINES, corpus.ODD_LINES, 15), { maxLength: 4 }),
    body: fc.oneof(
      { arbitrary: fc.constant(['', ''] as const), weight: 4 },
      { arbitrary: often(corpus.BODIES, corpus.ODD_BODIES, 3), weight: 6 },
    ),
    ends: fc.array(lineEnd, { minLength: 12, maxLength: 12 }),
  })
  .map(({ before, method, target, version, host, lines, body: [framing, body], ends }) => {
    const all = [`${method} ${target} ${version}`, host, ...lines, framing].filter((line) => line !== '')
    const head = all.map((line, at) => line + (ends[at] ?? '\r\n')).join('')
    return `${before}${head}${ends.at(-1)}${body}`
  })

type Edit = readonly [how: 'replace' | 'insert' | 'remove' | 'repeat', where: number, byte: number]

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom('replace', 'insert', 'remove', 'repeat'),
  fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  fc.constantFrom(...corpus.SIGNIFICANT),
)

function edited(bytes: Buffer, [how, where, byte]: Edit): Buffer {
  const at = Math.floor(where * bytes.length)
  const before = bytes.subarray(0, at)
  switch (how) {
    case 'replace':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(at + 1)])
    case 'insert':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(at)])
    case 'remove':
      return Buffer.concat([before, bytes.subarray(at + 1 + (byte % 8))])
    case 'repeat':
      return Buffer.concat([before, bytes.subarray(Math.max(0, at - byte), at), bytes.subarray(at)])
  }
}

const sizes = fc.oneof(
  fc.constant([1_000_000]),
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
)

const sent = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.oneof(
      { arbitrary: fc.constant([]), weight: 2 },
      { arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }), weight: 1 },
    ),
  )
  .map(([requests, edits]) => edits.reduce(edited, Buffer.from(requests.join(''), 'latin1')))

/** How often each comparison came to something; a test that never gets there shows nothing. */
const tally = { compared: 0, agreed: 0, refusedHere: 0, withBody: 0 }

async function compare(bytes: Buffer, pieces: readonly number[]): Promise<void> {
  const here = await ours(bytes, pieces)
  const there = await nodes(bytes, pieces)
  const shown = JSON.stringify(bytes.toString('latin1').slice(0, 3_000))
  const own = here.seen.findIndex(({ method }) => !NODES.has(method))
  const known = own < 0 ? here.seen : here.seen.slice(0, own)
  // It was refused before its body turned out to be none, or to be cut off.
  const comparable = known.at(-1)?.body === UNREAD && there.length < known.length ? known.slice(0, -1) : known
  const others = there.slice(0, comparable.length)
  const same = others.map((one, at) => (comparable[at]?.body === UNREAD ? { ...one, body: UNREAD } : one))
  assert.deepEqual(comparable, same, `understood differently: ${shown}`)
  tally.compared++
  tally.agreed += comparable.length
  tally.withBody += comparable.filter(({ body }) => body !== '').length
  if (own >= 0 || there.length <= here.seen.length) return
  const { refused } = here
  const unread = there[here.seen.length]
  // An answer that has to come before the body closes the connection: the rest is not a request here.
  const message = refused?.message ?? ''
  const isKnown = ONLY_HERE.some((reason) => reason.test(message)) || refused?.code === 'method_not_allowed'
  const closed = here.seen.at(-1)?.headers.some((text) => /\bclose\b/i.test(text)) ?? false
  assert.ok(isKnown || closed, `refused here for ${JSON.stringify(message)}: ${JSON.stringify(unread)} of ${shown}`)
  tally.refusedHere++
}

test('whatever is accepted, Node’s own parser accepts, and understands it the same', { timeout: 110_000 }, async () => {
  const numRuns = Math.round(1_000 * Number(process.env.FERRO_TEST_SCALE ?? '1'))
  await fc.assert(fc.asyncProperty(sent, sizes, compare), { numRuns })
  assert.ok(tally.agreed > tally.compared / 2, JSON.stringify(tally))
  assert.ok(tally.withBody > tally.compared / 10, JSON.stringify(tally))
  assert.ok(tally.refusedHere > 0, JSON.stringify(tally))
})

test('every odd part by itself is understood the same, or refused', async () => {
  const request = (line: string, lines: readonly string[], body = '') =>
    Buffer.from(`${[line, ...lines].join('\r\n')}\r\n\r\n${body}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1')
  const all = [
    ...[...corpus.METHODS, ...corpus.ODD_METHODS].map((method) => request(`${method} / HTTP/1.1`, ['Host: a'])),
    ...[...corpus.TARGETS, ...corpus.ODD_TARGETS].map((target) => request(`GET ${target} HTTP/1.1`, ['Host: a'])),
    ...[...corpus.VERSIONS, ...corpus.ODD_VERSIONS].map((version) => request(`GET /a ${version}`, ['Host: a'])),
    ...[...corpus.LINES, ...corpus.ODD_LINES].flatMap((line) => [
      request('POST /a HTTP/1.1', ['Host: a', line]),
      request('POST /a HTTP/1.1', ['Host: a', line, 'Content-Length: 5'], 'hello'),
      request('POST /a HTTP/1.1', [line, 'Host: a', 'Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'),
    ]),
    ...[...corpus.BODIES, ...corpus.ODD_BODIES].map(([line, body]) =>
      request('POST /a HTTP/1.1', ['Host: a', line], body),
    ),
  ]
  for (const bytes of all) for (const size of [1, 7, bytes.length]) await compare(bytes, [size])
})
