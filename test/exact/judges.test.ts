import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amountViolations, concurrencyViolations, type Passage, type Refusal, rateViolations } from './judges.ts'

function passage(atMs: number, more: Partial<Passage> = {}): Passage {
  const ends = { busyUntil: atMs + 10, overAt: atMs + 20 }
  const arrived = { arrivedAt: atMs + 1, allArrivedAt: atMs + 1 }
  return { sentAt: atMs, ...arrived, ...ends, reserved: 10, settled: 4, isSingle: true, counted: 1, ...more }
}

const refusal = (sentAt: number, doneAt = sentAt + 1): Refusal => ({ sentAt, doneAt })

test('a rate may be reached and not passed, in any window', () => {
  const atOnce = [0, 0, 0].map((at) => passage(at))
  const later = [400, 700, 1_000].map((at) => passage(at))
  const judge = (passed: Passage[], refused: Refusal[] = []) => rateViolations({ passed, refused }, 3, 900)
  assert.deepEqual(judge([...atOnce, ...later], [refusal(2)]), [])
  assert.equal(judge([...atOnce, passage(100)]).length, 1, 'a fourth one in 100 ms')
  assert.equal(judge([...atOnce, passage(298, { arrivedAt: 299 })]).length, 1, 'one too early by a millisecond')
  assert.deepEqual(judge([...atOnce, passage(250, { arrivedAt: 301 })]), [], 'it may have been let through at its end')
  assert.equal(judge([passage(0)], [refusal(900)]).length, 1, 'one of three, and refused all the same')
  assert.deepEqual(judge([passage(0, { counted: 3 })], [refusal(2)]), [], 'its attempts were three')
})

test('places in flight may all be taken, by no more and for no longer', () => {
  const judge = (passed: Passage[], refused: Refusal[] = []) => concurrencyViolations({ passed, refused }, 2)
  const two = [passage(0), passage(5)]
  assert.deepEqual(judge([...two, passage(12)], [refusal(8)]), [])
  assert.equal(judge([...two, passage(7)]).length, 1, 'three at once')
  assert.deepEqual(
    judge([...two, passage(7, { arrivedAt: null })]),
    [],
    'nobody knows whether the last was let through',
  )
  assert.equal(judge([passage(0)], [refusal(8)]).length, 1, 'refused with one place free')
  assert.equal(judge(two, [refusal(40)]).length, 1, 'refused when both are over')
})

test('amounts in flight and used may fill a budget, and nobody is refused who had room', () => {
  const budget = { limit: 28, perMs: 0, largest: 10 }
  const judge = (passed: Passage[], refused: Refusal[] = []) => amountViolations({ passed, refused }, budget)
  const two = [passage(0), passage(3)]
  assert.deepEqual(judge(two, [refusal(8)]), [], '20 of 28 are held: 10 more find no room')
  assert.equal(judge([...two, passage(5)]).length, 1, '30 are held at once')
  assert.deepEqual(judge([...two, passage(30)], []), [])
  assert.equal(judge(two, [refusal(40)]).length, 1, 'only 8 are used when both are over')
  const twice = passage(0, { isSingle: false, reserved: 30, settled: 20, allArrivedAt: 20 })
  assert.deepEqual(judge([twice, passage(5)]), [], 'its second attempt was not made yet')
  assert.equal(judge([twice, passage(25)]).length, 1, '20 were used, and 10 are held')
  const many = Array.from({ length: 8 }, (_, at) => passage(at * 50))
  assert.ok(judge(many).length > 0, '32 are used')
  assert.deepEqual(amountViolations({ passed: many, refused: [] }, { ...budget, perMs: 0.1 }), [], 'a rate refills')
})
