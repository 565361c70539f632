import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRequest, Parameters } from '../ir/request.ts'
import { withinOpenAI, withShortUser } from './openai-limits.ts'

function within(asked: Partial<ModelRequest>): { readonly request: ModelRequest; readonly losses: Losses } {
  const losses = new Losses()
  const dialect = 'anthropic-messages' as const
  const plain: ModelRequest = { dialect, model: 'm', messages: [], tools: [], parameters: {}, stream: false }
  return { request: withinOpenAI(withShortUser({ ...plain, ...asked }, losses), losses), losses }
}

function schema(properties: JsonObject, required: readonly string[]): JsonObject {
  return { type: 'object', properties, required, additionalProperties: false }
}

const PERSON = { name: { type: 'string' }, age: { type: 'integer' } }

suite('a request of another dialect for OpenAI', () => {
  test('names a user whose name is too long by its digest, the same each time', () => {
    const user = `user_${'a'.repeat(140)}`
    const [one, other] = [within({ parameters: { user } }), within({ parameters: { user } })]
    assert.match(one.request.parameters.user ?? '', /^[0-9a-f]{64}$/)
    assert.equal(one.request.parameters.user, other.request.parameters.user)
    assert.deepEqual(one.losses.adapted, ['user'])
    assert.equal(within({ parameters: { user: 'short' } }).request.parameters.user, 'short')
  })

  test('is not held to a schema that the vendor cannot hold a model to', () => {
    const asked = (of: JsonObject): Parameters => {
      return { output: { type: 'json-schema', name: 'n', schema: of, strict: true } }
    }
    const open = within({ parameters: asked(schema(PERSON, ['name'])) })
    assert.equal(open.request.parameters.output?.type === 'json-schema' && open.request.parameters.output.strict, false)
    assert.deepEqual(open.losses.dropped, ['response_format.strict'])
    assert.equal(within({ parameters: asked(schema(PERSON, ['name', 'age'])) }).losses.header(), 'exact')
  })

  test('calls tools freely whose schemas have optional members, maps, or none at all', () => {
    for (const parameters of [schema(PERSON, ['name']), { type: 'object', properties: {} }, undefined]) {
      const { request, losses } = within({ tools: [{ type: 'function', name: 't', parameters, strict: true }] })
      assert.deepEqual(losses.dropped, ['tools[].strict'])
      assert.equal(request.tools[0]?.type === 'function' && request.tools[0].strict, false)
    }
    const nested = schema({ list: { type: 'array', items: schema(PERSON, ['name', 'age']) } }, ['list'])
    assert.equal(
      within({ tools: [{ type: 'function', name: 't', parameters: nested, strict: true }] }).losses.header(),
      'exact',
    )
  })

  test('of its own clients stays as it is: they know the limits', () => {
    const user = 'u'.repeat(100)
    assert.equal(within({ dialect: 'openai-chat', parameters: { user } }).request.parameters.user, user)
  })
})
