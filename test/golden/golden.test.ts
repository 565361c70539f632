import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { parseExact } from '../../src/ai/ir/json.ts'
import { answerTest, conformancePage, requestTest } from './conformance.ts'
import { answerFiles, requestFiles } from './corpus.ts'
import { UPSTREAMS } from './upstreams.ts'

for (const { from, feature, actual, expected } of requestFiles()) {
  for (const [upstream, result] of Object.entries(actual)) {
    test(requestTest(from, feature, upstream), () => {
      assert.deepEqual(parseExact(JSON.stringify(result)), expected[upstream])
    })
    if ('refused' in result) continue
    // What nobody here knows goes on to who may know it: the mock is only strict about what is known.
    if (upstream === from && feature === 'unknown-members') continue
    test(`${upstream} takes what it is sent for a request of ${from} with ${feature}`, () => {
      assert.equal(UPSTREAMS[upstream as DialectName]?.check(result.body), null) // keys of the same table
    })
  }
}

for (const { from, feature, actual, expected } of answerFiles()) {
  for (const [client, result] of Object.entries(actual)) {
    test(answerTest(from, feature, client), () => {
      assert.deepEqual(parseExact(JSON.stringify(result)), expected[client])
    })
  }
}

test('the page of conformance is what these tests find', () => {
  const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
  assert.equal(page, conformancePage(requestFiles(), answerFiles()))
})
