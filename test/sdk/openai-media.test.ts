import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { useOperationsHouse } from './operations-house.ts'

const ruled = keyPair('ruled')
const counted = keyPair('counted')
const house = useOperationsHouse(
  {
    limits: { body: '4MiB' },
    policies: [{ id: 'one-picture', match: { tags: ['one'] }, deny: { parameters: { n: { above: 1 } } } }],
  },
  [
    { key: ruled, tags: ['one'] },
    { key: counted, budgets: [{ tokens: 30_000, per: 'total' }] },
  ],
)

test('vectors come packed or as numbers, as the client asks, and are metered', async () => {
  const { client, upstream, recorded } = house()
  const packed = await client().embeddings.create({ model: 'vendor/text-embedding-3-small', input: ['a', 'b'] })
  assert.deepEqual(Array.from(packed.data[1]?.embedding ?? []), [0.5, -0.25, 0.125])
  assert.equal(at(upstream.last.json, 'model'), 'text-embedding-3-small')
  await recorded('embeddings', { input_tokens: 7, cost_nanos: null })
})

test('an upstream that packs nothing is put right, in either direction', async () => {
  const { client, upstream } = house()
  upstream.answering = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}',
    )
    return true
  }
  try {
    const { data } = await client().embeddings.create({ model: 'vendor/m', input: 'a' })
    assert.deepEqual(Array.from(data[0]?.embedding ?? []), [1, 2])
  } finally {
    upstream.answering = () => undefined
  }
})

test('a null never reaches a provider for the form of vectors', async () => {
  const { client, upstream } = house()
  await client().post('/embeddings', { body: { model: 'vendor/m', input: 'a', encoding_format: null } })
  assert.deepEqual(upstream.last.json, { model: 'm', input: 'a' })
})

test('pictures are relayed, and counted in tokens or one by one', async () => {
  const { client, recorded } = house()
  const made = await client().images.generate({ model: 'vendor/gpt-image-1', prompt: 'a cat' })
  assert.equal(made.data?.[0]?.b64_json, 'iVBORw0KGgo=')
  await recorded('images.generations', { input_tokens: 12, output_tokens: 1056, unit: null })
  await client().images.edit({
    model: 'vendor/dall-e-2',
    prompt: 'a dog',
    image: await toFile(Buffer.alloc(70_000), 'a.png'),
  })
  await recorded('images.edits', { units: 1, unit: 'images' })
})

test('speech streams through byte for byte, and is counted in characters', async () => {
  const { client, recorded } = house()
  const spoken = await client().audio.speech.create({ model: 'vendor/tts-1', voice: 'alloy', input: 'Hello there' })
  assert.equal(spoken.headers.get('content-type'), 'audio/mpeg')
  assert.equal((await spoken.arrayBuffer()).byteLength, 301_000)
  await recorded('audio.speech', { units: 11, unit: 'characters', usage_source: 'estimated' })
})

test('speech in events tells its tokens', async () => {
  const { client, recorded } = house()
  const spoken = await client().audio.speech.create({
    model: 'vendor/gpt-4o-mini-tts',
    voice: 'alloy',
    input: 'Hello',
    stream_format: 'sse',
  })
  assert.match(await spoken.text(), /speech\.audio\.done/)
  await recorded('audio.speech', { output_tokens: 20, usage_source: 'reported' })
})

test('sound is transcribed by the name that the configuration gives the model, wherever the form has it', async () => {
  const { client, upstream, recorded } = house()
  const sound = Buffer.alloc(2_000_000, 7)
  // The client writes the fields in the order of the members.
  const last = await client().audio.transcriptions.create({ file: await toFile(sound, 'a.wav'), model: 'hearing' })
  assert.equal(last.text, 'heard 2000000 bytes')
  assert.equal(upstream.last.form?.get('model'), 'whisper-1')
  const first = await client().audio.transcriptions.create({ model: 'hearing', file: await toFile(sound, 'a.wav') })
  assert.equal(first.text, 'heard 2000000 bytes')
  await recorded('audio.transcriptions', { units: 4, unit: 'seconds', usage_source: 'reported' })
})

