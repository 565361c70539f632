import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StickySource } from './contract.ts'
import { ExchangeFacts, type FactsOptions, plainFacts } from './request-facts.ts'

interface Said extends Partial<FactsOptions> {
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: string
}

/** Facts of a request with this body, as its client wrote it. */
function factsOf(body: unknown, { headers = {}, key = 'k1', ...more }: Said = {}): ExchangeFacts {
  const source = { head: { get: (name: string) => headers[name] ?? null }, principal: { id: key } }
  return new ExchangeFacts(source, {
    surface: 'chat.completions',
    model: 'm',
    stream: false,
    inputTokens: 0,
    outputTokens: 0,
    namedOutputTokens: null,
    mediaItems: 0,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    conversation: 'messages',
    ...more,
  })
}

test('members are found by their path, whatever stands around them', () => {
  const facts = factsOf(' \n{ "a" : {"b": [1, {"c": 2}], "":"empty"} , "t\\"x": true, "n": null, "last":0.5}')
  assert.deepEqual(facts.parameter(['a', 'b']), [1, { c: 2 }])
  assert.equal(facts.parameter(['last']), 0.5)
  assert.equal(facts.parameter(['n']), null)
  for (const path of [['missing'], ['a', 'missing'], ['last', 'x'], ['a', 'constructor'], ['__proto__'], []]) {
    assert.equal(facts.parameter(path), undefined, path.join('.'))
  }
})

test('a member of the conversation is none of the request', () => {
  const facts = factsOf({ messages: [{ role: 'user', content: 'x', tools: [{}], temperature: 1 }] })
  assert.equal(facts.hasTools, false)
  assert.equal(facts.parameter(['temperature']), undefined)
})

test('tools are those of any dialect, and an empty list is none', () => {
  for (const body of [{ tools: [{}] }, { functions: [{}] }]) assert.equal(factsOf(body).hasTools, true)
  for (const body of [{ tools: [] }, { tools: null }, { tools: {} }, {}]) assert.equal(factsOf(body).hasTools, false)
})

test('output of a form is asked for in the words of each dialect', () => {
  const wanted = [
    { response_format: { type: 'json_schema', json_schema: {} } },
    { response_format: { type: 'json_object' } },
    { text: { format: { type: 'json_schema' } } },
    { output_config: { format: { type: 'json_schema' } } },
    { output_format: { type: 'json_schema' } },
    { generationConfig: { responseSchema: {} } },
    { generation_config: { response_json_schema: {} } },
  ]
  for (const body of wanted) assert.equal(factsOf(body).wantsSchema, true, JSON.stringify(body))
  const plain = [
    {},
    { response_format: { type: 'text' } },
    { response_format: null },
    { text: { verbosity: 'low' } },
    { output_config: { effort: 'low' } },
    { generationConfig: { temperature: 1 } },
  ]
  for (const body of plain) assert.equal(factsOf(body).wantsSchema, false, JSON.stringify(body))
})

test('pictures are looked for only where media were counted', () => {
  const body = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a/b' } }] }] }
  assert.equal(factsOf(body, { mediaItems: 1 }).hasImages, true)
  assert.equal(factsOf(body, { mediaItems: 0 }).hasImages, false)
  const sound = { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'aGk=' } }] }] }
  assert.equal(factsOf(sound, { mediaItems: 1 }).hasImages, false)
})

test("the user's words are those of every dialect, and nobody else's", () => {
  const chat = [
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'no' },
    { role: 'user', content: [{ type: 'text', text: 'two' }, { type: 'image_url', image_url: {} }, 'three'] },
    { role: 'tool', content: 'result' },
  ]
  assert.deepEqual(factsOf({ messages: chat }).words, ['one', 'two', 'three'])
  const items = [
    { type: 'function_call_output', output: 'x' },
    { role: 'user', content: [{ type: 'input_text', text: 'a' }] },
  ]
  assert.deepEqual(factsOf({ input: items }, { conversation: 'input' }).words, ['a'])
  assert.deepEqual(factsOf({ input: 'a text' }, { conversation: 'input' }).words, ['a text'])
  assert.deepEqual(factsOf({ prompt: ['a', 'b'] }, { conversation: 'prompt' }).words, ['a', 'b'])
  const contents = [{ parts: [{ text: 'a' }] }, { role: 'model', parts: [{ text: 'no' }] }]
  assert.deepEqual(factsOf({ contents }, { conversation: 'contents' }).words, ['a'])
  assert.deepEqual(factsOf({ messages: 7 }).words, [])
  assert.deepEqual(factsOf({ messages: chat }, { conversation: null }).words, [])
})

