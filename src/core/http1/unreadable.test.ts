import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw } from '../../../test/harness/raw-client.ts'
import { planOf, startEdge } from '../../../test/request-path/edge.ts'

test('says of what the parser refuses whose fault it is, as all other errors do', async (t) => {
  const { url } = await startEdge(t, { plan: planOf({}) })
  for (const [bytes, status, type] of [
    ['nonsense\r\n\r\n', 400, 'invalid_request_error'],
    [`GET / HTTP/1.1\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'invalid_request_error'],
    ['GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505, 'server_error'],
  ] as const) {
    const [response] = (await exchangeRaw(url, bytes)).responses()
    const body: unknown = JSON.parse(response?.body.toString() ?? '')
    assert.deepEqual([response?.status, Object(body).error.type], [status, type])
  }
})
