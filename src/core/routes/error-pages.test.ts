import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { GatewayError } from '../errors.ts'
import { renderRouteError } from './error-pages.ts'

const error = new GatewayError('not_found', 'There is no <b>"x"</b> & y.')

test('programs get a problem document', () => {
  for (const headers of [[], ['Accept', '*/*'], ['Accept', 'application/json']]) {
    const x = offlineExchange({ method: 'GET', headers })
    const { body, contentType } = renderRouteError(x, error)
    assert.equal(contentType, 'application/problem+json')
    const problem = { title: 'Not Found', status: 404, code: 'not_found', detail: error.message, request_id: x.id }
    assert.deepEqual(JSON.parse(body.toString()), problem)
  }
})

test('browsers get a page, in which nothing of the message is markup', () => {
  const x = offlineExchange({ method: 'GET', headers: ['Accept', 'text/html,application/xhtml+xml'] })
  const { body, contentType } = renderRouteError(x, error)
  assert.equal(contentType, 'text/html; charset=utf-8')
  assert.match(body.toString(), /There is no &lt;b&gt;&quot;x&quot;&lt;\/b&gt; &amp; y\./)
  assert.ok(body.includes(x.id))
})
