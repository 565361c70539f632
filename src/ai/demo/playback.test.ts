import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DispatchController } from '../../core/index.ts'
import { DemoUpstream } from './demo-upstream.ts'
import { chatRequest, exchange } from './testing/exchange.ts'

const request = (model: string, more: object = {}): ReturnType<typeof chatRequest> =>
  chatRequest({ model, messages: [{ role: 'user', content: 'Say one two three four' }], stream: true, ...more })

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn()
}

test('calls nothing in the turn of the dispatch', async () => {
  const upstream = new DemoUpstream()
  let started = false
  const done = exchange(upstream, request('demo-chat'), {
    onStart: () => {
      started = true
    },
  })
  assert.equal(started, false)
  await Promise.resolve()
  assert.equal(started, false)
  const { calls } = await done
  assert.equal(calls[0], 'start')
  assert.equal(calls.at(-1), 'end')
})

test('keeps the pace that the model’s name says', async () => {
  const upstream = new DemoUpstream()
  let words = 0
  const done = exchange(upstream, request('demo-chat-pace-200'), {
    onChunk: (_, chunk) => {
      if (/"content":" ?\w/.test(chunk)) words++
    },
  })
  await turns(5)
  for (const expected of [0, 1, 2, 3]) {
    assert.equal(words, expected)
    mock.timers.tick(199)
    await turns(2)
    assert.equal(words, expected)
    mock.timers.tick(1)
    await turns(2)
  }
  assert.equal((await done).error, null)
  assert.equal(words, 4)
})

test('an answer that is not streamed takes the time of all its words', async () => {
  const upstream = new DemoUpstream()
  let head = false
  const done = exchange(upstream, request('demo-chat-slow', { stream: false }), {
    onHead: () => {
      head = true
    },
  })
  await turns(5)
  mock.timers.tick(199)
  await turns(2)
  assert.equal(head, false)
  mock.timers.tick(1)
  await done
  assert.equal(head, true)
})

test('brings nothing while paused, and everything after', async () => {
  const upstream = new DemoUpstream()
  let paused: DispatchController | null = null
  let chunksWhilePaused = 0
  const done = exchange(upstream, request('demo-chat'), {
    onChunk: (controller) => {
      if (paused !== null) chunksWhilePaused++
      else {
        paused = controller
        controller.pause()
      }
    },
  })
  await turns(20)
  assert.equal(chunksWhilePaused, 0)
  const controller: DispatchController | null = paused
  assert.ok(controller !== null)
  const before: DispatchController = controller
  before.resume()
  const { error, text } = await done
  assert.equal(error, null)
  assert.ok(text.endsWith('data: [DONE]\n\n'))
})

test('pause at the head holds the body back', async () => {
  const upstream = new DemoUpstream()
  const seen: DispatchController[] = []
  let data = 0
  const done = exchange(upstream, request('demo-chat'), {
    onHead: (controller) => {
      controller.pause()
      seen.push(controller)
    },
    onChunk: () => {
      data++
    },
  })
  await turns(20)
  assert.equal(data, 0)
  seen[0]?.resume()
  assert.equal((await done).error, null)
})

test('pause while a word is waited for holds that word back', async () => {
  const upstream = new DemoUpstream()
  const seen: DispatchController[] = []
  let data = 0
  const done = exchange(upstream, request('demo-chat-slow'), {
    onHead: (controller) => seen.push(controller),
    onChunk: () => {
      data++
    },
  })
  await turns(5)
  const before = data
  seen[0]?.pause()
  mock.timers.tick(1_000)
  await turns(5)
  assert.equal(data, before)
  seen[0]?.resume()
  for (let i = 0; i < 10; i++) {
    await turns(3)
    mock.timers.tick(50)
  }
  assert.equal((await done).error, null)
})

for (const model of ['demo-chat-slow', 'demo-hang', 'demo-stall', 'demo-long-5000']) {
  test(`an abort of ${model} ends it at once with the reason and leaves nothing running`, async () => {
    const upstream = new DemoUpstream()
    const reason = new Error('the client left')
    const seen: DispatchController[] = []
    let after = 0
    let aborted = false
    const done = exchange(upstream, request(model), {
      onStart: (controller) => seen.push(controller),
      onChunk: () => {
        if (aborted) after++
      },
    })
    await turns(2)
    assert.equal(upstream.inFlight, 1)
    aborted = true
    seen[0]?.abort(reason)
    const { error, calls } = await done
    assert.equal(error, reason)
    assert.equal(upstream.inFlight, 0)
    mock.timers.tick(60_000)
    await turns(10)
    assert.equal(after, 0)
    assert.equal(calls.filter((call) => call === 'error' || call === 'end').length, 1)
  })
}

test('an abort at the start, at the head and twice ends it once', async () => {
  const reason = new Error('no')
  for (const phase of ['onStart', 'onHead', 'onChunk'] as const) {
    const upstream = new DemoUpstream()
    const { calls, error } = await exchange(upstream, request('demo-chat'), {
      [phase]: (controller: DispatchController) => {
        controller.abort(reason)
        controller.abort(new Error('again'))
      },
    })
    await turns(5)
    assert.equal(error, reason)
    assert.equal(calls.filter((call) => call === 'error').length, 1)
    assert.equal(calls.at(-1), 'error')
    assert.equal(upstream.inFlight, 0)
  }
})

test('an abort after the end changes nothing', async () => {
  const upstream = new DemoUpstream()
  const seen: DispatchController[] = []
  const { calls } = await exchange(upstream, request('demo-chat'), { onStart: (controller) => seen.push(controller) })
  seen[0]?.abort(new Error('late'))
  seen[0]?.resume()
  await turns(5)
  assert.equal(calls.at(-1), 'end')
})

test('a handler that throws fails the exchange', async () => {
  for (const phase of ['onStart', 'onHead', 'onChunk'] as const) {
    const { error } = await exchange(new DemoUpstream(), request('demo-chat'), {
      [phase]: () => {
        throw new Error('handler')
      },
    })
    assert.equal(error?.message, 'handler')
  }
})

test('gives the head as bytes too, as a socket does', async () => {
  let raw: unknown
  await exchange(new DemoUpstream(), request('demo-chat'), {
    onHead: (controller) => {
      raw = Reflect.get(controller, 'rawHeaders')
    },
  })
  assert.ok(Array.isArray(raw) && raw.every((each) => Buffer.isBuffer(each)) && raw.length % 2 === 0)
  assert.deepEqual(raw.slice(0, 2).map(String), ['content-type', 'text/event-stream; charset=utf-8'])
})

test('close ends what runs and takes no more', async () => {
  const upstream = new DemoUpstream()
  const done = exchange(upstream, request('demo-hang'))
  await turns(3)
  await upstream.close()
  assert.match((await done).error?.message ?? '', /closed/)
  assert.equal(upstream.inFlight, 0)
  const { onRequestStart, ...rest } = { onRequestStart: () => assert.fail('nothing may be called'), name: 'handler' }
  assert.equal(rest.name, 'handler')
  assert.equal(
    upstream.dispatch(request('demo-chat'), {
      onRequestStart,
      onResponseStart: onRequestStart,
      onResponseData: onRequestStart,
      onResponseEnd: onRequestStart,
      onResponseError: onRequestStart,
    }),
    false,
  )
})

test('a long stream leaves the event loop room between its chunks', async () => {
  const upstream = new DemoUpstream()
  let otherTurns = 0
  let running = true
  const spin = async (): Promise<void> => {
    while (running) {
      await nextTurn()
      otherTurns++
    }
  }
  const spinning = spin()
  await exchange(upstream, request('demo-long-1000'))
  running = false
  await spinning
  assert.ok(otherTurns > 50, String(otherTurns))
})
