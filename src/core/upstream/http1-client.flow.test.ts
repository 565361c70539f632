import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { clientTo, GET, send } from '../../../test/request-path/client.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { startHttp, startRaw } from '../../../test/request-path/upstream.ts'
import type { DispatchController } from '../phases.ts'

const MEBIBYTE = 1_048_576
const ENOUGH = new Error('enough')

/** A raw upstream that answers every read with these bytes. */
const answering = (t: TestContext, bytes: string) =>
  startRaw(t, (socket) => socket.on('data', () => socket.write(bytes, 'latin1')))

test('an abort closes the connection at once, whatever stage it is in, and nothing is told after it', async (t) => {
  const stages = {
    start: 'onStart',
    head: 'onHead',
    body: 'onData',
  } as const
  for (const [stage, hook] of Object.entries(stages)) {
    const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfour')
    const client = clientTo(t, upstream.origin)
    const recorder = send(client, new Recorder({ [hook]: (turn: DispatchController) => turn.abort(ENOUGH) }))
    await recorder.ended()
    assert.equal(recorder.error, ENOUGH, stage)
    recorder.controller?.abort(new Error('again'))
    await eventually(() => upstream.open.size === 0, { what: `the end of the connection at ${stage}`, deadlineMs: 500 })
  }
  // From outside, while the upstream says nothing, and while it pours.
  for (const serve of [() => undefined, pour]) {
    const upstream = await startRaw(t, (socket) => socket.once('data', () => serve(socket)))
    const recorder = send(clientTo(t, upstream.origin))
    await eventually(() =>
      serve === pour ? recorder.received > MEBIBYTE : upstream.open.size === 1 && recorder.controller,
    )
    recorder.controller?.abort(ENOUGH)
    assert.equal(recorder.error, ENOUGH)
    await eventually(() => upstream.open.size === 0, { deadlineMs: 500 })
  }
})

/** Writes an answer without end for as long as somebody takes it. */
function pour(socket: Socket): void {
  const piece = Buffer.alloc(65_536, 'x')
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  socket.on('drain', more)
  more()
}

