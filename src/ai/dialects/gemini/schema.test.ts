import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { compileSchema } from './schema.ts'
import { toJsonSchema } from './schema-choice.ts'

interface Row {
  readonly name: string
  readonly schema: JsonObject
  readonly wanted: JsonObject
  readonly dropped?: readonly string[]
  readonly adapted?: readonly string[]
}

const ROWS: readonly Row[] = [
  { name: 'a type is in capitals', schema: { type: 'string' }, wanted: { type: 'STRING' } },
  { name: 'null among types', schema: { type: ['integer', 'null'] }, wanted: { type: 'INTEGER', nullable: true } },
  {
    name: 'several types',
    schema: { type: ['string', 'number'], description: 'd' },
    wanted: { description: 'd', anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] },
  },
  { name: 'a constant', schema: { const: 'a' }, wanted: { type: 'STRING', enum: ['a'] } },
  { name: 'null in an enum', schema: { enum: ['a', null] }, wanted: { type: 'STRING', enum: ['a'], nullable: true } },
  {
    name: 'an enum of numbers',
    schema: { type: 'integer', enum: [1, 2] },
    wanted: { type: 'STRING', enum: ['1', '2'] },
    adapted: ['enum'],
  },
  {
    name: 'exclusive bounds of whole numbers, exactly',
    schema: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 },
    wanted: { type: 'INTEGER', minimum: 1, maximum: 9 },
  },
  {
    name: 'exclusive bounds of other numbers, nearly',
    schema: { type: 'number', exclusiveMinimum: 0 },
    wanted: { type: 'NUMBER', minimum: 0 },
    adapted: ['exclusiveMinimum'],
  },
  {
    name: 'exclusive bounds as they were in draft 4',
    schema: { type: 'integer', minimum: 3, exclusiveMinimum: true },
    wanted: { type: 'INTEGER', minimum: 4 },
  },
  {
    name: 'one of several',
    schema: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    wanted: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] },
  },
  {
    name: 'one of something and null',
    schema: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    wanted: { type: 'STRING', nullable: true },
  },
  {
    name: 'all of one',
    schema: { allOf: [{ type: 'object', properties: { a: { type: 'string' } } }] },
    wanted: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
  },
  {
    name: 'all of several',
    schema: {
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
      ],
    },
    wanted: { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['a', 'b'] },
    adapted: ['allOf'],
  },
  {
    name: 'all of something, and members beside it',
    schema: {
      type: 'object',
      allOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }],
      properties: { b: { type: 'string' } },
      required: ['b'],
    },
    wanted: { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['a', 'b'] },
    adapted: ['allOf'],
  },
  {
    name: 'all of what references say, within each other',
    schema: {
      allOf: [{ $ref: '#/$defs/named' }, { properties: { b: { type: 'string' } } }],
      $defs: {
        named: { allOf: [{ $ref: '#/$defs/base' }], properties: { a: { minLength: 1 } } },
        base: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      },
    },
    wanted: {
      type: 'OBJECT',
      properties: { a: { type: 'STRING', minLength: 1 }, b: { type: 'STRING' } },
      required: ['a'],
    },
    adapted: ['allOf'],
  },
  {
    name: 'all of what cannot be at once',
    schema: { allOf: [{ type: 'string', pattern: 'a' }, { pattern: 'b' }] },
    wanted: { type: 'STRING', pattern: 'b' },
    dropped: ['allOf.pattern'],
    adapted: ['allOf'],
  },
  {
    name: 'formats that the vendor knows, and no others',
    schema: {
      type: 'object',
      properties: { a: { type: 'string', format: 'date-time' }, b: { type: 'string', format: 'email' } },
    },
    wanted: { type: 'OBJECT', properties: { a: { type: 'STRING', format: 'date-time' }, b: { type: 'STRING' } } },
    dropped: ['format'],
  },
  {
    name: 'references, written out',
    schema: {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a~1b' } },
      $defs: { 'a/b': { type: 'string', description: 'x' } },
      $schema: 'https://json-schema.org/draft/2020-12/schema',
    },
    wanted: { type: 'OBJECT', properties: { a: { type: 'STRING', description: 'x' } } },
  },
  {
    name: 'what it does not know',
    schema: { type: 'object', additionalProperties: false, patternProperties: {}, if: {}, uniqueItems: true },
    wanted: { type: 'OBJECT' },
    dropped: ['additionalProperties', 'patternProperties', 'if', 'uniqueItems'],
  },
  {
    name: 'members named like keywords',
    schema: { type: 'object', properties: { $ref: { type: 'string' } } },
    wanted: { type: 'OBJECT', properties: { $ref: { type: 'STRING' } } },
  },
  { name: 'a reference to nowhere', schema: { $ref: '#/$defs/none' }, wanted: { type: 'OBJECT' }, dropped: ['$ref'] },
]

