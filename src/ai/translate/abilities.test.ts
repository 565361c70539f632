import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../core/index.ts'
import { FieldProblem } from '../ir/fields.ts'
import { Losses } from '../ir/losses.ts'
import type { UserPart } from '../ir/parts.ts'
import type { ModelRequest } from '../ir/request.ts'
import { type LoweringTarget, lower } from './lower.ts'
import { calls, capabilitiesOf, requestOf, user, WIDE } from './testing/requests.ts'

const PICTURE: UserPart = { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'aGk=' } }
const BLIND: LoweringTarget = {
  traits: WIDE,
  capabilities: { ...capabilitiesOf(), vision: false, tools: false, reasoning: 'none' },
  onUnsupported: 'warn',
}

function lowered(request: ModelRequest, target = BLIND): readonly [request: ModelRequest, losses: string] {
  const losses = new Losses()
  return [lower(request, target, losses).request, losses.header()]
}

test('pictures are left out, of results of tools too, and told', () => {
  const request = requestOf({
    messages: [
      { role: 'user', parts: [{ type: 'text', text: 'What is it?' }, PICTURE] },
      calls('a'),
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', isError: false, content: [PICTURE] }] },
      user('And now?'),
    ],
  })
  const [{ messages }, losses] = lowered(request)
  assert.equal(losses, 'lossy; dropped=messages[].image')
  assert.deepEqual(messages[0]?.parts, [{ type: 'text', text: 'What is it?' }])
  assert.ok(!JSON.stringify(messages).includes('aGk='))
})

test('a picture that is all that is asked is refused whatever is allowed, and any picture where that is wanted', () => {
  const alone = requestOf({ messages: [{ role: 'user', parts: [PICTURE] }] })
  assert.throws(() => lowered(alone), FieldProblem)
  const beside = requestOf({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'x' }, PICTURE] }] })
  const refused = (error: unknown) => error instanceof GatewayError && error.code === 'unsupported_parameter'
  assert.throws(() => lowered(beside, { ...BLIND, onUnsupported: 'reject' }), refused)
})

test('tools are left out with what chooses among them; those that the vendor runs stay', () => {
  const builtin = { type: 'builtin', kind: 'web-search', definition: { type: 'web_search' } } as const
  const request = requestOf({
    messages: [user('q')],
    tools: [{ type: 'function', name: 'f' }, builtin],
    toolChoice: { type: 'required' },
    parameters: { parallelToolCalls: false },
  })
  const [{ tools, toolChoice, parameters }, losses] = lowered(request)
  assert.deepEqual([tools, toolChoice, parameters.parallelToolCalls], [[builtin], undefined, undefined])
  assert.equal(losses, 'lossy; dropped=tools')
  assert.throws(() => lowered(request, { ...BLIND, onUnsupported: 'reject' }), GatewayError)
})

test('a model that cannot think is asked for none, which may be refused; that it shall not think is no demand', () => {
  const thinks = requestOf({ messages: [user('q')], parameters: { reasoning: { effort: 'high' } } })
  assert.equal(lowered(thinks)[1], 'lossy; dropped=reasoning')
  assert.throws(() => lowered(thinks, { ...BLIND, onUnsupported: 'reject' }), GatewayError)
  const rests = requestOf({ messages: [user('q')], parameters: { reasoning: { mode: 'disabled' } } })
  assert.equal(lowered(rests, { ...BLIND, onUnsupported: 'reject' })[1], 'exact')
})

const SCHEMA = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } as const

test('who can only ask for JSON is told the schema in words; without tools nothing else is left', () => {
  const output = { type: 'json-schema', name: 'answer', schema: SCHEMA } as const
  const told: LoweringTarget = { ...BLIND, traits: { ...WIDE, output: { schema: 'json', json: 'native' } } }
  const request = requestOf({ messages: [user('q')], parameters: { output } })
  const [{ messages, parameters }, losses] = lowered(request, told)
  assert.deepEqual([parameters.output, losses], [{ type: 'json' }, 'adapted; adapted=response_format'])
  assert.equal(messages[0]?.role, 'system')
  assert.ok(JSON.stringify(messages[0]).includes('required'))
  const list = requestOf({ messages: [user('q')], parameters: { output: { ...output, schema: { type: 'array' } } } })
  assert.throws(() => lowered(list, told), FieldProblem)
})
