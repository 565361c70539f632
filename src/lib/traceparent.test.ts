import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

test('reads a header and writes it again', () => {
  const text = `00-${TRACE}-${SPAN}-01`
  assert.deepEqual(parseTraceparent(text), { traceId: TRACE, parentId: SPAN, flags: 1 })
  assert.equal(formatTraceparent({ traceId: TRACE, parentId: SPAN, flags: 1 }), text)
})

test('sends on no flag but sampled', () => {
  assert.equal(formatTraceparent({ traceId: TRACE, parentId: SPAN, flags: 0xfe }), `00-${TRACE}-${SPAN}-00`)
})

test('reads a later version, with more fields, as version 00', () => {
  assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-03-what-comes`), { traceId: TRACE, parentId: SPAN, flags: 3 })
})

test('ignores what the standard says to ignore', () => {
  const refused = [
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-0`,
    `cc-${TRACE}-${SPAN}-01.more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
  ]
  for (const text of refused) assert.equal(parseTraceparent(text), null, text)
})
