import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rowOf } from '../record-fields.ts'
import type { RequestRecord } from '../records.ts'
import { requestId, reserveText, sampleRecord, settleText } from '../testing/samples.ts'
import { decodeEntry } from './decode.ts'

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '","status":9,"x":"', 'null', 'ü漢🙂'),
)
const textOrNull = fc.option(text)
const count = fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))
const records: fc.Arbitrary<RequestRecord> = fc
  .record({
    path: text,
    client_request_id: textOrNull,
    model_requested: textOrNull,
    error_code: textOrNull,
    price_rule: textOrNull,
    time: count,
    status: count,
    input_tokens: count,
    queue_us: fc.option(count),
    cost_nanos: fc.option(fc.oneof(count, fc.constant(-5), fc.constant(1.5))),
    stream: fc.boolean(),
    cancelled: fc.boolean(),
  })
  .map((differences) => sampleRecord(requestId(1), differences))

test('gives the values of any record, whichever way it takes', () => {
  fc.assert(
    fc.property(records, (record) => {
      const expected = rowOf(record)
      assert.deepEqual(decodeEntry(JSON.stringify(['q', record])), { kind: 'record', record: expected })
      const settled = decodeEntry(settleText(requestId(1), { record }))
      assert.ok(settled?.kind === 'settle')
      assert.deepEqual(settled.record, expected)
    }),
  )
})

test('gives the same for a text that is laid out otherwise', () => {
  const samples = [
    settleText(requestId(1)),
    settleText(requestId(1), { record: null }),
    settleText(requestId(1), { attempt: 3, tokens: 0, nanos: Number.MAX_SAFE_INTEGER }),
    JSON.stringify(['q', sampleRecord(requestId(1))]),
    JSON.stringify(['s', requestId(1), 1, 5, 6, 'estimated', [], null]),
    JSON.stringify([
      's',
      requestId(1),
      1,
      5,
      6,
      'none',
      [
        ['a', 1, 2],
        ['b"c', 3, 4],
      ],
      sampleRecord(requestId(1)),
    ]),
  ]
  for (const sample of samples) {
    // A space before the closing bracket: the pattern does not match, and JSON.parse reads it.
    const spaced = `${sample.slice(0, -1)} ]`
    assert.deepEqual(decodeEntry(spaced), decodeEntry(sample))
    assert.notEqual(decodeEntry(sample), null)
  }
})

test('takes fields in any order, and leaves out those it does not know', () => {
  const record = sampleRecord(requestId(1))
  const reversed = { later: 'field', ...Object.fromEntries(Object.entries(record).reverse()) }
  assert.deepEqual(decodeEntry(JSON.stringify(['q', reversed])), { kind: 'record', record: rowOf(record) })
})

test('is null for what no program of ours wrote', () => {
  const record = sampleRecord(requestId(1))
  const { id, ...withoutId } = record
  const bad = [
    '',
    '[',
    '[]',
    '{}',
    '["x"]',
    '["r"]',
    '["r","id","1",5,null,"p","m",1,1,null,[]]',
    '["r","id",1,5,null,"p","m",-1,1,null,[]]',
    '["r","id",1,5,null,"p","m",1.5,1,null,[]]',
    '["s","id",1,1,1,"none",null,null]',
    '["s","id",1,1,1,"none",[],5]',
    '["v","id"]',
    JSON.stringify(['q', withoutId]),
    JSON.stringify(['q', { ...record, status: '200' }]),
    JSON.stringify(['q', { ...record, stream: 1 }]),
    JSON.stringify(['q', null]),
  ]
  for (const sample of bad) assert.equal(decodeEntry(sample), null, sample)
  assert.equal(decodeEntry(reserveText(id))?.kind, 'reserve')
})
