import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { Recorder, type RecorderHooks } from '../../../test/request-path/recorder.ts'
import { poolTo, startRaw } from '../../../test/request-path/upstream.ts'
import type { UpstreamRequest } from '../phases.ts'
import type { ConnectionPool } from './connection-pool.ts'

const get = (path: string): UpstreamRequest => ({ method: 'GET', path, headers: [], body: null })
const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Answers each request as `serve` says, given its path. */
function serving(serve: (socket: Socket, path: string) => void): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', (bytes: Buffer) => serve(socket, / (\S+) /.exec(bytes.toString('latin1'))?.[1] ?? ''))
  }
}

function send(pool: ConnectionPool, path: string, hooks: RecorderHooks = {}): Recorder {
  const recorder = new Recorder(hooks)
  assert.equal(pool.dispatch(get(path), recorder), true)
  return recorder
}

const GIVE_UP = new Error('given up')

test('an answer that is given up, at whatever point, leaves nothing to the next request in the queue', async (t) => {
  const first = {
    'an empty answer': 'HTTP/1.1 204 No Content\r\n\r\n',
    'a length': `${answer('first')}`,
    'a length in several reads': `HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nfirst`,
    chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfir\r\n2\r\nst\r\n0\r\n\r\n',
    'a close': 'HTTP/1.1 200 OK\r\n\r\nfirst',
    'an answer with something behind it': `${answer('first')}${answer('poison')}`,
  }
  for (const [what, bytes] of Object.entries(first)) {
    for (const point of ['onStart', 'onHead', 'onData'] as const) {
      const upstream = await startRaw(
        t,
        serving((socket, path) => socket.write(path === '/first' ? bytes : answer(`the answer of ${path}`))),
      )
      const pool = poolTo(t, upstream.origin, { connections: 1 })
      const gone = send(pool, '/first', {
        [point]: (controller: { abort(error: Error): void }) => controller.abort(GIVE_UP),
      })
      const next = [send(pool, '/second'), send(pool, '/third')]
      for (const [at, recorder] of next.entries()) {
        await recorder.ended()
        const where = `${what}, ${point}`
        assert.deepEqual(recorder.events, ['start', 'head', 'data', 'end'], where)
        assert.equal(recorder.body.toString(), `the answer of ${['/second', '/third'][at]}`, where)
      }
      if (point !== 'onData' || what !== 'an empty answer') assert.equal(gone.error, GIVE_UP)
      assert.equal(gone.events.at(-1), what === 'an empty answer' && point === 'onData' ? 'end' : 'error')
    }
  }
})

test('what a handler does through its controller after the end does not touch the next request', async (t) => {
  const upstream = await startRaw(
    t,
    serving((socket, path) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n')
      if (path !== '/second') socket.write(path)
      else setImmediate(() => socket.write('second'))
    }),
  )
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const late = (controller: { abort(error: Error): void; pause(): void }) => {
    // The lease is returned: the second request is on its way over the same connection.
    assert.equal(second.events[0], 'start')
    controller.pause()
    controller.abort(GIVE_UP)
  }
  const first = send(pool, '/first', { onEnd: late })
  const second = send(pool, '/second')
  await second.ended()
  assert.deepEqual(second.events, ['start', 'head', 'data', 'end'])
  assert.equal(second.body.toString(), 'second')
  first.controller?.abort(GIVE_UP)
  second.controller?.abort(GIVE_UP)
  assert.deepEqual((await send(pool, '/third').ended()).body.toString(), '/third')
  assert.equal(upstream.accepted, 1)
})

test("whatever comes unasked closes its connection and is nobody's answer", async (t) => {
  const upstream = await startRaw(
    t,
    serving((socket, path) => {
      socket.write(answer(path))
      if (path === '/behind') socket.write(answer('poison'))
      if (path === '/later') setTimeout(() => socket.write(answer('poison')), 5)
    }),
  )
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  for (const path of ['/behind', '/later', '/behind', '/later']) {
    assert.equal((await send(pool, path).ended()).body.toString(), path)
    await eventually(() => upstream.open.size === 0, { what: 'the end of the poisoned connection' })
  }
  assert.equal(upstream.accepted, 4)
})

test('requests that dispatch the next one from within their end share one connection', async (t) => {
  const upstream = await startRaw(
    t,
    serving((socket, path) => socket.write(answer(path))),
  )
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const bodies: string[] = []
  await new Promise<void>((resolve) => {
    const chain = (left: number): void => {
      const recorder = send(pool, `/${left}`, {
        onEnd: () => {
          bodies.push(recorder.body.toString())
          if (left === 0) resolve()
          else chain(left - 1)
        },
      })
    }
    chain(500)
  })
  assert.deepEqual(
    bodies,
    Array.from({ length: 501 }, (_, at) => `/${500 - at}`),
  )
  assert.equal(upstream.accepted, 1)
})

test('refuses a request whose texts could end a line of its head, and holds no connection for it', async (t) => {
  const upstream = await startRaw(
    t,
    serving((socket, path) => socket.write(answer(path))),
  )
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  for (const value of ['a\r\nb: c', 'a\nb', 'a\0b', 'a\u010db', 'a\u{1f600}']) {
    const request = { ...get('/'), headers: ['a', value] }
    assert.throws(() => pool.dispatch(request, new Recorder()), RangeError, JSON.stringify(value))
  }
  for (const path of ['/a b', '/a\r\nb', '', '/ü']) {
    assert.throws(() => pool.dispatch(get(path), new Recorder()), RangeError, JSON.stringify(path))
  }
  assert.equal((await send(pool, '/fine').ended()).body.toString(), '/fine')
})
