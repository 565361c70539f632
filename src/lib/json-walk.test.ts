import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { skipValue, walkItems, walkMembers } from './json-walk.ts'

/** The value at an offset, put together from what the walks visit. */
function rebuild(bytes: Buffer, at: number): { readonly value: unknown; readonly end: number } {
  let value: unknown
  let end = at
  if (bytes[at] === 0x5b) {
    const items: unknown[] = []
    end = walkItems(bytes, at, (item) => {
      const inner = rebuild(bytes, item)
      items.push(inner.value)
      return inner.end
    })
    value = items
  } else if (bytes[at] === 0x7b) {
    const members: [string, unknown][] = []
    end = walkMembers(bytes, at, (member, keyStart, keyEnd) => {
      const inner = rebuild(bytes, member)
      members.push([JSON.parse(`"${bytes.toString('utf8', keyStart, keyEnd)}"`), inner.value])
      return inner.end
    })
    value = Object.fromEntries(members)
  } else {
    end = skipValue(bytes, at)
    value = JSON.parse(bytes.toString('utf8', at, end))
  }
  return { value, end }
}

test('visits every item and member of any JSON, and ends where it ends', () => {
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 0, max: 3 }), (json, space) => {
      const text = JSON.stringify(JSON.parse(json), null, space)
      const bytes = Buffer.from(`${text} ,`)
      const { value, end } = rebuild(bytes, 0)
      assert.deepEqual(value, JSON.parse(text))
      assert.equal(end, Buffer.byteLength(text))
    }),
    { numRuns: 1_000 },
  )
})

test('passes over what is neither array nor object', () => {
  const none = () => assert.fail('nothing is to be visited')
  for (const text of ['"a,b"', '1', 'null', '[]', '{}', '[ ]', '{ }']) {
    const bytes = Buffer.from(`${text},`)
    if (text[0] !== '[') assert.equal(walkItems(bytes, 0, none), text.length, text)
    if (text[0] !== '{') assert.equal(walkMembers(bytes, 0, none), text.length, text)
  }
})
