import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import type { SeenOperation } from '../mocks/openai-operations/upstream.ts'
import { useOperationsHouse } from './operations-house.ts'

const other = keyPair('other')
const held = keyPair('held')
const poor = keyPair('poor')
const house = useOperationsHouse(
  {
    models: { 'gpt-main': { targets: [{ provider: 'vendor', model: 'gpt-5-mini' }] } },
  },
  [
    { key: other },
    { key: held, models: { allow: ['gpt-main', 'vendor/gpt-4o*'] } },
    { key: poor, budgets: [{ tokens: 3_000, per: 'total' }] },
  ],
)

const BATCH = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const

interface Line {
  readonly model?: string
  readonly url?: string
  readonly text?: string
  readonly limit?: number
}

/** An input file of a batch, as clients write it: no line feed behind the last line. */
async function linesOf(...lines: readonly Line[]): Promise<File> {
  const texts = lines.map(({ model = 'gpt-main', url = '/v1/chat/completions', text = 'x', limit = 10 }, at) => {
    const body = { model, max_completion_tokens: limit, messages: [{ role: 'user', content: text }] }
    return JSON.stringify({ custom_id: `line-${at}`, method: 'POST', url, body })
  })
  return await toFile(Buffer.from(texts.join('\n')), 'in.jsonl')
}

async function sentFile({ form }: SeenOperation): Promise<string> {
  const file = form?.get('file')
  assert.ok(file instanceof File)
  return await file.text()
}

test('A9 a file is reached and listed by the key that made it alone, and a batch takes it by its wrapped id', async () => {
  const { client, upstream } = house()
  const made = await client().files.create({ purpose: 'batch', file: await linesOf({}) })
  assert.match(made.id, /^file-\d+\.at\.vendor\.[0-9a-f]{16}$/)
  const plain = made.id.split('.')[0] ?? ''
  assert.equal((await client().files.retrieve(made.id)).id, made.id)
  assert.equal(upstream.last.path, `/files/${plain}`)
  // What it was called by the vendor leads to it as well: answers may name it so.
  assert.equal((await client().files.retrieve(plain)).id, made.id)
  const stranger = client({ apiKey: other.secret })
  for (const id of [made.id, plain]) {
    await assert.rejects(stranger.files.retrieve(id), OpenAI.NotFoundError)
    await assert.rejects(stranger.files.content(id), OpenAI.NotFoundError)
    await assert.rejects(stranger.files.delete(id), OpenAI.NotFoundError)
    await assert.rejects(stranger.batches.create({ ...BATCH, input_file_id: id }), OpenAI.NotFoundError)
  }
  const listed = await client().files.list()
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [made.id],
  )
  const theirs = await stranger.files.list()
  assert.deepEqual(theirs.data, [])
  // Where a page of others' things ends opens nothing.
  await assert.rejects(stranger.files.retrieve(String(Reflect.get(theirs, 'last_id'))), OpenAI.NotFoundError)
  const batch = await client().batches.create({ ...BATCH, input_file_id: made.id })
  assert.match(batch.id, /^batch_1\.at\.vendor\./)
  assert.equal(batch.input_file_id, made.id)
  const done = await client().batches.retrieve(batch.id)
  assert.match(done.output_file_id ?? '', /^file-9\.at\.vendor\./)
  assert.deepEqual((await stranger.batches.list()).data, [])
  await assert.rejects(stranger.batches.retrieve(batch.id), OpenAI.NotFoundError)
  await assert.rejects(stranger.batches.cancel(batch.id), OpenAI.NotFoundError)
})

test('lines of a batch go out with the names that the provider has for its models, whatever stands first in the form', async () => {
  const { client, upstream } = house()
  const file = await linesOf({ text: 'gpt-main' }, { model: 'vendor/gpt-4o' }, { model: 'gpt-4o' })
  for (const body of [
    { purpose: 'batch', file },
    { file, purpose: 'batch' },
  ] as const) {
    await client({ apiKey: held.secret }).files.create(body)
    const lines = (await sentFile(upstream.last))
      .split('\n')
      .map((line) => JSON.parse(line) as { body: OpenAI.ChatCompletionCreateParams }) // as `linesOf` made them
    assert.deepEqual(
      lines.map(({ body: { model } }) => model),
      ['gpt-5-mini', 'gpt-4o', 'gpt-4o'],
    )
    assert.equal(lines[0]?.body.messages[0]?.content, 'gpt-main')
    assert.equal(upstream.last.headers['transfer-encoding'], undefined)
  }
})

