import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderDefaultDocument } from './default-source.ts'
import { renderReference } from './documentation.ts'
import { type JsonSchema, jsonSchema, renderJsonSchema } from './json-schema.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('has its JSON Schema, its reference and its defaults in the repository as the schema makes them', () => {
  assert.equal(read('src/config/default-document.ts'), renderDefaultDocument())
  assert.equal(read('config/schema.json'), renderJsonSchema())
  assert.equal(read('docs/configuration.md'), renderReference())
})

/** Every key of the schema with its own schema, at every depth. */
function keysOf(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const inner = [...Object.entries(schema.properties ?? {}).map(([name, value]) => [`${path}.${name}`, value] as const)]
  const below = [schema.items, schema.additionalProperties].filter((value) => typeof value === 'object')
  return [
    ...inner.flatMap(([name, value]): [string, JsonSchema][] => [[name, value], ...keysOf(value, name)]),
    ...below.flatMap((value) => keysOf(value, `${path}[]`)),
  ]
}

test('describes every key, and lets no mapping take keys that it does not name', () => {
  const keys = keysOf(jsonSchema(), '')
  assert.ok(keys.length > 80, String(keys.length))
  for (const [path, schema] of keys) {
    assert.ok((schema.description ?? '').length > 10, `${path} has no description`)
    if (schema.properties !== undefined) assert.equal(schema.additionalProperties, false, path)
  }
})

test('resolves every reference of the JSON Schema within it', () => {
  const schema = jsonSchema()
  const names = [...renderJsonSchema().matchAll(/"\$ref": "#\/\$defs\/([\w-]+)"/g)].map(([, name = '']) => name)
  assert.ok(names.length > 30)
  for (const name of names) assert.ok(schema.$defs?.[name], name)
})
