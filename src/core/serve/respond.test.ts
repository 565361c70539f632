import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startRoute } from '../../../test/request-path/site.ts'
import { createRespond } from './respond.ts'

test('a fixed answer, with what the client sent made harmless for its content type', async (t) => {
  const value = `<b>"a" & 'b'</b>`
  for (const [type, body] of [
    ['text/plain; charset=utf-8', `GET ${value}`],
    ['text/html; charset=utf-8', 'GET &#60;b&#62;&#34;a&#34; &#38; &#39;b&#39;&#60;/b&#62;'],
    ['application/xml', 'GET &#60;b&#62;&#34;a&#34; &#38; &#39;b&#39;&#60;/b&#62;'],
    ['application/problem+json', `GET <b>\\"a\\" & 'b'</b>`],
  ] as const) {
    const inspect = createRespond({ status: 418, body: '{method} {header.x-value}', content_type: type })
    const edge = await startRoute(t, { inspect })
    const got = await ask(edge.url, '/', { headers: { 'x-value': value } })
    assert.deepEqual([got.status, got.headers['content-type'], String(got.body)], [418, type, body])
  }
})

test('an unknown placeholder is said when the route is made', () => {
  assert.throws(() => createRespond({ status: 200, body: '{nothing}', content_type: 'text/plain' }), RangeError)
})