for (const { name, schema, wanted, dropped = [], adapted = [] } of ROWS) {
  test(`a schema is put into the vendor's own: ${name}`, () => {
    assert.deepEqual(compileSchema(schema, 'openapi'), { schema: wanted, dropped, adapted })
  })
}

test('a schema that holds itself is followed a few times, and the rest is reported', () => {
  const schema = {
    $ref: '#/$defs/node',
    $defs: {
      node: { type: 'object', properties: { left: { $ref: '#/$defs/node' }, right: { $ref: '#/$defs/node' } } },
    },
  }
  const { schema: out, dropped } = compileSchema(schema, 'openapi')
  assert.deepEqual(dropped, ['$ref'])
  assert.ok(!JSON.stringify(out).includes('$ref'))
  assert.ok(JSON.stringify(out).length < 10_000)
  assert.deepEqual(compileSchema(schema, 'json'), { schema, dropped: [], adapted: [] })
})

test('references that multiply stay within bounds', () => {
  const $defs: Record<string, unknown> = {}
  for (let i = 0; i < 40; i++) {
    const next = { $ref: `#/$defs/d${i + 1}` }
    $defs[`d${i}`] = { type: 'object', properties: { a: next, b: next } }
  }
  $defs['d40'] = { type: 'string' }
  const started = process.cpuUsage()
  const { dropped } = compileSchema({ $ref: '#/$defs/d0', $defs }, 'openapi')
  assert.ok(dropped.includes('size'))
  assert.ok(process.cpuUsage(started).user < 2_000_000)
})

test('in its JSON Schema references stay, and what it has no word for is reported', () => {
  const schema = {
    type: 'object',
    properties: { a: { $ref: '#/definitions/a' }, b: { const: 1 }, c: { type: 'string', pattern: '^a' } },
    additionalProperties: false,
    definitions: { a: { type: ['string', 'null'] } },
  }
  assert.deepEqual(compileSchema(schema, 'json'), {
    schema: {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' }, b: { enum: [1] }, c: { type: 'string' } },
      additionalProperties: false,
      $defs: { a: { type: ['string', 'null'] } },
    },
    dropped: ['pattern'],
    adapted: [],
  })
})

test("the vendor's own schemas come back as they were", () => {
  const leaf = fc.record(
    {
      type: fc.constantFrom('STRING', 'NUMBER', 'INTEGER', 'BOOLEAN'),
      description: fc.string(),
      nullable: fc.constant(true),
    },
    { requiredKeys: ['type'] },
  )
  const { node } = fc.letrec<{ node: JsonObject }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({ type: fc.constant('ARRAY'), items: tie('node') }),
      fc.record({
        type: fc.constant('OBJECT'),
        properties: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('node')),
      }),
    ),
  }))
  fc.assert(
    fc.property(node, (made) => {
      const schema: JsonObject = JSON.parse(JSON.stringify(made))
      assert.deepEqual(compileSchema(toJsonSchema(schema), 'openapi'), { schema, dropped: [], adapted: [] })
    }),
  )
})

test('any JSON at all is compiled without a fault, and both forms hold only what the vendor knows', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('openapi' as const, 'json' as const), (value, form) => {
      const { schema } = compileSchema({ type: 'object', properties: { a: value }, items: value }, form)
      assert.ok(isObject(schema))
    }),
  )
})
