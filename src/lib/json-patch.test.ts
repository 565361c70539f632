import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Edit, patchInPieces, patchTopLevel } from './json-patch.ts'
import { readJson, readString } from './json-read.ts'
import { createScanner, ScannedObject } from './json-scan.ts'

const KEYS = ['model', 'stream', 'stream_options', 'n']
const scanner = createScanner(KEYS, { maxDepth: 64 })

function patch(text: string, edits: readonly Edit[]): string {
  const bytes = Buffer.from(text)
  const object = scanner.scan(bytes)
  assert.ok(object instanceof ScannedObject, JSON.stringify(object))
  const patched = patchTopLevel(bytes, object, edits)
  const pieces = patchInPieces(bytes, object, edits)
  assert.ok(Buffer.concat(pieces).equals(patched), 'in pieces it is the same')
  assert.ok(pieces.every((piece) => piece.length > 0))
  return patched.toString()
}

test('replaces a value and leaves every other byte as it was', () => {
  assert.equal(
    patch('{ "x":1.0, "model" : "fast" ,"y":"\\u00e9é"}\n', [{ kind: 'set', index: 0, json: '"größer"' }]),
    '{ "x":1.0, "model" : "größer" ,"y":"\\u00e9é"}\n',
  )
})

test('inserts an absent key after the brace', () => {
  const edits: Edit[] = [
    { kind: 'set', index: 1, json: 'true' },
    { kind: 'set', index: 3, json: '2' },
  ]
  assert.equal(patch('{ "model":"a"}', edits), '{"stream":true,"n":2, "model":"a"}')
  assert.equal(patch('{ }', edits), '{"stream":true,"n":2 }')
})

test('removes a key with one comma, wherever it stands', () => {
  const edits: Edit[] = [{ kind: 'remove', index: 0 }]
  assert.equal(patch('{"model":"a", "x":1}', edits), '{"x":1}')
  assert.equal(patch('{"x":1 , "model":"a" ,"y":2}', edits), '{"x":1 , "y":2}')
  assert.equal(patch('{"x":1 , "model":"a" }', edits), '{"x":1 }')
  assert.equal(patch('{ "model":"a" }', edits), '{ }')
  assert.equal(patch('{"x":1}', edits), '{"x":1}')
})

test('gives what the same edits on the parsed object would give, for any order of members and edits', () => {
  const value = fc.jsonValue({ maxDepth: 2 })
  const member = fc.tuple(fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 5 })), value)
  const gap = fc.constantFrom('', ' ', '\n\t')
  const edit = fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      index: fc.nat(KEYS.length - 1),
      json: value.map((item) => JSON.stringify(item)),
    }),
    fc.record({ kind: fc.constant('remove' as const), index: fc.nat(KEYS.length - 1) }),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(member, { maxLength: 6, selector: ([key]) => key }),
      gap,
      fc.uniqueArray(edit, { selector: ({ index }) => index }),
      (members, space, edits) => {
        const parts = members.map(
          ([key, item]) => `${space}${JSON.stringify(key)}:${space}${JSON.stringify(item)}${space}`,
        )
        const text = `{${parts.join(',')}${space}}`
        const expected = new Map(Object.entries(JSON.parse(text) as Record<string, unknown>))
        for (const change of edits) {
          const key = KEYS[change.index] ?? ''
          if (change.kind === 'remove') expected.delete(key)
          else expected.set(key, JSON.parse(change.json))
        }
        const patched = patch(text, edits)
        assert.deepEqual(new Map(Object.entries(JSON.parse(patched) as Record<string, unknown>)), expected, patched)
      },
    ),
    { numRuns: 3000 },
  )
})

test('reads a string with and without escapes, and no other value', () => {
  const bytes = Buffer.from('["é","\\u00e9\\"",1]')
  assert.equal(readString(bytes, 1, 5), 'é')
  assert.equal(readString(bytes, 6, 16), 'é"')
  assert.equal(readString(bytes, 17, 18), null)
  assert.deepEqual(readJson(bytes, 0, bytes.length), ['é', 'é"', 1])
})
