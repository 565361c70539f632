import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { ask } from '../harness/ask.ts'
import { errorCode } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { parseJson } from '../harness/json.ts'
import { Origin } from '../harness/origin.ts'
import { residentBytes } from './house.ts'

const ANSWER = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [], usage: { total_tokens: 1 } })
const whole = gzipSync(ANSWER)
const wrongSum = Buffer.from(whole)
wrongSum.writeUInt32LE(1, wrongSum.length - 8)

/** Bodies that say they are compressed. */
const BODIES: readonly (readonly [name: string, encoding: string, body: Buffer])[] = [
  ['whole', 'gzip', whole],
  ['truncated', 'gzip', whole.subarray(0, -12)],
  ['of another sum', 'gzip', wrongSum],
  ['a thousand layers', Array.from({ length: 1_000 }, () => 'gzip').join(', '), whole],
  ['a bomb', 'gzip', gzipSync(Buffer.alloc(64 * 1_048_576))],
  ['br', 'br', brotliCompressSync(ANSWER)],
  ['unknown', 'x-own', Buffer.from(ANSWER)],
]

test('F18 compressed answers are refused where they are read, and go through untouched where they are not', async (t) => {
  const origin = await Origin.start()
  t.after(() => origin.close())
  let at = 0
  const answer: Parameters<Origin['on']>[1] = (request, response) => {
    request.resume()
    const [, encoding, body] = BODIES[at] ?? assert.fail()
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding, 'content-length': body.length }
    response.writeHead(200, headers).end(body)
  }
  origin.on('/chat/completions', answer).on('/page', answer)
  const key = keyPair()
  const gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: { own: { kind: 'openai-compatible', api_key: 'k', base_url: origin.url, direct: true } },
      upstreams: { pool: { targets: [origin.url] } },
      routes: [{ id: 'page', match: { path: '/page' }, upstream: 'pool' }],
      routing: { breaker: { consecutive_failures: 0, failure_share: 0 } }, // most of them are failures
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
  t.after(() => gateway.close())
  const before = residentBytes(gateway.pid)
  for (const [index, [name, encoding, body]] of BODIES.entries()) {
    at = index
    for (const stream of [false, true]) {
      const asked = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'own/m', messages: [{ role: 'user', content: 'a' }], stream }),
      })
      const json = parseJson(await asked.text())
      assert.deepEqual([asked.status, errorCode(json)], [502, 'upstream_invalid_response'], name)
    }
    const page = await ask(`${gateway.url}/page`)
    assert.equal(page.status, 200, name)
    assert.equal(page.headers['content-encoding'], encoding, name)
    assert.ok(page.body.equals(body), name)
  }
  const grown = residentBytes(gateway.pid) - before
  assert.ok(grown < 48 * 1_048_576, `${grown} bytes`)
})
