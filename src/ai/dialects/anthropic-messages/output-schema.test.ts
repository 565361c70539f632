import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import { isHoldable, withinSubset } from './output-schema.ts'

function compiled(schema: JsonObject): { schema: JsonObject; report: string } {
  const losses = new Losses()
  return { schema: withinSubset(schema, losses, 'response_format'), report: losses.header() }
}

test('a schema within the subset stays as it is', () => {
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', format: 'email', description: 'd' },
      tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 1 },
    },
    $defs: { tag: { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] } },
    required: ['name'],
    additionalProperties: false,
  }
  const result = compiled(schema)
  assert.equal(result.schema, schema)
  assert.equal(result.report, 'exact')
})

test('what cannot be enforced is told in the description, at any depth, and reported', () => {
  const { schema, report } = compiled({
    type: 'object',
    additionalProperties: false,
    properties: {
      age: { type: 'integer', minimum: 0, description: 'Years' },
      tags: { type: 'array', maxItems: 3, items: { type: 'string', minLength: 1 } },
    },
  })
  assert.deepEqual(schema['properties'], {
    age: { type: 'integer', description: 'Years (minimum: 0)' },
    tags: { type: 'array', items: { type: 'string', description: '(minLength: 1)' }, description: '(maxItems: 3)' },
  })
  assert.equal(report, 'adapted; adapted=response_format')
})

test('objects take no further members, and one of several becomes any of them', () => {
  const { schema } = compiled({ oneOf: [{ type: 'object', properties: { minimum: { type: 'number' } } }] })
  assert.deepEqual(schema, {
    anyOf: [{ type: 'object', properties: { minimum: { type: 'number' } }, additionalProperties: false }],
  })
})

/** Schemas, and whether a model can be held to them. */
const HELD: readonly (readonly [what: string, held: boolean, schema: JsonObject])[] = [
  ['members that are named', true, { type: 'object', properties: { a: { type: 'string' } } }],
  ['no members at all', true, { type: 'object', additionalProperties: false }],
  ['a map', false, { type: 'object', additionalProperties: { type: 'string' } }],
  ['any object', false, { type: 'object' }],
  ['any object or nothing', false, { type: ['object', 'null'] }],
  ['members by pattern', false, { type: 'object', patternProperties: { '^a': {} } }],
  ['further members', false, { type: 'object', properties: { a: {} }, additionalProperties: true }],
  ['a map within', false, { type: 'array', items: { anyOf: [{ type: 'object', additionalProperties: {} }] } }],
  ['a map that is pointed to', false, { $ref: '#/$defs/m', $defs: { m: { type: 'object' } } }],
  ['a map that nothing points to', true, { type: 'string', $defs: { m: { type: 'object' } } }],
  ['itself', false, { $ref: '#/$defs/n', $defs: { n: { type: 'array', items: { $ref: '#/$defs/n' } } } }],
  ['something elsewhere', false, { $ref: 'https://a.example/schema' }],
  ['the same twice', true, { anyOf: [{ $ref: '#/$defs/s' }, { $ref: '#/$defs/s' }], $defs: { s: { type: 'string' } } }],
]

for (const [what, held, schema] of HELD) {
  test(`a model ${held ? 'is' : 'cannot be'} held to a schema of ${what}`, () => {
    assert.equal(isHoldable(schema), held)
  })
}

test('references that multiply are followed once each', () => {
  const $defs: Record<string, JsonObject> = { d60: { type: 'string' } }
  for (let at = 0; at < 60; at++) {
    const next = { $ref: `#/$defs/d${at + 1}` }
    $defs[`d${at}`] = { type: 'object', properties: { a: next, b: next } }
  }
  assert.equal(isHoldable({ $ref: '#/$defs/d0', $defs }), true)
})