test('a transcription comes as text, in detail, or as a stream of events', async () => {
  const { client, recorded } = house()
  const file = await toFile(Buffer.alloc(1_000), 'a.mp3')
  const text = await client().audio.transcriptions.create({ file, model: 'hearing', response_format: 'text' })
  assert.equal(text, 'heard 1000 bytes\n')
  const detailed = await client().audio.transcriptions.create({
    file,
    model: 'hearing',
    response_format: 'verbose_json',
  })
  assert.equal(detailed.duration, 3.2)
  const events: string[] = []
  for await (const event of await client().audio.transcriptions.create({ file, model: 'hearing', stream: true })) {
    events.push(event.type)
  }
  assert.deepEqual(events, ['transcript.text.delta', 'transcript.text.done'])
  await recorded('audio.transcriptions', { audio_input_tokens: 28, output_tokens: 5, stream: 1 })
  const translated = await client().audio.translations.create({ file, model: 'hearing' })
  assert.equal(translated.text, 'heard 1000 bytes')
})

test('what a form says behind its file is held to no less than what stands before it', async () => {
  const { gateway, key, upstream } = house()
  const edit = async (secret: string, place: 'before' | 'behind', n: number) => {
    const form = new FormData()
    form.set('model', 'vendor/gpt-image-1')
    form.set('prompt', 'a dog')
    if (place === 'before') form.set('n', String(n))
    // Larger than what a client sends at once.
    form.set('image', await toFile(Buffer.alloc(300_000), 'a.png'))
    if (place === 'behind') form.set('n', String(n))
    const headers = { authorization: `Bearer ${secret}` }
    const answer = await fetch(`${gateway.url}/v1/images/edits`, { method: 'POST', headers, body: form })
    const told = at(await answer.json(), 'error') ?? {}
    return [answer.status, at(told, 'code') ?? null, String(at(told, 'message'))] as const
  }
  assert.deepEqual((await edit(ruled.secret, 'before', 4)).slice(0, 2), [403, 'policy_denied'])
  const behind = await edit(ruled.secret, 'behind', 4)
  assert.equal(behind[0], 400)
  assert.match(behind[2], /put it before the file/)
  assert.equal((await edit(counted.secret, 'before', 9))[0], 402)
  assert.match((await edit(counted.secret, 'behind', 9))[2], /put it before the file/)
  assert.equal((await edit(counted.secret, 'behind', 1))[0], 200)
  assert.equal((await edit(ruled.secret, 'before', 1))[0], 200)
  assert.equal(
    (await edit(key.secret, 'behind', 4))[0],
    200,
    'a key that is held to nothing may write it where it likes',
  )
  assert.equal(upstream.last.form?.get('n'), '4')
})

test('documents are ranked in the shape of Cohere, and searches are counted', async () => {
  const { client, recorded } = house()
  const body = { model: 'vendor/rerank-v3.5', query: 'cars', documents: ['a', 'b'] }
  const ranked = await client().post<{ results: unknown[] }>('/rerank', { body })
  assert.deepEqual(ranked.results, [{ index: 1, relevance_score: 0.9 }])
  await recorded('rerank', { units: 1, unit: 'searches' })
})

test('forms that are wrong are refused in the dialect: no model, two models, no form, too large', async () => {
  const { client, gateway, key, upstream } = house()
  const seen = upstream.requests.length
  const post = async (body: FormData | string) => {
    const headers = { authorization: `Bearer ${key.secret}` }
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, { method: 'POST', headers, body })
    return [answer.status, at(at(await answer.json(), 'error'), 'code')]
  }
  const form = (...fields: readonly (readonly [string, string])[]) => {
    const made = new FormData()
    for (const [name, value] of fields) made.append(name, value)
    return made
  }
  assert.deepEqual(await post(form(['language', 'en'])), [400, 'invalid_request'])
  assert.deepEqual(await post(form(['model', 'hearing'], ['model', 'vendor/other'])), [400, 'invalid_request'])
  assert.deepEqual(await post(form(['Model', 'vendor/other'], ['model', 'hearing'])), [400, 'invalid_request'])
  assert.deepEqual(await post('{}'), [415, 'unsupported_media_type'])
  assert.deepEqual(await post(form(['model', 'nobody/has-it'])), [404, 'model_not_found'])
  assert.deepEqual(await post(form(['model', 'hearing'], ['n', '1'], ['n', '9'])), [400, 'invalid_request'])
  assert.equal(upstream.requests.length, seen)
  const large = client().audio.transcriptions.create({
    file: await toFile(Buffer.alloc(5_000_000), 'a.wav'),
    model: 'hearing',
  })
  await assert.rejects(large, (error: unknown) => error instanceof OpenAI.APIError && error.status === 413)
})
