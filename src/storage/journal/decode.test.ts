import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PACKED_FIELDS, packRecord, RECORD_FIELDS, recordOf, rowOf } from '../record-fields.ts'
import type { RequestRecord } from '../records.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText } from '../testing/samples.ts'
import { chargesOf, decodeEntry, reserveText as textOfReserved } from './decode.ts'

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
      const alone = decodeEntry(recordText(record))
      assert.ok(alone?.kind === 'record')
      assert.deepEqual(recordOf(alone.record), record)
      assert.deepEqual(alone.record, rowOf(JSON.parse(packRecord(record))))
      const settled = decodeEntry(settleText(requestId(1), { record }))
      assert.ok(settled?.kind === 'settle')
      assert.deepEqual(settled.record, alone.record)
    }),
  )
})

test('packs a record in the order of its fields', () => {
  const record = sampleRecord('the id')
  const [id, keyId, fields] = JSON.parse(packRecord(record)) as [unknown, unknown, unknown[]]
  assert.deepEqual([id, keyId], ['the id', 'dev'])
  assert.deepEqual(
    fields,
    PACKED_FIELDS.map(([name]) => record[name]),
  )
  assert.equal(fields.length + 2, RECORD_FIELDS.length)
})

test('reads a record of the first version, with fewer fields, as one whose later counters are zero', () => {
  const record = sampleRecord(requestId(1), { price_rule: 'small@1' })
  const [id, keyId, fields] = JSON.parse(packRecord(record)) as [string, string, unknown[]]
  const old = decodeEntry(JSON.stringify(['q', [id, keyId, fields.slice(0, 33)]]))
  assert.ok(old?.kind === 'record')
  assert.deepEqual(recordOf(old.record), record)
  assert.equal(decodeEntry(JSON.stringify(['q', [id, keyId, fields.slice(0, 32)]])), null)
  assert.equal(decodeEntry(JSON.stringify(['q', [id, keyId, [...fields, 0]]])), null)
})

test('gives the values of any reservation, whichever way it takes, and its text back', () => {
  const charge = fc.tuple(text, count, count)
  const entry = fc.tuple(text, count, count, textOrNull, text, text, count, count, textOrNull, fc.array(charge))
  fc.assert(
    fc.property(entry, (values) => {
      const written = JSON.stringify(['r', ...values])
      const read = decodeEntry(written)
      assert.ok(read?.kind === 'reserve')
      const { requestId: id, attempt, reservedAt, keyId, provider, model, tokens, nanos, priceRule } = read
      const charges = chargesOf(read)
      const found = [id, attempt, reservedAt, keyId, provider, model, tokens, nanos, priceRule, charges]
      assert.deepEqual(found, values)
      assert.equal(read.chargeCount, charges.length)
      assert.deepEqual(JSON.parse(`[${read.head}]`), values.slice(1, 9))
      assert.equal(textOfReserved(read), written)
    }),
  )
})

test('gives the same for a text that is laid out otherwise', () => {
  const samples = [
    settleText(requestId(1)),
    settleText(requestId(1), { record: null }),
    settleText(requestId(1), { attempt: 3, tokens: 0, nanos: Number.MAX_SAFE_INTEGER }),
    recordText(sampleRecord(requestId(1))),
    reserveText(requestId(1)),
    reserveText(requestId(1), { keyId: null }),
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
      JSON.parse(packRecord(sampleRecord(requestId(1)))),
    ]),
  ]
  for (const sample of samples) {
    // A space before the closing bracket: the pattern does not match, and JSON.parse reads it.
    const spaced = `${sample.slice(0, -1)} ]`
    assert.deepEqual(decodeEntry(spaced), decodeEntry(sample))
    assert.notEqual(decodeEntry(sample), null)
  }
})

test('is null for what no program of ours wrote', () => {
  const record = sampleRecord(requestId(1))
  const { id } = record
  const packed = (differences: object) => JSON.parse(packRecord({ ...record, ...differences })) as unknown[]
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
    JSON.stringify(['q', record]),
    JSON.stringify(['q', packed({}).slice(0, 2)]),
    JSON.stringify(['q', [id, null, PACKED_FIELDS.slice(1)]]),
    JSON.stringify(['q', packed({ id: null })]),
    JSON.stringify(['q', packed({ status: '200' })]),
    JSON.stringify(['q', packed({ stream: 1 })]),
    // Valid for the pattern but for a control character, which JSON writes as an escape.
    recordText({ ...record, path: 'here' }).replace('here', '\u0001'),
    JSON.stringify(['q', null]),
  ]
  for (const sample of bad) assert.equal(decodeEntry(sample), null, sample)
  assert.equal(decodeEntry(reserveText(id))?.kind, 'reserve')
})