test('a file of many lines streams through, each of them written anew', async () => {
  const { client, upstream } = house()
  const many = Array.from({ length: 2_000 }, (_, at) => ({ text: `${at} `.repeat(200) }))
  await client().files.create({ purpose: 'batch', file: await linesOf(...many) })
  const text = await sentFile(upstream.last)
  const lines = text.split('\n')
  assert.equal(lines.length, many.length)
  assert.ok(lines.every((line) => line.includes('"model":"gpt-5-mini"')))
  assert.ok(lines.at(-1)?.includes('1999 1999'))
})

test('a file that is no batch passes as it is', async () => {
  const { client, upstream } = house()
  const text = JSON.stringify({ url: '/v1/chat/completions', body: { model: 'gpt-main' } })
  await client({ apiKey: held.secret }).files.create({
    purpose: 'user_data',
    file: await toFile(Buffer.from(text), 'a'),
  })
  assert.equal(await sentFile(upstream.last), text)
})

test('a line that the key may not ask for refuses the file, and says which line it is', async () => {
  const { client, upstream } = house()
  const mine = client({ apiKey: held.secret })
  const before = upstream.requests.length
  const upload = async (...lines: readonly Line[]) =>
    await mine.files.create({ purpose: 'batch', file: await linesOf(...lines) }).then(
      () => null,
      (error: unknown) => error,
    )
  const denied = await upload({}, { model: 'vendor/gpt-5-pro' })
  assert.ok(denied instanceof OpenAI.PermissionDeniedError)
  assert.match(denied.message, /Line 2 of the batch: .*gpt-5-pro/)
  const elsewhere = await upload({ model: 'demo-chat' })
  assert.ok(elsewhere instanceof OpenAI.APIError && (elsewhere.status === 400 || elsewhere.status === 403))
  assert.match(elsewhere.message, /Line 1 of the batch/)
  const nowhere = await upload({ url: '/v1/nowhere' })
  assert.ok(nowhere instanceof OpenAI.BadRequestError)
  const broken = await mine.files
    .create({
      purpose: 'batch',
      file: await toFile(Buffer.from('{"body":{"model":"gpt-main","model":"gpt-5-pro"}}'), 'a'),
    })
    .catch((error: unknown) => error)
  assert.ok(broken instanceof OpenAI.BadRequestError)
  assert.equal(upstream.requests.length, before)
})

test('a key with a list of models makes no batch of lines that were not looked at', async () => {
  const { client, upstream } = house()
  const mine = client({ apiKey: held.secret })
  const file = await toFile(Buffer.from('{"body":{"model":"gpt-5-pro"}}'), 'a.jsonl')
  const made = await mine.files.create({ purpose: 'user_data', file })
  const before = upstream.requests.length
  await assert.rejects(mine.batches.create({ ...BATCH, input_file_id: made.id }), /upload it through this gateway/)
  assert.equal(upstream.requests.length, before)
  const looked = await mine.files.create({ purpose: 'batch', file: await linesOf({}) })
  assert.equal((await mine.batches.create({ ...BATCH, input_file_id: looked.id })).status, 'in_progress')
})

test('a batch is refused that could cost more than the budget has', async () => {
  const { client, upstream } = house()
  const mine = client({ apiKey: poor.secret })
  const dear = await mine.files.create({ purpose: 'batch', file: await linesOf({ limit: 2_000 }, { limit: 2_000 }) })
  const before = upstream.requests.length
  await assert.rejects(mine.batches.create({ ...BATCH, input_file_id: dear.id }), /402 .*budget/)
  assert.equal(upstream.requests.length, before)
  // Which of two limits the vendor follows is not known, and each prompt has an answer of its own.
  const limits = { max_completion_tokens: 1, max_tokens: 4_000 }
  const prompts = { prompt: Array.from({ length: 40 }, () => 'x'), max_tokens: 100, best_of: 2 }
  for (const [url, body] of [
    ['/v1/chat/completions', { ...limits, messages: [] }],
    ['/v1/completions', prompts],
  ] as const) {
    const line = JSON.stringify({ custom_id: 'x', method: 'POST', url, body: { model: 'gpt-main', ...body } })
    const file = await mine.files.create({ purpose: 'batch', file: await toFile(Buffer.from(line), 'in.jsonl') })
    await assert.rejects(mine.batches.create({ ...BATCH, endpoint: url, input_file_id: file.id }), /402 .*budget/, url)
  }
  const cheap = await mine.files.create({ purpose: 'batch', file: await linesOf({ limit: 100 }) })
  assert.equal((await mine.batches.create({ ...BATCH, input_file_id: cheap.id })).status, 'in_progress')
})
