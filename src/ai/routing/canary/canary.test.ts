import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashText } from '../../../core/index.ts'
import { keptTogether } from '../compile-strategy.ts'
import type { StickySource } from '../contract.ts'
import { drawFor } from './canary.ts'

const entry = 'assistant'
const never = () => {
  throw new Error('nothing is left to chance')
}
const session = (name: string) => ({
  hashOf: ({ kind }: StickySource) => (kind === 'session' ? hashText(name) : -1),
})

test('all requests of a conversation are drawn alike, and conversations by the share', () => {
  const canary = { entry, together: keptTogether(undefined) }
  let drawn = 0
  for (let n = 0; n < 10_000; n++) {
    const draw = drawFor(canary, session(`session-${n}`), never)
    assert.equal(drawFor(canary, session(`session-${n}`), never), draw)
    if (draw < 0.05) drawn++
  }
  assert.ok(drawn > 400 && drawn < 600, `${drawn} of 10000`)
})

test('who is tried for one model is not always who is tried for another', () => {
  const together = keptTogether(undefined)
  const facts = session('one')
  assert.notEqual(drawFor({ entry, together }, facts, never), drawFor({ entry: 'other', together }, facts, never))
})

test('requests that tell no session are drawn by chance', () => {
  const facts = { hashOf: () => -1 }
  assert.equal(
    drawFor({ entry, together: keptTogether({ type: 'fallback' }) }, facts, () => 0.25),
    0.25,
  )
})

test('under sticky what the strategy keeps together is drawn together', () => {
  const config = { type: 'sticky', by: ['prefix'] } as const
  const together = keptTogether({ ...config, by: [...config.by] })
  assert.deepEqual(together, [{ kind: 'prefix' }])
  const facts = { hashOf: ({ kind }: StickySource) => (kind === 'prefix' ? 7 : -1) }
  assert.equal(drawFor({ entry, together }, facts, never), drawFor({ entry, together }, facts, never))
})