test('what one read brought is one piece, whatever it was cut into, and outlives the read', async (t) => {
  const chunks = Array.from({ length: 100 }, (_, at) => `${at} `.padStart(at + 3, '-'))
  const framed = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')
  const upstream = await answering(t, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${framed}0\r\n\r\n`)
  const client = clientTo(t, upstream.origin)
  const first = await send(client).ended()
  const second = await send(client).ended()
  for (const { chunks: pieces, body } of [first, second]) {
    assert.equal(pieces.length, 1)
    assert.equal(body.toString(), chunks.join(''))
  }
})

test('a paused answer stops the upstream, and comes whole after it is resumed', async (t) => {
  const whole = Buffer.from(Uint32Array.from({ length: 8 * MEBIBYTE }, (_, at) => at).buffer)
  const upstream = await startHttp(t, (_req, res) => {
    res.setHeader('content-length', whole.length)
    res.end(whole)
  })
  const manners: Readonly<Record<string, (turn: DispatchController) => void>> = {
    'at once': (turn) => turn.pause(),
    'after a moment of doubt': (turn) => {
      turn.pause()
      turn.resume()
      turn.pause()
    },
    'in a later turn': (turn) => void setImmediate(() => turn.pause()),
  }
  for (const [what, pause] of Object.entries(manners)) {
    const recorder = send(clientTo(t, upstream.origin), new Recorder({ onHead: pause }))
    await eventually(() => recorder.status === 200)
    await stillness(() => recorder.received)
    assert.ok(recorder.received <= 4 * MEBIBYTE, `${recorder.received} bytes came while paused ${what}`)
    recorder.controller?.resume()
    assert.ok((await recorder.ended()).body.equals(whole), what)
  }
})

/** Resolves when a figure has not changed for a tenth of a second. */
async function stillness(figure: () => number): Promise<void> {
  let before = -1
  await eventually(
    () => {
      const same = before === figure()
      before = figure()
      return same
    },
    { everyMs: 100 },
  )
}

test('an answer may be paused and resumed at every piece', async (t) => {
  const whole = Buffer.from(Uint32Array.from({ length: MEBIBYTE }, (_, at) => at).buffer)
  const upstream = await startHttp(t, (_req, res) => {
    for (let at = 0; at < whole.length; at += 10_007) res.write(whole.subarray(at, at + 10_007))
    res.end()
  })
  const client = clientTo(t, upstream.origin)
  for (const resume of [
    (go: () => void) => go(),
    (go: () => void) => process.nextTick(go),
    (go: () => void) => void setImmediate(go),
    (go: () => void) => void setTimeout(go, 1),
  ]) {
    let pauses = 0
    const recorder = new Recorder({
      onData: (turn) => {
        pauses++
        turn.pause()
        resume(() => turn.resume())
      },
    })
    assert.ok((await send(client, recorder).ended()).body.equals(whole))
    assert.ok(pauses >= 50, `${pauses} pauses`)
  }
  assert.equal(upstream.accepted, 1)
})

test('an answer that is complete while paused leaves a connection that reads', async (t) => {
  const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
  const client = clientTo(t, upstream.origin)
  for (let round = 0; round < 3; round++) {
    const recorder = await send(client, new Recorder({ onData: (turn) => turn.pause() })).ended()
    assert.equal(recorder.body.toString(), 'four')
  }
  assert.equal(upstream.accepted, 1)
  for (const socket of upstream.open) socket.end()
  await eventually(() => !client.idle, { what: 'that the close is noticed' })
})

test('an answer before the request was read is heard, and its connection not used again', async (t) => {
  const large = { ...GET, method: 'POST', body: Buffer.alloc(64 * MEBIBYTE) }
  const answer = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'
  const manners: Readonly<Record<string, (socket: Socket) => void>> = {
    'and waits': (socket) => void socket.pause().write(answer),
    'and closes its side': (socket) => void socket.pause().end(answer),
    'and reads on': (socket) => void socket.once('data', () => socket.write(answer)),
  }
  for (const [what, serve] of Object.entries(manners)) {
    const upstream = await startRaw(t, serve)
    const client = clientTo(t, upstream.origin)
    const recorder = await send(client, new Recorder(), large).ended()
    assert.deepEqual([recorder.status, recorder.body.toString(), recorder.error], [413, 'no', null], what)
    assert.equal(client.idle, false, what)
    for (const socket of upstream.open) socket.resume()
    await eventually(() => upstream.open.size === 0, { what: `the end of the connection: ${what}` })
  }
})

test('what a handler keeps is its own, however many sockets read at the same time', async (t) => {
  const letters = ['a', 'b', 'c', 'd', 'e']
  const exchanges = await Promise.all(
    letters.map(async (letter) => {
      const upstream = await startRaw(t, (socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: '.concat(letter.repeat(100), '\r\n\r\n'))
          let left = 400
          const more = () => {
            // Small and large pieces, cut anywhere.
            const size = left % 7 === 0 ? 9_000 : 20
            socket.write(`${size.toString(16)}\r\n${letter.repeat(size)}\r\n`)
            if (--left > 0) setImmediate(more)
            else socket.end('0\r\n\r\n')
          }
          more()
        }),
      )
      // Every other one is slow: it keeps its chunks and pauses.
      const slow = letters.indexOf(letter) % 2 === 0
      const onData = (turn: DispatchController) => {
        if (!slow) return
        turn.pause()
        setImmediate(() => turn.resume())
      }
      return { letter, recorder: send(clientTo(t, upstream.origin), new Recorder({ onData })) }
    }),
  )
  for (const { letter, recorder } of exchanges) {
    await recorder.ended()
    assert.equal(recorder.error, null)
    assert.equal(recorder.headers['x'], letter.repeat(100))
    assert.ok(recorder.chunks.length > 50)
    for (const chunk of recorder.chunks) assert.ok(/^(.)\1*$/.test(chunk.toString()) && chunk.toString()[0] === letter)
  }
})

test('what a handler throws ends its answer and its connection, and nothing else', async (t) => {
  for (const hook of ['onStart', 'onHead', 'onData']) {
    const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
    const client = clientTo(t, upstream.origin)
    const fail = () => {
      throw ENOUGH
    }
    const recorder = await send(client, new Recorder({ [hook]: fail })).ended()
    assert.equal(recorder.error, ENOUGH, hook)
    await eventually(() => upstream.open.size === 0)
    assert.equal((await send(client).ended()).body.toString(), 'four')
    assert.equal(upstream.accepted, 2)
  }
})

test('what a handler throws at the end is not swallowed, and its connection stays good', async (t) => {
  const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
  const client = clientTo(t, upstream.origin)
  const caught: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => caught.push(error))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  let next: Recorder | null = null
  const onEnd = () => {
    next = send(client)
    throw ENOUGH
  }
  await send(client, new Recorder({ onEnd })).ended()
  await eventually(() => next?.over)
  assert.equal((next as Recorder | null)?.body.toString(), 'four')
  assert.deepEqual(caught, [ENOUGH])
  assert.equal(upstream.accepted, 1)
})

test('five thousand exchanges, some given up and some cut, leave no socket and no timer behind', async (t) => {
  let served = 0
  const upstream = await startRaw(t, (socket) =>
    socket.on('data', () => {
      const turn = ++served % 25
      if (turn === 0) socket.resetAndDestroy()
      else if (turn === 5) socket.end('HTTP/1.1 200 OK\r\n\r\nfour')
      else if (turn === 10) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour')
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
    }),
  )
  const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
  const before = resources()
  const clients = Array.from({ length: 20 }, () => clientTo(t, upstream.origin))
  let ended = 0
  await Promise.all(
    clients.map(async (client) => {
      for (let left = 250; left > 0; left--) {
        // An answer that is cut off has its handler give up; so do some that are whole.
        const recorder = new Recorder({
          onData: (turn, chunk) => (left % 9 === 0 || chunk.length > 4 ? turn.abort(ENOUGH) : undefined),
        })
        send(client, recorder)
        const soon = setTimeout(() => recorder.controller?.abort(ENOUGH), 60)
        await new Promise<void>((resolve) => {
          const poll = () => (recorder.over ? resolve() : void setImmediate(poll))
          poll()
        })
        clearTimeout(soon)
        ended++
      }
    }),
  )
  assert.equal(ended, 5_000)
  for (const client of clients) client.destroy()
  await eventually(() => upstream.open.size === 0, { what: 'the end of all connections' })
  await eventually(() => resources() <= before, { what: 'that nothing is left open' })
})