test('tags are those of the header, and metadata are words or numbers', () => {
  const facts = factsOf({ metadata: { tier: 'gold', level: 3, deep: {} } }, { headers: { 'x-ferro-tags': 'eu, fast' } })
  assert.deepEqual([...facts.tags], ['eu', 'fast'])
  assert.deepEqual(
    ['tier', 'level', 'deep', 'none'].map((name) => facts.metadata(name)),
    ['gold', '3', null, null],
  )
  assert.equal(factsOf({}).tags.size, 0)
})

const SESSION: StickySource = { kind: 'session' }

test('a session is named by a header, else by a member, in this order; without one there is none', () => {
  const rows: readonly (readonly [body: unknown, headers: Readonly<Record<string, string>>])[] = [
    [{}, { 'x-ferro-session': 'a' }],
    [{ user: 'other' }, { 'x-session-id': 'a' }],
    [{ prompt_cache_key: 'a', user: 'other' }, {}],
    [{ metadata: { session_id: 'a' } }, {}],
    [{ metadata: { user_id: 'a' } }, { 'x-ferro-session': '' }],
    [{ safety_identifier: 'a', user: 'other' }, {}],
    [{ user: 'a' }, {}],
  ]
  const hashes = rows.map(([body, headers]) => factsOf(body, { headers }).hashOf(SESSION))
  assert.equal(new Set(hashes).size, 1)
  assert.ok((hashes[0] ?? -1) >= 0)
  assert.notEqual(factsOf({ user: 'b' }).hashOf(SESSION), hashes[0])
  assert.equal(factsOf({}).hashOf(SESSION), -1)
})

test('a key, a header and metadata keep requests together by themselves', () => {
  const facts = factsOf({ metadata: { team: 'a' } }, { key: 'a', headers: { 'x-team': 'a' } })
  const hash = facts.hashOf({ kind: 'key' })
  assert.equal(facts.hashOf({ kind: 'header', name: 'x-team' }), hash)
  assert.equal(facts.hashOf({ kind: 'metadata', name: 'team' }), hash)
  assert.equal(facts.hashOf({ kind: 'header', name: 'x-none' }), -1)
  assert.equal(factsOf({}, { key: '' }).hashOf({ kind: 'key' }), -1)
})

const PREFIX: StickySource = { kind: 'prefix' }

test('the beginning of a conversation stays the same while it goes on, and differs by what a provider caches', () => {
  const first = [
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'hello' },
  ]
  const later = [...first, { role: 'assistant', content: 'hi' }, { role: 'user', content: 'more' }]
  const hash = factsOf({ messages: first }).hashOf(PREFIX)
  assert.equal(factsOf({ messages: later, temperature: 1 }).hashOf(PREFIX), hash)
  assert.notEqual(factsOf({ messages: [{ role: 'system', content: 'others' }, first[1]] }).hashOf(PREFIX), hash)
  assert.notEqual(factsOf({ messages: [first[0], { role: 'user', content: 'hullo' }] }).hashOf(PREFIX), hash)
  assert.notEqual(factsOf({ messages: first, system: 'above' }).hashOf(PREFIX), hash)
  assert.equal(factsOf({}).hashOf(PREFIX), -1)
  assert.equal(factsOf({ messages: first }, { conversation: null }).hashOf(PREFIX), -1)
})

test('long instructions that all share do not put all conversations in one place', () => {
  const system = { role: 'system', content: 'rules '.repeat(1_500) }
  const hashes = Array.from({ length: 50 }, (_, n) =>
    factsOf({ messages: [system, { role: 'user', content: `question ${n}` }] }).hashOf(PREFIX),
  )
  assert.equal(new Set(hashes).size, 50)
  const documents = Array.from({ length: 50 }, (_, n) =>
    factsOf({ messages: [{ role: 'user', content: `${'page '.repeat(4_000)}question ${n}` }] }).hashOf(PREFIX),
  )
  assert.equal(new Set(documents).size, 50)
})

test("a message without a role is the user's, so that the beginning stays the same from turn to turn", () => {
  const first = [{ parts: [{ text: 'hello' }] }]
  const later = [...first, { role: 'model', parts: [{ text: 'hi' }] }, { parts: [{ text: 'more' }] }]
  const hashOf = (contents: unknown) => factsOf({ contents }, { conversation: 'contents' }).hashOf(PREFIX)
  assert.equal(hashOf(later), hashOf(first))
  assert.notEqual(hashOf([{ parts: [{ text: 'hullo' }] }]), hashOf(first))
})

test('of a request whose body nobody reads nothing is known but its name and its key', () => {
  const facts = plainFacts({ head: { get: () => null }, principal: { id: 'k' } }, 'realtime', 'm')
  assert.deepEqual([facts.surface, facts.model, facts.key], ['realtime', 'm', 'k'])
  assert.deepEqual([facts.hasTools, facts.wantsSchema, facts.hasImages, facts.words], [false, false, false, []])
  assert.equal(facts.parameter(['model']), undefined)
  assert.equal(facts.hashOf(PREFIX), -1)
})
