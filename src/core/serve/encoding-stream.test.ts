import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { PATIENT } from '../../../test/request-path/edge.ts'
import { startRoute } from '../../../test/request-path/site.ts'
import type { Candidate, ResponseHandler } from '../phases.ts'
import { acceptedCodings } from './accept-encoding.ts'
import { EncodingClient } from './encoding-client.ts'
import { compileEncodingRules } from './encoding-rules.ts'
import { OpenEncodings } from './open-encodings.ts'

const HEADERS = { 'content-type': 'text/plain' }
const RULES = compileEncodingRules({ algorithms: ['gzip', 'br', 'zstd'], minimum: 1_024, types: ['text/*'] })

/** Decompress what came so far: the beginning of a stream. */
const PARTLY = {
  gzip: (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
  br: (bytes: Buffer) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes: Buffer) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_continue }),
} as const

/** An answer that the test writes in place of an upstream. */
class Writer {
  readonly handler: ResponseHandler
  pauses = 0
  resumes = 0
  aborted = false

  constructor(handler: ResponseHandler) {
    this.handler = handler
    handler.onRequestStart(this, null)
    handler.onResponseStart(this, 200, HEADERS)
  }

  get paused(): boolean {
    return this.pauses > this.resumes
  }

  pause(): void {
    this.pauses++
  }

  resume(): void {
    this.resumes++
  }

  abort(): void {
    this.aborted = true
  }

  write(bytes: Buffer | string): void {
    this.handler.onResponseData(this, Buffer.from(bytes))
  }

  end(): void {
    this.handler.onResponseEnd(this, null)
  }
}

async function start(t: TestContext, limit = 10) {
  const open = new OpenEncodings(limit)
  const writers: Writer[] = []
  const candidate: Candidate = {
    name: 'written',
    upstream: {
      name: 'written',
      origin: 'written',
      transport: {
        dispatch: (_request, handler) => writers.push(new Writer(handler)) > 0,
        close: async () => undefined,
      },
      timeouts: PATIENT,
    },
    encode: () => ({ method: 'GET', path: '/', headers: [], body: null }),
    open: () => ({
      start: () => 'stream',
      complete: (body) => body,
      push: (chunk) => chunk,
      end: () => null,
      headers: () => Object.entries(HEADERS).flat(),
    }),
  }
  const edge = await startRoute(t, {
    admit: [
      (x) => {
        const accepted = acceptedCodings(x.head, RULES.algorithms)
        x.client = new EncodingClient(x.client, x, { rules: RULES, accepted, open })
        return null
      },
    ],
    renderStreamError: null,
    inspect: (x) => {
      x.candidates = [candidate]
      return null
    },
  })
  const ask = async (coding: string) => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    await client.send(`GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: ${coding}\r\n\r\n`)
    const writer = await eventually(() => writers.shift(), { what: 'the request' })
    return { client, writer }
  }
  return { edge, open, ask }
}

const bodyOf = (client: RawClient) => client.responses()[0]?.body ?? Buffer.alloc(0)

for (const coding of ['gzip', 'br', 'zstd'] as const) {
  test(`a piece does not wait in the compressor for the next (${coding})`, async (t) => {
    const { open, ask } = await start(t)
    const { client, writer } = await ask(coding)
    let text = ''
    for (const piece of ['first ', 'second ', 'third ']) {
      writer.write(piece)
      text += piece
      await eventually(() => client.receivedBytes > 0 && String(PARTLY[coding](bodyOf(client))) === text, {
        what: piece,
      })
      assert.equal(client.responses()[0]?.complete, false)
    }
    writer.end()
    const [response] = await client.waitForResponses()
    assert.equal(response?.header('content-encoding'), coding)
    assert.equal(String(PARTLY[coding](response?.body ?? Buffer.alloc(0))), text)
    assert.equal(open.size, 0)
  })

  test(`a client that does not read holds the upstream up, and gets everything in the end (${coding})`, async (t) => {
    const { edge, open, ask } = await start(t)
    const { client, writer } = await ask(coding)
    client.setReading('paused')
    const sent: Buffer[] = []
    let most = 0
    const fill = async () => {
      for (let turn = 0; turn < 4_000 && !writer.paused; turn++) {
        const piece = randomBytes(32_768)
        sent.push(piece)
        writer.write(piece)
        for (const x of edge.gateway.exchanges) most = Math.max(most, x.client.unsentBytes)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const isFull = async () => {
      await fill()
      const { resumes } = writer
      await new Promise((resolve) => setTimeout(resolve, 50))
      return writer.paused && writer.resumes === resumes
    }
    await eventually(isFull, { what: 'the upstream to be held up', deadlineMs: 20_000 })
    assert.ok(most < 400_000, `${most} bytes waited`)
    assert.equal(open.size, 1)
    client.setReading('flowing')
    await eventually(() => !writer.paused, { what: 'the upstream to go on' })
    writer.write('the last')
    sent.push(Buffer.from('the last'))
    writer.end()
    const [response] = await client.waitForResponses(1, 20_000)
    assert.ok(PARTLY[coding](response?.body ?? Buffer.alloc(0)).equals(Buffer.concat(sent)))
    assert.equal(open.size, 0)
    assert.deepEqual(edge.faults, [])
  })
}

test('the compressor of a client that leaves is closed, also while the upstream says nothing', async (t) => {
  const { edge, open, ask } = await start(t)
  const { client, writer } = await ask('gzip')
  writer.write('a')
  await eventually(() => client.receivedBytes > 0)
  assert.equal(open.size, 1)
  client.abort()
  await edge.settled()
  assert.equal(writer.aborted, true)
  await eventually(() => open.size === 0, { what: 'the compressor to be closed' })
})

test('an answer that is cut has no proper end, and its compressor is closed', async (t) => {
  const { open, ask } = await start(t)
  const { client, writer } = await ask('gzip')
  writer.write('a')
  await eventually(() => client.receivedBytes > 0)
  writer.handler.onResponseError(writer, new Error('the upstream is gone'))
  await client.waitForClose()
  assert.equal(client.responses()[0]?.complete, false)
  assert.equal(open.size, 0)
})

test('when too many are open, answers are sent as they are', async (t) => {
  const { ask } = await start(t, 1)
  const first = await ask('gzip')
  first.writer.write('a')
  const second = await ask('gzip')
  second.writer.write('plain')
  second.writer.end()
  const [response] = await second.client.waitForResponses()
  assert.deepEqual([response?.header('content-encoding'), response?.header('vary')], [undefined, 'accept-encoding'])
  assert.equal(String(response?.body), 'plain')
  first.writer.end()
  await first.client.waitForResponses()
  const third = await ask('gzip')
  third.writer.write('a')
  third.writer.end()
  assert.equal((await third.client.waitForResponses())[0]?.header('content-encoding'), 'gzip')
})

test('a request behind one that is still being compressed is answered after it', async (t) => {
  const { ask } = await start(t)
  const { client, writer } = await ask('zstd')
  await client.send('PUT / HTTP/1.1\r\nhost: a\r\n\r\n')
  const text = randomBytes(200_000).toString('hex')
  writer.write(text)
  writer.end()
  const [first, second] = await client.waitForResponses(2)
  assert.ok(String(PARTLY.zstd(first?.body ?? Buffer.alloc(0))) === text)
  assert.equal(second?.status, 405)
})
