import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Losses } from '../ir/losses.ts'
import { QuirkPatcher } from './quirk-patcher.ts'

const patcher = new QuirkPatcher({
  rename: { max_tokens: 'max_completion_tokens', seed: 'random_seed' },
  drop: ['logit_bias'],
  defaults: { safe_prompt: false },
})

test('a relayed body changes in the members that are named, and in no other byte', () => {
  const losses = new Losses()
  const body = '{ "a":1.0, "max_tokens":7 ,"logit_bias":{"1":1},"x":{"seed":3},"big":12345678901234567890}'
  const patched = patcher.relay(Buffer.from(body), losses).toString()
  assert.equal(
    patched,
    '{"max_completion_tokens":7,"safe_prompt":false, "a":1.0, "x":{"seed":3},"big":12345678901234567890}',
  )
  assert.deepEqual(losses.dropped, ['logit_bias'])
})

test('what the client says in the provider’s own word counts', () => {
  const body = Buffer.from('{"seed":1,"random_seed":2,"safe_prompt":true}')
  const relayed: unknown = JSON.parse(patcher.relay(body, new Losses()).toString())
  assert.deepEqual(relayed, { random_seed: 2, safe_prompt: true })
  assert.deepEqual(patcher.translated({ seed: 1, random_seed: 2, safe_prompt: true }, new Losses()), relayed)
})

test('a body that needs no change is the very same bytes', () => {
  const body = Buffer.from('{"safe_prompt":1,"messages":[]}')
  assert.equal(patcher.relay(body, new Losses()), body)
})
