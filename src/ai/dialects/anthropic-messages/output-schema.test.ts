import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import { withinSubset } from './output-schema.ts'

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
