import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Capabilities, DialectTraits } from '../dialects/dialect.ts'
import type { DialectName } from '../dialects/name.ts'
import { UNKNOWN } from '../models/capabilities.ts'
import { Inabilities } from './inabilities.ts'

interface Asked {
  readonly dialect?: DialectName
  readonly lacks?: Partial<Capabilities>
  readonly output?: DialectTraits['output']
  readonly hasMedia?: boolean
}

function isAsked(body: unknown, { dialect = 'openai-chat', lacks = {}, output, hasMedia = false }: Asked): boolean {
  const found = Inabilities.of(dialect, { ...UNKNOWN, ...lacks }, output)
  return found?.isAsked(Buffer.from(JSON.stringify(body)), hasMedia) === true
}

test('of a model of which nothing is known everything may be asked', () => {
  assert.equal(Inabilities.of('openai-chat', UNKNOWN, undefined), null)
  assert.equal(Inabilities.of('openai-chat', { ...UNKNOWN, vision: true, tools: true }, undefined), null)
})

test('pictures among what is counted as media are seen', () => {
  const body = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a/b' } }] }] }
  assert.equal(isAsked(body, { lacks: { vision: false }, hasMedia: true }), true)
  assert.equal(isAsked(body, { lacks: { vision: false }, hasMedia: false }), false)
  assert.equal(isAsked({ messages: [] }, { lacks: { vision: false }, hasMedia: true }), false)
})

test('tools are asked for by a list with something in it', () => {
  const lacks = { tools: false }
  assert.equal(isAsked({ tools: [{}] }, { lacks }), true)
  assert.equal(isAsked({ functions: [{}] }, { lacks }), true)
  assert.equal(isAsked({ tools: [] }, { lacks }), false)
  assert.equal(isAsked({ tools: null }, { lacks }), false)
  assert.equal(isAsked({ messages: [{ tools: [{}] }] }, { lacks }), false)
})

const schema = { type: 'json_schema', schema: {} }
const FORMS: readonly (readonly [dialect: DialectName, body: unknown, asks: 'schema' | 'json' | null])[] = [
  ['openai-chat', { response_format: { type: 'json_schema', json_schema: {} } }, 'schema'],
  ['openai-chat', { response_format: { type: 'json_object' } }, 'json'],
  ['openai-chat', { response_format: { type: 'text' } }, null],
  ['openai-responses', { text: { format: schema, verbosity: 'low' } }, 'schema'],
  ['openai-responses', { text: { verbosity: 'low' } }, null],
  ['anthropic-messages', { output_config: { format: schema } }, 'schema'],
  ['anthropic-messages', { output_format: schema }, 'schema'],
  ['anthropic-messages', { output_config: { effort: 'low' } }, null],
  ['gemini', { generationConfig: { responseMimeType: 'application/json', responseSchema: {} } }, 'schema'],
  ['gemini', { generation_config: { response_json_schema: {} } }, 'schema'],
  ['gemini', { generationConfig: { responseMimeType: 'application/json' } }, 'json'],
  ['gemini', { generationConfig: { responseMimeType: 'text/plain', temperature: 1 } }, null],
]

for (const [dialect, body, asks] of FORMS) {
  test(`${JSON.stringify(body)} asks for ${asks ?? 'no'} output of a form`, () => {
    assert.equal(isAsked(body, { dialect, lacks: { structuredOutput: 'none' } }), asks !== null)
    assert.equal(isAsked(body, { dialect, lacks: { structuredOutput: 'tool' } }), asks !== null)
    assert.equal(isAsked(body, { dialect, output: { schema: 'json', json: 'native' } }), asks === 'schema')
    assert.equal(isAsked(body, { dialect, lacks: { structuredOutput: 'native', vision: false } }), false)
  })
}
