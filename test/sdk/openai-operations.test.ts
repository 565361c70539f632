import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { useSdkHouse } from './sdk-house.ts'

const poor = keyPair('poor')
const dollars = keyPair('dollars')
const house = useSdkHouse({
  keys: [
    { key: poor, budgets: [{ tokens: 10, per: 'month' }] },
    { key: dollars, budgets: [{ usd: 1, per: 'month' }] },
  ],
  more: { aliases: { 'omni-moderation-latest': 'demo-moderation' } },
})

function likeness(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
}

test('the official client gets vectors of the demo provider, packed as it asks for them and unpacked again', async () => {
  const { data, usage } = await house()
    .client()
    .embeddings.create({ model: 'demo-embedding', input: ['a red car', 'the red car', 'quarterly report'] })
  assert.equal(data.length, 3)
  const [first, second, third] = data.map(({ embedding }) => embedding)
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  assert.equal(first.length, 256)
  assert.ok(Math.abs(likeness(first, first) - 1) < 1e-5)
  assert.ok(likeness(first, second) > likeness(first, third))
  assert.equal(usage.prompt_tokens, 8)
  const record = await house().newest('demo-embedding', 'success')
  assert.deepEqual([at(record, 'input_tokens'), at(record, 'usage_source')], [8, 'reported'])
  assert.ok(Number(at(record, 'cost_nanos')) > 0)
})

test('dimensions and floats are as they were asked for', async () => {
  const { data } = await house()
    .client()
    .embeddings.create({ model: 'demo-embedding', input: 'hello', dimensions: 16, encoding_format: 'float' })
  assert.equal(data[0]?.embedding.length, 16)
})

test('a moderation without a model goes to the one that stands for the default', async () => {
  const answer = await house()
    .client()
    .moderations.create({ input: ['I will attack you', 'hello'] })
  assert.deepEqual(
    answer.results.map(({ flagged }) => flagged),
    [true, false],
  )
  assert.equal(answer.results[0]?.categories.violence, true)
})

test('an endpoint that the provider of the model does not have is an error of the client', async () => {
  const call = house().client().images.generate({ model: 'demo-chat', prompt: 'a cat' })
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof OpenAI.NotFoundError)
    assert.equal(error.code, 'model_not_found')
    return true
  })
  const unknown = house().client().embeddings.create({ model: 'nobody/has-it', input: 'x' })
  await assert.rejects(unknown, OpenAI.NotFoundError)
  const missing = house()
    .client()
    .post('/embeddings', { body: { model: 'demo-embedding' } })
  await assert.rejects(missing, (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'input')
})

test('what a request may use is reserved before it leaves, and no price is no free ride', async () => {
  const embed = async (apiKey: string, model: string) =>
    await house().client({ apiKey }).embeddings.create({ model, input: 'a text of more than ten bytes' })
  const refusedAs = (code: string) => (error: unknown) => error instanceof OpenAI.APIError && error.code === code
  await assert.rejects(embed(poor.secret, 'demo-embedding'), refusedAs('insufficient_quota'))
  await assert.rejects(embed(dollars.secret, 'wall/no-such-price'), refusedAs('model_unpriced'))
  assert.equal((await embed(dollars.secret, 'demo-embedding')).data.length, 1)
})
