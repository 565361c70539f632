import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOutcome, type Expectation, MAX_PROBE_BODY_BYTES } from './expectation.ts'

const EXPECTED: Expectation = {
  statuses: [
    { from: 200, to: 299 },
    { from: 401, to: 401 },
  ],
  body: null,
}

for (const [status, passes] of [
  [200, true],
  [299, true],
  [401, true],
  [199, false],
  [300, false],
  [400, false],
  [503, false],
] as const) {
  test(`status ${status} ${passes ? 'passes' : 'fails'} where 200 to 299 and 401 are expected`, () => {
    const reason = checkOutcome({ kind: 'answer', status, body: Buffer.alloc(0) }, EXPECTED)
    assert.equal(reason, passes ? null : `status ${status}`)
  })
}

test('the expected text may be anywhere in the first 64 KiB of the body, and not behind', () => {
  const expected = { ...EXPECTED, body: Buffer.from('ready') }
  const at = (offset: number) =>
    checkOutcome(
      { kind: 'answer', status: 200, body: Buffer.concat([Buffer.alloc(offset), Buffer.from('ready')]) },
      expected,
    )
  assert.equal(at(0), null)
  assert.equal(at(MAX_PROBE_BODY_BYTES - 5), null)
  assert.equal(at(MAX_PROBE_BODY_BYTES - 4), 'the body does not hold the expected text')
})

test('a probe that got no answer fails for its own reason', () => {
  assert.equal(checkOutcome({ kind: 'failure', reason: 'refused' }, EXPECTED), 'refused')
})
