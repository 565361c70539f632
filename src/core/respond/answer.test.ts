import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { GatewayError } from '../errors.ts'
import { answer } from './answer.ts'

const TEXT = 'ünïcode'

const said = routeOf({
  inspect: (x) => {
    answer(x, 200, 'text/plain', TEXT)
    return null
  },
})
const refused = routeOf({ admit: [() => new GatewayError('draining', 'Going.')] })

test('the bytes of a body count as sent only when it is sent', async (t) => {
  const plan = planOf({ '/said': { GET: said, HEAD: said }, '/refused': { GET: refused, HEAD: refused } })
  const edge = await startEdge(t, { plan })
  for (const [path, length] of [
    ['/said', Buffer.byteLength(TEXT)],
    ['/refused', Buffer.byteLength('{"code":"draining","message":"Going."}')],
  ] as const) {
    for (const method of ['GET', 'HEAD'] as const) {
      const response = await fetch(edge.url + path, { method })
      const body = Buffer.from(await response.arrayBuffer())
      const { x } = edge.endings.at(-1) ?? {}
      assert.equal(response.headers.get('content-length'), String(length), `${method} ${path}`)
      assert.deepEqual([body.length, x?.bytesOut], method === 'GET' ? [length, length] : [0, 0], `${method} ${path}`)
    }
  }
})
