import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import { useOperationsHouse } from './operations-house.ts'

const other = keyPair('other')
const held = keyPair('held')
const house = useOperationsHouse({ files: { provider: 'vendor', bind_keys: true } }, [
  { key: other },
  { key: held, models: { allow: ['demo/*'] } },
])

test('where keys are bound, a file is reached by the key that made it alone, and a batch takes it by its wrapped id', async () => {
  const { client, upstream } = house()
  const made = await client().files.create({ purpose: 'batch', file: await toFile(Buffer.from('{}'), 'a.jsonl') })
  assert.match(made.id, /^file-1\.at\.vendor\.[0-9a-f]{16}$/)
  assert.equal((await client().files.retrieve(made.id)).id, made.id)
  assert.equal(upstream.last.path, '/files/file-1')
  const stranger = client({ apiKey: other.secret })
  await assert.rejects(stranger.files.retrieve(made.id), OpenAI.NotFoundError)
  await assert.rejects(stranger.files.content('file-1'), OpenAI.NotFoundError)
  await assert.rejects(stranger.files.list(), OpenAI.PermissionDeniedError)
  const request = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  await assert.rejects(stranger.batches.create({ ...request, input_file_id: made.id }), OpenAI.NotFoundError)
  const batch = await client().batches.create({ ...request, input_file_id: made.id })
  assert.match(batch.id, /^batch_1\.at\.vendor\./)
  assert.equal(batch.input_file_id, made.id)
  const done = await client().batches.retrieve(batch.id)
  assert.match(done.output_file_id ?? '', /^file-9\.at\.vendor\./)
})

test('a key that is held to some models makes no batch, whose lines could ask for any', async () => {
  const { client, upstream } = house()
  const mine = client({ apiKey: held.secret })
  const made = await mine.files.create({ purpose: 'batch', file: await toFile(Buffer.from('{}'), 'a.jsonl') })
  const before = upstream.last
  await assert.rejects(
    mine.batches.create({ endpoint: '/v1/chat/completions', completion_window: '24h', input_file_id: made.id }),
    OpenAI.PermissionDeniedError,
  )
  assert.equal(upstream.last, before)
})
