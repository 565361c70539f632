import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hints, type Schema, valueFor } from './schema-value.ts'

const hints = (more: Partial<Hints> = {}): Hints => ({ texts: [], numbers: [], answer: '', ...more })

const CASES: readonly (readonly [name: string, schema: Schema, value: unknown, more?: Partial<Hints>])[] = [
  ['no schema', {}, 'example'],
  [
    'required members only',
    { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] },
    { a: 'example a' },
  ],
  ['nothing required', { type: 'object', properties: { a: {} } }, {}],
  ['a required member that is not described', { type: 'object', required: ['a'] }, { a: 'example a' }],
  ['const', { const: 5 }, 5],
  ['enum', { enum: ['x', 'y'] }, 'x'],
  ['enum that was mentioned', { enum: ['x', 'y'] }, 'y', { texts: ['Y'] }],
  ['default', { type: 'integer', default: 7 }, 7],
  ['integer within its range', { type: 'integer', minimum: 3, maximum: 5 }, 5, { numbers: [9.5] }],
  ['exclusive bounds', { type: 'integer', exclusiveMinimum: 3 }, 4],
  ['multiple', { type: 'integer', minimum: 3, multipleOf: 5 }, 5],
  ['number', { type: 'number' }, 2.5, { numbers: [2.5] }],
  ['null', { type: 'null' }, null],
  ['type or null', { type: ['null', 'boolean'] }, true],
  ['array of so many', { type: 'array', items: { type: 'boolean' }, minItems: 2 }, [true, true]],
  ['array of none', { type: 'array', items: {}, maxItems: 0 }, []],
  ['text of a length', { type: 'string', minLength: 9, maxLength: 9 }, 'example..'],
  ['format', { type: 'string', format: 'date' }, '2026-01-02'],
  ['reference', { $ref: '#/$defs/a', $defs: { a: { type: 'integer' } } }, 1],
  ['reference that leads nowhere', { $ref: '#/$defs/b' }, 'example'],
  ['reference to itself', { $ref: '#' }, 'example'],
  ['anyOf prefers what is not null', { anyOf: [{ type: 'null' }, { type: 'boolean' }] }, true],
  [
    'allOf',
    { allOf: [{ type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] }, { required: ['b'] }] },
    { a: true, b: 'example b' },
  ],
  [
    'answers where an answer belongs',
    { type: 'object', properties: { summary: {} }, required: ['summary'] },
    { summary: 'yes' },
    { answer: 'yes' },
  ],
]
for (const [name, schema, value, more] of CASES) {
  test(`makes a value for a schema: ${name}`, () => {
    assert.deepEqual(valueFor(schema, hints(more)), value)
  })
}

test('a schema without end makes a value of bounded depth', () => {
  const node: Schema = {
    type: 'object',
    properties: { next: { $ref: '#' }, list: { type: 'array', items: { $ref: '#' } } },
    required: ['next', 'list'],
  }
  const wide: Schema = { type: 'array', items: { $ref: '#' }, minItems: 20 }
  assert.ok(JSON.stringify(valueFor(wide, hints())).length < 1_000_000)
  assert.ok(JSON.stringify(valueFor({ allOf: [{ $ref: '#' }, { $ref: '#' }] }, hints())).length < 100)
  assert.ok(JSON.stringify(valueFor(node, hints())).length < 1_000_000)
})

test('no schema makes it throw', () => {
  const word = fc.constantFrom(
    'type',
    'properties',
    'required',
    'items',
    'enum',
    '$ref',
    'anyOf',
    'allOf',
    'minItems',
    '__proto__',
  )
  const { schema } = fc.letrec((tie) => ({
    schema: fc.dictionary(
      word,
      fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('object', 'array', '#', '#/anyOf/0', 1, null),
        tie('schema'),
        fc.array(tie('schema'), { maxLength: 3 }),
      ),
    ),
  }))
  fc.assert(
    fc.property(schema, (value) => {
      JSON.stringify(valueFor(value as Schema, hints()))
    }),
    { numRuns: 300 },
  )
})
