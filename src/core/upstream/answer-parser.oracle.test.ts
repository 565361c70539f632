import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'

/** What a reader made of the bytes of a connection; null when it refused them. */
type Reading = { readonly status: number; readonly headers: Record<string, string>; readonly body: string } | null

interface Sent {
  readonly method: string
  readonly bytes: Buffer
}

/** Our reading of bytes that are cut into pieces of at most these sizes; the connection ends behind them. */
function ours({ method, bytes }: Sent, sizes: readonly number[]): Reading {
  let head: AnswerHead | null = null
  let complete = false
  const body: Buffer[] = []
  const parser = new AnswerParser({
    onHead: (given) => {
      head = given
    },
    onBody: (piece) => body.push(Buffer.from(piece)),
    onComplete: () => {
      complete = true
    },
  })
  parser.expect(method)
  try {
    for (let at = 0, turn = 0; at < bytes.length && parser.busy; turn++) {
      const size = sizes[turn % sizes.length] ?? bytes.length
      parser.push(bytes.subarray(at, at + size))
      at += size
    }
    parser.end()
  } catch {
    return null // what is refused, and for which reason, is the subject of other tests
  }
  const given = head as AnswerHead | null // assigned in a callback
  if (given === null || !complete) return null
  const headers = Object.entries(given.headers).map(([name, value]) => [name, [value].flat().join(', ')])
  return { status: given.status, headers: Object.fromEntries(headers), body: Buffer.concat(body).toString('latin1') }
}

let answer: Buffer = Buffer.alloc(0)
const server = createServer((socket) => {
  socket.on('error', () => {
    // A reader that refuses an answer resets its connection.
  })
  socket.once('data', () => socket.end(answer))
})
before(async () => await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
after(() => server.close())

/** The reading of Node's own client, another implementation of the same rules. */
async function nodes({ method, bytes }: Sent): Promise<Reading> {
  answer = bytes
  const { port } = server.address() as AddressInfo
  try {
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', method, agent: false as const, maxHeaderSize: 65_536 }
      request(options, resolve).on('error', reject).on('upgrade', reject).end()
    })
    let body = ''
    for await (const text of res.setEncoding('latin1')) body += text
    if (!res.complete) return null
    const headers: Record<string, string> = {}
    for (const [name, values = []] of Object.entries(res.headersDistinct)) headers[name] = values.join(', ')
    return { status: res.statusCode ?? 0, headers, body }
  } catch {
    return null // as above
  }
}

const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,11}$/).map((text) => `x-${text}`)
const value = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', ' ', '\t', '"', ',', ';', ':', 'é', 'ÿ', '~'),
  maxLength: 20,
})
const fields = fc
  .array(fc.tuple(name, value, fc.constantFrom('', ' ', '\t ')), { maxLength: 6 })
  .map((rows) => rows.map(([field, text, space]) => `${field}:${space}${text}${space}\r\n`).join(''))
const text = fc.string({
  unit: fc.constantFrom('a', '\r', '\n', '\r\n', '0', ';', 'ÿ', '\0', 'HTTP/1.1 200 OK\r\n\r\n'),
  maxLength: 40,
})
const extension = fc.constantFrom('', ';a', ';a=b', ';a="b;c"')
const interim = fc.array(
  fields.map((lines) => `HTTP/1.1 103 Early\r\n${lines}\r\n`),
  { maxLength: 2 },
)

/** Answers that every client must read the same. */
const valid: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'HEAD'),
    status: fc.constantFrom(200, 201, 204, 304, 400, 429, 500, 599),
    reason: fc.constantFrom(' OK', ' ', ' Not Quite Right', ' Süß'),
    first: interim,
    before: fields,
    after: fields,
    framing: fc.constantFrom('length', 'chunked', 'close'),
    pieces: fc.array(
      fc.tuple(
        text.filter((piece) => piece !== ''),
        extension,
      ),
      { maxLength: 5 },
    ),
    trailer: fields,
    letters: fc.constantFrom(
      (hex: string) => hex,
      (hex: string) => hex.toUpperCase(),
      (hex: string) => `00${hex}`,
    ),
  })
  .map(({ method, status, reason, first, before, after, framing, pieces, trailer, letters }) => {
    const none = method === 'HEAD' || status === 204 || status === 304
    const whole = pieces.map(([piece]) => piece).join('')
    const chunks = pieces
      .map(([piece, more]) => `${letters(piece.length.toString(16))}${more}\r\n${piece}\r\n`)
      .join('')
    const line = {
      length: `Content-Length: ${whole.length}\r\n`,
      chunked: 'Transfer-Encoding: chunked\r\n',
      close: '',
    }[framing]
    const body = framing === 'chunked' ? `${chunks}0\r\n${trailer}\r\n` : whole
    const head = `HTTP/1.1 ${status}${reason}\r\n${before}${status === 204 ? '' : line}${after}\r\n`
    return { method, bytes: Buffer.from(`${first.join('')}${head}${none ? '' : body}`, 'latin1') }
  })

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 })

test('reads every valid answer as another client does, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(valid, cuts, async (sent, sizes) => {
      const reading = ours(sent, sizes)
      assert.ok(reading !== null, sent.bytes.toString('latin1'))
      assert.deepEqual(reading, await nodes(sent))
    }),
    { numRuns: 300 },
  )
})

test('a damaged answer is refused, or read as another client reads it', async () => {
  const damage = fc.array(
    fc.tuple(fc.nat(), fc.constantFrom('', ' ', '\r', '\n', '\0', ':', ',', '0', 'x', '\r\n', '\t', '\x7f')),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  let both = 0
  let neither = 0
  await fc.assert(
    fc.asyncProperty(valid, damage, cuts, async ({ method, bytes }, places, sizes) => {
      let damaged = bytes.toString('latin1')
      for (const [place, other] of places) {
        const at = place % damaged.length
        damaged = damaged.slice(0, at) + other + damaged.slice(at + (place % 2))
      }
      const sent = { method, bytes: Buffer.from(damaged, 'latin1') }
      const reading = ours(sent, sizes)
      assert.deepEqual(ours(sent, []), reading, 'the same in one piece')
      if (reading === null) return void neither++
      const other = await nodes(sent)
      if (other === null) return
      both++
      assert.deepEqual(reading, other)
    }),
    { numRuns: 600 },
  )
  assert.ok(both > 20 && neither > 20, `${both} read by both, ${neither} refused`)
})
