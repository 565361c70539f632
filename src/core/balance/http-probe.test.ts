import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ConnectionPool } from '../upstream/connection-pool.ts'
import { MAX_PROBE_BODY_BYTES, type ProbeOutcome } from './expectation.ts'
import { httpProbe } from './http-probe.ts'

const REQUEST = { method: 'GET', path: '/healthz', headers: ['user-agent', 'health-check'], body: null }

async function probing(t: TestContext, listener: RequestListener) {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP socket has one
  const pool = new ConnectionPool({ origin, connectTimeoutMs: 5_000, maxConnections: 1, maxWaiting: 1 })
  t.after(async () => {
    await pool.close()
    server.closeAllConnections()
    server.close()
  })
  const probe = httpProbe(() => pool, REQUEST)
  const abort = new AbortController()
  const ask = async (): Promise<ProbeOutcome> => await probe({ id: origin, weight: 1 }, abort.signal)
  return { ask, abort, server, pool }
}

test('a probe gives status and body, and its connection serves the next one', async (t) => {
  let asked = ''
  const { ask, pool } = await probing(t, (req, res) => {
    asked = `${req.method} ${req.url}`
    res.writeHead(203).end('I am ready')
  })
  for (let n = 0; n < 3; n++) {
    assert.deepEqual(await ask(), { kind: 'answer', status: 203, body: Buffer.from('I am ready') })
  }
  assert.equal(asked, 'GET /healthz')
  assert.equal(pool.size, 1)
})

test('a body that never ends is cut where nobody looks any more', async (t) => {
  const { ask } = await probing(t, (_, res) => {
    const more = () => {
      while (!res.destroyed && res.write(Buffer.alloc(16_384)));
    }
    res.on('drain', more)
    more()
  })
  const outcome = await ask()
  assert.ok(outcome.kind === 'answer' && outcome.body.length >= MAX_PROBE_BODY_BYTES)
  assert.ok(outcome.body.length < 3 * MAX_PROBE_BODY_BYTES)
})

test('a server that is not there is a failure with the reason', async (t) => {
  const { ask, server } = await probing(t, () => assert.fail('it was closed'))
  server.close()
  await once(server, 'close')
  const outcome = await ask()
  assert.equal(outcome.kind, 'failure')
  assert.match(outcome.kind === 'failure' ? outcome.reason : '', /ECONNREFUSED/)
})

test('a probe that is given up frees its connection for the next', async (t) => {
  let first = true
  const { ask, abort, server } = await probing(t, (_, res) => {
    if (!first) res.end('later')
    first = false
  })
  const given = ask()
  await once(server, 'request')
  abort.abort()
  assert.equal((await given).kind, 'failure')
  const next = httpProbeAgain(await ask())
  assert.equal(next, 'later')
})

function httpProbeAgain(outcome: ProbeOutcome): string {
  return outcome.kind === 'answer' ? outcome.body.toString() : outcome.reason
}
