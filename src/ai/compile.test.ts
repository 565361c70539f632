import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { metricsOf } from '../../test/request-path/chat.ts'
import { type Edge, planOf, startEdge } from '../../test/request-path/edge.ts'
import { keyOf } from '../../test/request-path/keys.ts'
import { documentFrom } from '../config/index.ts'
import type { Exchange } from '../core/index.ts'
import { KeyPrincipal } from '../governance/index.ts'
import { compileSurfaces } from './compile.ts'
import { DemoUpstream } from './demo/index.ts'

const PRINCIPAL = new KeyPrincipal(keyOf('dev'))

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

interface Served {
  readonly edge: Edge
  /** Status and body of `GET /v1/models`, or of one model. */
  readonly models: (name?: string) => Promise<Answer>
  readonly chat: (model: string) => Promise<Answer>
}

/** The surfaces of a configuration behind a real listener, with the demo provider and one key that may do everything. */
async function serve(t: TestContext, config: object): Promise<Served> {
  const demo = new DemoUpstream()
  t.after(() => demo.close())
  const identify = (x: Exchange) => {
    x.principal = PRINCIPAL
    return null
  }
  const surfaces = compileSurfaces({
    document: await documentFrom(config),
    environment: {},
    metrics: metricsOf(),
    transports: { demo, connect: () => demo },
    hooks: {
      chat: { identify, admit: null, reserve: null, settle: null },
      models: { identify, admit: null, settle: null },
      unmatched: { settle: null },
    },
  })
  const plan = planOf(
    { '/v1/chat/completions': { POST: surfaces.chat }, '/v1/models': { GET: surfaces.modelList } },
    [['/v1/models/', { GET: surfaces.modelDetail }]],
    surfaces.fallback,
  )
  const edge = await startEdge(t, { plan })
  const send = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(edge.url + path, init)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> } // both routes answer objects
  }
  return {
    edge,
    models: async (name) => await send(name === undefined ? '/v1/models' : `/v1/models/${name}`),
    chat: async (model) => {
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })
      const headers = { 'content-type': 'application/json' }
      return await send('/v1/chat/completions', { method: 'POST', headers, body })
    },
  }
}

function namesIn(list: Record<string, unknown>): unknown[] {
  return Array.isArray(list['data']) ? list['data'].map((model: unknown) => Object(model).id) : []
}

const codeOf = (body: Record<string, unknown>): unknown => Object(body['error']).code

test('a provider of the kind demo with a name of its own is addressed directly, and by an alias', async (t) => {
  const { models, chat } = await serve(t, {
    providers: { local: { kind: 'demo', direct: true } },
    aliases: { house: 'local/demo-chat' },
  })
  for (const name of ['local/demo-chat', 'house']) {
    assert.equal((await chat(name)).status, 200, name)
    const { status, body } = await models(name)
    assert.deepEqual([status, body['id'], body['owned_by']], [200, name, 'local'])
  }
})

test('the list of models has the aliases of models that are addressed directly, and none that lead nowhere', async (t) => {
  const { models } = await serve(t, {
    providers: { far: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', direct: true } },
    models: { own: { targets: [{ provider: 'far', model: 'small' }] } },
    aliases: {
      first: 'own',
      second: 'far/large',
      third: 'demo/demo-chat',
      fourth: 'demo-chat',
      lost: 'demo/demo-nope',
    },
  })
  const { body } = await models()
  const names = namesIn(body)
  for (const alias of ['own', 'first', 'second', 'third', 'fourth']) assert.ok(names.includes(alias), alias)
  assert.ok(!names.includes('lost'))
  assert.equal(new Set(names).size, names.length)
  const second = (body['data'] as { id: string; owned_by: string }[]).find(({ id }) => id === 'second')
  assert.equal(second?.owned_by, 'far')
})

test('a demo model that does not exist is refused by the gateway, whatever way it is named', async (t) => {
  const { edge, models, chat } = await serve(t, {
    providers: { local: { kind: 'demo', direct: true } },
    aliases: { lost: 'demo-nope' },
  })
  for (const name of ['demo-nope', 'demo/demo-nope', 'demo/nope', 'demo-error-200', 'local/demo-nope', 'lost']) {
    const [chatted, detailed] = [await chat(name), await models(name)]
    assert.deepEqual([chatted.status, codeOf(chatted.body)], [404, 'model_not_found'], name)
    assert.deepEqual([detailed.status, codeOf(detailed.body)], [404, 'model_not_found'], name)
  }
  assert.ok(edge.endings.every(({ x }) => x.attempts === 0))
  for (const name of ['demo-error-418', 'demo/demo-long-7', 'local/demo-chat-pace-1']) {
    assert.equal((await models(name)).status, 200, name)
  }
})
