import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientDouble } from '../../../test/request-path/client-double.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import type { BodyWriter } from '../phases.ts'
import { KEPT_BYTES, RelayedBody } from './relayed-body.ts'

/** An upstream that notes what it gets; `room` is what its writes answer. */
class Writer implements BodyWriter {
  readonly pieces: Buffer[] = []
  ended = false
  room = true

  write(bytes: Buffer): boolean {
    this.pieces.push(Buffer.from(bytes))
    return this.room
  }

  end(): void {
    this.ended = true
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString()
  }
}

function upload(headers: readonly string[] = ['Transfer-Encoding', 'chunked'], limit = 1e9) {
  const x = offlineExchange({ headers })
  const { client } = x
  assert.ok(client instanceof ClientDouble)
  return { x, client, body: new RelayedBody(x, limit) }
}

test('what comes before the upstream is connected is kept, and the client stopped at a bound', () => {
  const { client, body } = upload()
  body.onBody(Buffer.from('ab'))
  body.onBody(Buffer.from('cd'))
  assert.deepEqual(client.calls, [])
  body.onBody(Buffer.alloc(KEPT_BYTES, 'x'))
  assert.deepEqual([client.calls, body.waitsFor], [['pauseBody'], 'upstream'])
  const writer = new Writer()
  body.open(writer)
  assert.equal(writer.text, `abcd${'x'.repeat(KEPT_BYTES)}`)
  assert.deepEqual([client.calls, body.waitsFor], [['pauseBody', 'resumeBody'], 'client'])
})

test('a slow upstream stops the client, and its drain lets it go on', () => {
  const { client, body } = upload()
  const writer = new Writer()
  body.open(writer)
  writer.room = false
  body.onBody(Buffer.from('a'))
  body.onBody(Buffer.from('b'))
  assert.deepEqual([client.calls, body.waitsFor], [['pauseBody'], 'upstream'])
  writer.room = true
  body.onDrain()
  body.onDrain()
  assert.deepEqual(client.calls, ['pauseBody', 'resumeBody'])
  body.onBodyEnd()
  assert.deepEqual([writer.text, writer.ended, body.complete], ['ab', true, true])
})

test('a body that was kept whole goes out again, from its first byte, also when it was complete before', () => {
  const { body } = upload()
  const [first, second, third] = [new Writer(), new Writer(), new Writer()]
  body.open(first)
  body.onBody(Buffer.from('ab'))
  body.close()
  body.onBody(Buffer.from('cd'))
  body.open(second)
  body.onBody(Buffer.from('ef'))
  body.onBodyEnd()
  body.open(third)
  assert.deepEqual([first.text, second.text, third.text], ['ab', 'abcdef', 'abcdef'])
  assert.deepEqual([first.ended, second.ended, third.ended, body.replayable], [false, true, true, true])
})

test('a body that grows too large is let go, and cannot be sent again', () => {
  const { body } = upload()
  const writer = new Writer()
  body.open(writer)
  body.onBody(Buffer.alloc(KEPT_BYTES))
  assert.equal(body.replayable, true)
  body.onBody(Buffer.from('a'))
  assert.equal(body.replayable, false)
  assert.equal(writer.text.length, KEPT_BYTES + 1)
})

test('tens of thousands of crumbs are kept in little memory', () => {
  const { body } = upload()
  global.gc?.()
  const before = process.memoryUsage()
  for (let at = 0; at < 60_000; at++) body.onBody(Buffer.from('a'))
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  assert.ok(body.replayable)
  const writer = new Writer()
  body.open(writer)
  assert.equal(writer.text, 'a'.repeat(60_000))
  assert.equal(writer.pieces.length, 1)
  assert.ok(arrayBuffers - before.arrayBuffers < 16 * 1_048_576 && heapUsed - before.heapUsed < 64 * 1_048_576)
})

test('more than the limit ends the request with 413', () => {
  const { x, client, body } = upload(['Transfer-Encoding', 'chunked'], 4)
  body.onBody(Buffer.from('abcd'))
  assert.equal(x.settled, false)
  body.onBody(Buffer.from('e'))
  assert.deepEqual([x.settled, x.error?.code, client.status], [true, 'request_too_large', 413])
})

test('a client that waits is asked for its body once, when the upstream is there', () => {
  const { client, body } = upload(['Content-Length', '5', 'Expect', '100-continue'])
  assert.deepEqual([client.calls, body.length], [[], 5])
  body.open(new Writer())
  body.close()
  body.open(new Writer())
  assert.deepEqual(client.calls, ['askForBody'])
})
