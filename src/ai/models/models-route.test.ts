import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, namesIn, serve } from '../../../test/request-path/served.ts'

const CONFIG = {
  providers: {
    far: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', direct: true },
    openai: { kind: 'openai', api_key: 'sk-test', direct: true },
  },
  models: {
    priced: { targets: [{ provider: 'far', model: 'small', prices: { input: 1, output: 1 } }] },
    house: { targets: [{ provider: 'demo', model: 'demo-chat' }] },
  },
  aliases: { quick: 'priced', talk: 'demo-chat' },
}

test('describes models in the shape of the dialect, listed and one by one', async (t) => {
  const { models } = await serve(t, CONFIG)
  const { status, body } = await models()
  assert.deepEqual([status, body['object']], [200, 'list'])
  const names = namesIn(body)
  for (const name of ['priced', 'house', 'quick', 'talk', 'openai/gpt-4o', 'demo-chat']) assert.ok(names.includes(name))
  const listed = (body['data'] as { id: string }[]).find(({ id }) => id === 'quick')
  const one = await models('quick')
  assert.deepEqual(one, { status: 200, body: listed })
  assert.deepEqual(Object.keys(one.body), ['id', 'object', 'created', 'owned_by'])
  assert.deepEqual([one.body['object'], one.body['owned_by']], ['model', 'far'])
})

test('what a key may not use is in no list, and looks as if it did not exist', async (t) => {
  const rows: readonly (readonly [lists: object, seen: readonly string[], unseen: readonly string[]])[] = [
    [
      { modelsDeny: ['demo/*'] },
      ['priced', 'openai/gpt-4o'],
      ['demo-chat', 'demo/demo-chat', 'house', 'talk', 'demo-long-7', 'demo/demo-long-7'],
    ],
    [{ modelsDeny: ['demo-chat'] }, ['demo-tools', 'demo/demo-tools'], ['demo/demo-chat', 'talk', 'house']],
    [{ modelsDeny: ['quick'] }, ['far/large', 'house'], ['quick', 'priced', 'far/small']],
    [{ modelsDeny: ['far/small'] }, ['far/large'], ['quick', 'priced', 'far/small']],
    [{ modelsAllow: ['demo/*'] }, ['demo-chat', 'demo/demo-tools', 'talk'], ['house', 'priced', 'openai/gpt-4o']],
    [{ modelsAllow: ['priced'] }, ['priced', 'quick'], ['far/small', 'far/large', 'demo-chat']],
    [{ modelsAllow: ['quick'] }, ['priced', 'quick'], ['far/small']],
    [{ modelsAllow: ['far/*'] }, ['far/small', 'far/any'], ['priced', 'quick']],
    [{ modelsAllow: ['*'], modelsDeny: ['far/*'] }, ['house'], ['priced', 'quick', 'far/any']],
    [{ modelsAllow: [] }, [], ['priced', 'demo-chat', 'far/any']],
  ]
  for (const [lists, seen, unseen] of rows) {
    const { models, chat } = await serve(t, CONFIG, lists)
    const listed = namesIn((await models()).body)
    for (const name of seen) assert.equal((await models(name)).status, 200, `${JSON.stringify(lists)} ${name}`)
    for (const name of unseen) {
      const what = `${JSON.stringify(lists)} ${name}`
      assert.ok(!listed.includes(name), what)
      const one = await models(name)
      assert.deepEqual([one.status, codeOf(one.body)], [404, 'model_not_found'], what)
      const asked = await chat(name)
      assert.deepEqual([asked.status, codeOf(asked.body)], [403, 'model_not_allowed'], what)
    }
  }
})

test('names that lead nowhere are not found, whatever is in them', async (t) => {
  const { models } = await serve(t, CONFIG)
  for (const name of ['nope', 'far', 'priced/', 'prices', 'Priced', '__proto__', 'constructor', 'x'.repeat(500)]) {
    const { status, body } = await models(name)
    assert.deepEqual([status, codeOf(body)], [404, 'model_not_found'], name)
    assert.ok(JSON.stringify(body).length < 400, 'a long name is cut')
  }
})
