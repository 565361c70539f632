import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { metricsOf } from '../../../test/request-path/chat.ts'
import { startEdge } from '../../../test/request-path/edge.ts'
import { keyOf } from '../../../test/request-path/keys.ts'
import type { TransportSource } from '../../ai/index.ts'
import { documentFrom } from '../../config/index.ts'
import { Connector, type Exchange, viewCells } from '../../core/index.ts'
import { KeyPrincipal } from '../../governance/index.ts'
import { NOT_READY, PROCESS_CELL } from '../memory.ts'
import { compilePlan } from './plan.ts'
import { Transports } from './transports.ts'

const identify = (x: Exchange) => {
  x.principal = new KeyPrincipal(keyOf('dev'))
  return null
}

const DOOR = { key: '', connector: new Connector() }

async function compiled(t: TestContext, { config = {}, settled = [] as Exchange[] } = {}) {
  const transports = new Transports()
  t.after(() => transports.close())
  const process = new Int32Array(new SharedArrayBuffer(4 * Object.keys(PROCESS_CELL).length))
  const settle = [(x: Exchange) => void settled.push(x)]
  const make = async (source: TransportSource, environment = {}) =>
    compilePlan({
      version: 3,
      document: await documentFrom(config),
      environment,
      metrics: metricsOf(),
      transports: source,
      hooks: {
        conversation: () => ({ identify, admit: null, reserve: null, settle }),
        models: { identify, admit: null, settle },
        unmatched: { settle },
      },
      process,
      routes: {
        shared: {
          cells: viewCells(new SharedArrayBuffer(65_536)),
          seat: { number: 0, of: 1 },
          indexOf: slotsOf(),
        },
        now: () => performance.now(),
        pool: () => assert.fail('a plan without routes needs no pools'),
        gates: () => [],
        settle: () => settle,
      },
    })
  return { make, process, transports }
}

test('serves the models and chat endpoints, and health that leaves no record', async (t) => {
  const settled: Exchange[] = []
  const { make, transports } = await compiled(t, { settled })
  const plan = await make(transports.forVersion(3, DOOR))
  assert.equal(plan.version, 3)
  const { url } = await startEdge(t, { plan })
  const status = async (path: string, method = 'GET') => {
    const answer = await fetch(url + path, { method })
    await answer.arrayBuffer()
    return answer.status
  }
  for (const [path, method, expected] of [
    ['/healthz', 'GET', 200],
    ['/livez', 'HEAD', 200],
    ['/readyz', 'GET', 200],
  ] as const) {
    assert.equal(await status(path, method), expected, path)
  }
  assert.deepEqual(settled, [])
  for (const [path, method, expected] of [
    ['/v1/models', 'GET', 200],
    ['/v1/models/demo/demo-chat', 'GET', 200],
    ['/v1/models', 'POST', 405],
    ['/v1/chat/completions', 'GET', 405],
    ['/healthz', 'POST', 405],
    ['/v1', 'GET', 404],
  ] as const) {
    assert.equal(await status(path, method), expected, `${method} ${path}`)
  }
  assert.equal(settled.length, 6)
})

test('readiness follows the shared cell, with the reasons in words; life does not', async (t) => {
  const { make, process, transports } = await compiled(t)
  const { url } = await startEdge(t, { plan: await make(transports.forVersion(3, DOOR)) })
  Atomics.store(process, PROCESS_CELL.notReady, NOT_READY.draining | NOT_READY.journal_full)
  const answer = await fetch(`${url}/readyz`)
  assert.equal(answer.status, 503)
  assert.deepEqual(await answer.json(), { status: 'not_ready', reasons: ['draining', 'journal_full'] })
  assert.equal((await fetch(`${url}/livez`)).status, 200)
  Atomics.store(process, PROCESS_CELL.notReady, 0)
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { status: 'ready' })
})

test('a secret that is missing keeps the plan from being made, and says which', async (t) => {
  const config = { providers: { far: { kind: 'openai', api_key: '{env.FAR_KEY}', direct: true } } }
  const { make, transports } = await compiled(t, { config })
  await assert.rejects(make(transports.forVersion(3, DOOR)), /providers\.far\.api_key: .*`FAR_KEY` is not set/)
  assert.equal((await make(transports.forVersion(3, DOOR), { FAR_KEY: 'x' })).version, 3)
})

test('plans that follow each other share the connections to an origin that both have', async (t) => {
  const target = { targets: [{ provider: 'far', model: 'm' }] }
  const config = {
    providers: { far: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1' } },
    models: { m: target },
  }
  const { make, transports } = await compiled(t, { config })
  const pools: unknown[] = []
  const noted = (version: number): TransportSource => {
    const source = transports.forVersion(version, DOOR)
    return {
      demo: source.demo,
      connect: (options) => {
        const pool = source.connect(options)
        pools.push(pool)
        return pool
      },
    }
  }
  await make(noted(3))
  await make(noted(4))
  assert.equal(pools.length, 2)
  assert.equal(pools[0], pools[1])
})

/** Slots one behind the other, by name. */
function slotsOf(): (need: { readonly name: string; readonly cells: number }) => number {
  const slots = new Map<string, number>()
  let free = 1
  return ({ name, cells }) => {
    const held = slots.get(name)
    if (held !== undefined) return held
    slots.set(name, free)
    free += cells
    return free - cells
  }
}
