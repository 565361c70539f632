import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, namesIn, serve } from '../../test/request-path/served.ts'

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
