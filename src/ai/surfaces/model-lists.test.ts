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

test('tells what is known of a model, and nothing of one that nobody knows', async (t) => {
  const { models } = await serve(t, CONFIG)
  const { created: _created, ...known } = (await models('openai/gpt-4o')).body
  assert.deepEqual(known, {
    id: 'openai/gpt-4o',
    object: 'model',
    owned_by: 'openai',
    mode: 'chat',
    context_window: 128_000,
    max_output_tokens: 16_384,
    capabilities: [
      'vision',
      'function_calling',
      'parallel_tool_calls',
      'json_mode',
      'response_schema',
      'streaming',
      'prompt_caching',
    ],
  })
  const { body } = await models('priced')
  assert.deepEqual(Object.keys(body), ['id', 'object', 'created', 'owned_by'])
})

test('clients of the Messages API get its shape, page by page', async (t) => {
  const { edge } = await serve(t, CONFIG)
  const get = async (query: string) => {
    const answer = await fetch(`${edge.url}/v1/models${query}`, { headers: { 'anthropic-version': '2023-06-01' } })
    return (await answer.json()) as Record<string, unknown> // both shapes are objects
  }
  const all = await get('?limit=1000')
  const ids = namesIn(all)
  assert.equal(all['has_more'], false)
  const first = await get('?limit=2')
  assert.deepEqual([namesIn(first), first['has_more'], first['last_id']], [ids.slice(0, 2), true, ids[1]])
  const second = await get(`?limit=2&after_id=${encodeURIComponent(String(ids[1]))}`)
  assert.deepEqual(namesIn(second), ids.slice(2, 4))
  const back = await get(`?limit=2&before_id=${encodeURIComponent(String(ids[3]))}`)
  assert.deepEqual([namesIn(back), back['has_more'], back['first_id']], [ids.slice(1, 3), true, ids[1]])
  assert.deepEqual(namesIn(await get('?after_id=gone')), [])
  const one = await get('/openai/gpt-4o')
  assert.deepEqual([one['type'], one['id'], one['display_name']], ['model', 'openai/gpt-4o', 'GPT-4o'])
  // Anthropic's clients for statically typed languages refuse a model without one of these.
  assert.deepEqual(
    ['lifecycle', 'deprecated_at', 'retires_at', 'line', 'max_input_tokens', 'capabilities'].map((name) => one[name]),
    ['active', null, null, null, 128_000, null],
  )
  assert.equal(Object((await get('?limit=x'))['error']).param ?? 'limit', 'limit')
})

test("Gemini's clients get its shape, page by page", async (t) => {
  const { edge } = await serve(t, CONFIG)
  const get = async (path: string) => {
    return (await (await fetch(`${edge.url}/v1beta/models${path}`)).json()) as Record<string, unknown> // objects, all
  }
  const names = (page: Record<string, unknown>) => (page['models'] as { name: string }[]).map(({ name }) => name) // checked by use
  const all = names(await get('?pageSize=1000'))
  const first = await get('?pageSize=3')
  assert.deepEqual([names(first), first['nextPageToken']], [all.slice(0, 3), all[2]?.slice('models/'.length)])
  const rest = await get(`?pageSize=1000&pageToken=${encodeURIComponent(String(first['nextPageToken']))}`)
  assert.deepEqual([names(rest), rest['nextPageToken']], [all.slice(3), undefined])
  const one = await get('/openai/gpt-4o')
  assert.deepEqual(
    [one['name'], one['inputTokenLimit'], one['outputTokenLimit']],
    ['models/openai/gpt-4o', 128_000, 16_384],
  )
  assert.equal(Object((await get('/nope'))['error']).status, 'NOT_FOUND')
})

test('the path that vendors share answers in the shape that its caller reads, and refuses in it', async (t) => {
  const { edge } = await serve(t, CONFIG)
  const get = async (path: string, headers: Record<string, string> = {}) => {
    return (await (await fetch(`${edge.url}/v1/models${path}`, { headers })).json()) as Record<string, unknown> // objects, all
  }
  for (const [query, headers] of [
    ['', { 'x-goog-api-key': 'k' }],
    ['', { 'x-goog-api-client': 'google-genai-sdk/3.1.0 gl-node/v26' }],
    ['?key=k', {}],
  ] as const) {
    const listed = await get(query, headers)
    assert.ok(
      (listed['models'] as { name: string }[]).some(({ name }) => name === 'models/priced'),
      query,
    )
    assert.equal((await get(`/openai/gpt-4o${query}`, headers))['name'], 'models/openai/gpt-4o')
    assert.equal(Object((await get(`/nope${query}`, headers))['error']).status, 'NOT_FOUND')
  }
  const refused = await get('/nope', { 'anthropic-version': '2023-06-01' })
  assert.deepEqual([refused['type'], Object(refused['error']).type], ['error', 'not_found_error'])
  const common = await get('/nope')
  assert.deepEqual([common['type'], Object(common['error']).code], [undefined, 'model_not_found'])
})

test('of an entry for many names those are listed that its providers are known to have, and whose names it takes', async (t) => {
  const { providers } = CONFIG
  const { models } = await serve(t, {
    providers: { ...providers, openai: { kind: 'openai', api_key: 'sk-test', direct: false } },
    models: {
      'gpt-4*': { targets: [{ provider: 'openai' }, { provider: 'far', model: 'small' }] },
      'any-*': { targets: [{ provider: 'far' }] },
      'gpt-4.1': { targets: [{ provider: 'far', model: 'small' }] },
    },
    aliases: { 'gpt-4o-mini': 'gpt-4.1' },
  })
  const listed = namesIn((await models()).body).map(String)
  assert.deepEqual(listed.filter((name) => name.startsWith('gpt-')).sort(), [
    'gpt-4.1',
    'gpt-4.1-mini',
    'gpt-4o',
    'gpt-4o-mini',
  ])
  assert.ok(!listed.some((name) => name.includes('*') || name.startsWith('any-')))
  assert.equal((await models('gpt-4o')).status, 200)
})
