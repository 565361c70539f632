import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptAnswers } from './kept-answers.ts'

test('answers that anybody can cause push out no others', async () => {
  const kept = new KeptAnswers<string>({
    most: 2,
    mostAsking: 1,
    lifetimeMs: () => 60_000,
    apart: (answer) => answer === 'unknown',
  })
  await kept.ask('good', async () => 'known')
  for (let at = 0; at < 10; at++) await kept.ask(`bad-${at}`, async () => 'unknown')
  const nowMs = performance.now()
  assert.equal(kept.known('good', nowMs), 'known')
  assert.deepEqual([kept.known('bad-0', nowMs), kept.known('bad-9', nowMs)], [null, 'unknown'])
  await kept.ask('good', async () => 'unknown')
  assert.equal(kept.known('good', nowMs), 'unknown', 'the newest answer is the one')
})
