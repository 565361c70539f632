import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/harness/eventually.ts'
import { RawClient } from '../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../test/request-path/edge.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { resume } from './handle.ts'
import { type Gate, WAIT } from './phases.ts'
import { answer } from './respond/answer.ts'

/** A gateway whose one route has these gates, reads a body and answers it. */
async function gated(t: TestContext, admit: readonly Gate[]) {
  const inspect = (x: Exchange) => {
    answer(x, 200, 'text/plain', x.body?.toString() ?? 'none')
    return null
  }
  const plan = planOf({ '/': { POST: routeOf({ admit, bodyLimit: 1_000, inspect }) } })
  const edge = await startEdge(t, { plan })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  return { edge, client }
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'

/** A gate that waits; `waiting` has the requests, `cancels` counts those that ended meanwhile. */
function waitingGate() {
  const waiting: Exchange[] = []
  let cancels = 0
  const gate: Gate = (x) => {
    waiting.push(x)
    x.waiting = { cancel: () => cancels++ }
    return WAIT
  }
  return { gate, waiting, cancels: () => cancels }
}

test('a gate that waits holds its request, whose body is read afterwards; each gate is asked once, in order', async (t) => {
  const order: string[] = []
  const pass =
    (name: string): Gate =>
    () => {
      order.push(name)
      return null
    }
  const { gate, waiting } = waitingGate()
  const { client } = await gated(t, [pass('first'), gate, pass('last')])
  await client.send(POST)
  const x = await eventually(() => waiting[0])
  assert.deepEqual([order, x.body, x.settled], [['first'], null, false])
  resume(x, null)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.body.toString(), order], [200, 'hello', ['first', 'last']])
  assert.equal(waiting.length, 1)
})

test('a gate that waits may refuse, and the connection is of no further use with the body unread', async (t) => {
  const { gate, waiting } = waitingGate()
  const { client, edge } = await gated(t, [gate])
  await client.send(POST)
  resume(await eventually(() => waiting[0]), new GatewayError('forbidden', 'no'))
  const [response] = await client.waitForResponses()
  assert.equal(response?.status, 403)
  assert.equal((await edge.settled())[0]?.end, 'refused')
})

test('a client that leaves while a gate waits cancels the wait, and going on later does nothing', async (t) => {
  const { gate, waiting, cancels } = waitingGate()
  const { client, edge } = await gated(t, [gate])
  await client.send(POST)
  const x = await eventually(() => waiting[0])
  client.abort()
  assert.deepEqual(
    (await edge.settled()).map(({ end }) => end),
    ['cancelled'],
  )
  assert.equal(cancels(), 1)
  resume(x, null)
  resume(x, new GatewayError('forbidden', 'no'))
  assert.deepEqual([edge.endings.length, edge.faults.length, x.body], [1, 0, null])
})

test('what a gate throws, at once or after a wait, is the error of its request', async (t) => {
  const { gate, waiting } = waitingGate()
  const { client, edge } = await gated(t, [
    gate,
    () => {
      throw new Error('broken gate')
    },
  ])
  await client.send(POST)
  resume(await eventually(() => waiting[0]), null)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, edge.faults.length], [500, 1])
})

test('a gate that answers itself ends the request there', async (t) => {
  let reached = false
  const { client } = await gated(t, [
    (x) => {
      answer(x, 204, 'text/plain', '')
      return null
    },
    () => {
      reached = true
      return null
    },
  ])
  await client.send(POST)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, reached], [204, false])
})

test('an inspection that waits is asked again with the body there, and the gates before it are not', async (t) => {
  const { gate, waiting, cancels } = waitingGate()
  let passed = 0
  let asked = 0
  const pass: Gate = () => {
    passed++
    return null
  }
  const inspect: Gate = (x) => {
    asked++
    if (asked === 1) return gate(x)
    answer(x, 200, 'text/plain', x.body?.toString() ?? 'none')
    return null
  }
  const plan = planOf({ '/': { POST: routeOf({ admit: [pass], bodyLimit: 1_000, inspect }) } })
  const edge = await startEdge(t, { plan })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  await client.send(POST)
  resume(await eventually(() => waiting[0]), null)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.body.toString()], [200, 'hello'])
  assert.deepEqual([passed, asked, cancels()], [1, 2, 0])
})
