import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../../core/index.ts'
import type { DialectName } from '../dialects/name.ts'
import { Losses } from '../ir/losses.ts'
import { RefusedMembers } from './refused-members.ts'

const REFUSES = new Set(['temperature', 'logprobs', 'reasoning', 'stop'])

/** The body as it goes on, and what is told of it. */
function leaveOut(dialect: DialectName, text: string, refuses = REFUSES): [text: string, header: string] {
  const losses = new Losses()
  const body = RefusedMembers.of(dialect, refuses, 'leave-out')?.apply(Buffer.from(text), losses)
  assert.ok(body instanceof Buffer)
  return [body.toString(), losses.header()]
}

test('takes out what the model refuses, by the names of the dialect, and leaves every other byte', () => {
  assert.deepEqual(leaveOut('openai-chat', '{ "model":"x", "temperature": 0.2,"seed":1.0, "top_logprobs":2 }'), [
    '{ "model":"x", "seed":1.0}',
    'lossy; dropped=temperature,top_logprobs',
  ])
  assert.deepEqual(leaveOut('anthropic-messages', '{"stop_sequences":["a"],"thinking":{"type":"enabled"},"x":1}'), [
    '{"x":1}',
    'lossy; dropped=thinking,stop_sequences',
  ])
})

test('finds parameters within other members, and leaves what stands beside them', () => {
  const gemini = '{"contents":[], "generationConfig": { "temperature": 0.2, "topK":3 , "thinkingConfig":{"a":[1]} }}'
  assert.deepEqual(leaveOut('gemini', gemini), [
    '{"contents":[], "generationConfig": { "topK":3 }}',
    'lossy; dropped=generationConfig.temperature,generationConfig.thinkingConfig',
  ])
  assert.deepEqual(leaveOut('gemini', '{"generation_config":{"stop_sequences":["é"],"seed":1}}'), [
    '{"generation_config":{"seed":1}}',
    'lossy; dropped=generation_config.stop_sequences',
  ])
  const kept = '{"temperature":1,"contents":[{"generationConfig":{"temperature":1}}]}'
  assert.deepEqual(leaveOut('gemini', kept), [kept, 'exact'])
  const text = new Set(['verbosity', 'response_format', 'reasoning'])
  const responses =
    '{"text":{"verbosity":"low","format":{"type":"text"},"x":1},"reasoning":{"effort":"low"},"input":""}'
  assert.deepEqual(leaveOut('openai-responses', responses, text), [
    '{"text":{"x":1},"input":""}',
    'lossy; dropped=text.verbosity,text.format,reasoning',
  ])
  assert.deepEqual(leaveOut('anthropic-messages', '{"output_config":{"effort":"low","a":1}}'), [
    '{"output_config":{"a":1}}',
    'lossy; dropped=output_config.effort',
  ])
  for (const odd of ['{"generationConfig":null}', '{"generationConfig":[]}', '{"generationConfig":"x"}']) {
    assert.deepEqual(leaveOut('gemini', odd), [odd, 'exact'])
  }
})

test('leaves alone what has none of them, or has them deeper', () => {
  const text = '{"messages":[{"temperature":1,"content":"\\"temperature\\":1"}]}'
  assert.deepEqual(leaveOut('openai-chat', text), [text, 'exact'])
})

test('null asks for nothing: it goes without a report', () => {
  assert.deepEqual(leaveOut('openai-chat', '{"temperature":null,"n":1}'), ['{"n":1}', 'exact'])
})

test('refuses such a body where the operator wants it told', () => {
  const refused = RefusedMembers.of('openai-chat', REFUSES, 'reject')
  const apply = (text: string) => refused?.apply(Buffer.from(text), new Losses())
  const error = apply('{"temperature":1}')
  assert.ok(error instanceof GatewayError)
  assert.deepEqual([error.code, error.param], ['unsupported_parameter', 'temperature'])
  assert.ok(apply('{"temperature":null}') instanceof Buffer)
  assert.ok(apply('{"seed":1}') instanceof Buffer)
  const nested = RefusedMembers.of('gemini', REFUSES, 'reject')?.apply(
    Buffer.from('{"generationConfig":{"stopSequences":["a"]}}'),
    new Losses(),
  )
  assert.ok(nested instanceof GatewayError)
  assert.equal(nested.param, 'generationConfig.stopSequences')
})

test('what is left is the same document without the refused members, whatever stands around them', () => {
  const value = fc.jsonValue({ maxDepth: 2 })
  const names = fc.constantFrom('temperature', 'stop', 'seed', 'n', 'messages', 'reasoning_effort')
  fc.assert(
    fc.property(fc.dictionary(names, value), (document) => {
      const [text] = leaveOut('openai-chat', JSON.stringify(document))
      const expected = Object.entries(document).filter(
        ([name]) => !['temperature', 'stop', 'reasoning_effort'].includes(name),
      )
      // A JSON text has no negative zero of its own.
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(Object.fromEntries(expected))))
    }),
  )
})
