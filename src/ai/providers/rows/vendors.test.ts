import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Losses } from '../../ir/losses.ts'
import { QuirkPatcher } from '../quirk-patcher.ts'
import { VENDORS } from './vendors.ts'

/** A body that is relayed to a vendor, and what was told of it. */
function relayed(kind: string, body: object): readonly [sent: unknown, dropped: readonly string[]] {
  const quirks = VENDORS.find((row) => row.kind === kind)?.quirks
  assert.ok(quirks, kind)
  const losses = new Losses()
  const sent = new QuirkPatcher(quirks).relay(Buffer.from(JSON.stringify(body)), losses)
  return [JSON.parse(sent.toString()), losses.dropped]
}

test('vendors that know one name of the limit get it, also from clients that use the newer one', () => {
  for (const kind of ['mistral', 'deepseek', 'z-ai', 'ai21', 'perplexity', 'qwen']) {
    assert.deepEqual(relayed(kind, { max_completion_tokens: 5 }), [{ max_tokens: 5 }, []], kind)
    assert.deepEqual(relayed(kind, { max_tokens: 4, max_completion_tokens: 5 }), [{ max_tokens: 4 }, []], kind)
  }
})

test('Mistral gets no member that it refuses to read, and the client is told', () => {
  const [sent, dropped] = relayed('mistral', { user: 'u', store: false, logit_bias: {}, seed: 1, temperature: 0 })
  assert.deepEqual(sent, { random_seed: 1, temperature: 0 })
  assert.deepEqual(dropped, ['user', 'store', 'logit_bias'])
})
