import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../core/index.ts'
import type { ModelAnswer, StreamEvent } from '../ir/answer.ts'
import { AnswerAssembler } from '../ir/assemble.ts'
import { eventsOf } from '../ir/disassemble.ts'
import { FieldProblem } from '../ir/fields.ts'
import { Losses } from '../ir/losses.ts'
import type { AssistantPart } from '../ir/parts.ts'
import type { ModelRequest, Tool } from '../ir/request.ts'
import { type LoweringTarget, lower } from './lower.ts'
import { EventRaiser, raiseAnswer } from './raise.ts'
import { OUTPUT_TOOL } from './structured-output.ts'
import { calls, capabilitiesOf, NARROW, requestOf, results, user, WIDE } from './testing/requests.ts'

const NARROW_TARGET: LoweringTarget = { traits: NARROW, capabilities: capabilitiesOf(), onUnsupported: 'warn' }
const WIDE_TARGET: LoweringTarget = { ...NARROW_TARGET, traits: WIDE }
const tool = (name: string): Tool => ({ type: 'function', name, parameters: { type: 'object' } })

function answerOf(
  parts: readonly AssistantPart[],
  reason: 'end' | 'tool-calls' | 'length' = 'tool-calls',
): ModelAnswer {
  return { dialect: 'openai-chat', choices: [{ index: 0, parts, stop: { reason } }] }
}

/** What a client assembles of the raised stream of an answer. */
function streamed(answer: ModelAnswer, undo: ReturnType<typeof lower>['undo']): ModelAnswer {
  const raiser = new EventRaiser(undo)
  const assembler = new AnswerAssembler(answer.dialect)
  for (const event of eventsOf(answer)) raiser.push(event, (raised: StreamEvent) => assembler.push(raised))
  const assembled = assembler.answer()
  assert.ok(assembled !== null && 'choices' in assembled)
  return assembled
}

/** Raises an answer whole and streamed: both must be the same. */
function raised(request: ModelRequest, target: LoweringTarget, answer: ModelAnswer): ModelAnswer {
  const { undo } = lower(request, target, new Losses())
  const whole = raiseAnswer(answer, undo)
  assert.deepEqual(
    streamed(answer, undo).choices,
    whole.choices.map((choice) => ({ ...choice, logprobs: undefined })),
  )
  return whole
}

test('what a dialect can say goes through as it is, without a loss', () => {
  const losses = new Losses()
  const request = requestOf({
    messages: [user('q'), calls('a'), results('a')],
    tools: [tool('any name at all'), { type: 'custom', name: 'free' }],
    parameters: { choices: 3, temperature: 0.5 },
  })
  assert.deepEqual(lower(request, WIDE_TARGET, losses).request, { ...request, toolChoice: undefined })
  assert.equal(losses.fidelity, 'exact')
})

test('names of tools that the upstream does not take are replaced everywhere, and put back in the answer', () => {
  const losses = new Losses()
  const name = 'mcp__Server.tool/with-a-very-long-name'
  const request = requestOf({
    messages: [
      user('q'),
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name, arguments: '{}' }] },
      results('a'),
    ],
    tools: [tool(name), tool('short')],
    toolChoice: { type: 'tool', name },
  })
  const lowered = lower(request, NARROW_TARGET, losses).request
  const [first, second] = lowered.tools
  assert.ok(first?.type === 'function' && second?.type === 'function')
  assert.match(first.name, /^[a-z_][a-z0-9_]{0,23}$/i)
  assert.equal(second.name, 'short')
  assert.deepEqual(lowered.toolChoice, { type: 'tool', name: first.name })
  assert.deepEqual(losses.adapted, ['tools[].name'])
  const answer = answerOf([{ type: 'tool-call', id: 'b', name: first.name, arguments: '{"x":1}' }])
  const part = raised(request, NARROW_TARGET, answer).choices[0]?.parts[0]
  assert.ok(part?.type === 'tool-call' && part.name === name)
})

test('names that differ only in what is replaced stay different', () => {
  const lowered = lower(
    requestOf({ tools: [tool('a.b'), tool('a/b'), tool('a b')] }),
    NARROW_TARGET,
    new Losses(),
  ).request
  const names = lowered.tools.map((item) => (item.type === 'function' ? item.name : ''))
  assert.equal(new Set(names).size, 3)
})

test('a tool that takes free text becomes a function with one text, and its calls are free text again', () => {
  const request = requestOf({ tools: [{ type: 'custom', name: 'patch', description: 'Applies a patch.' }] })
  const losses = new Losses()
  const [made] = lower(request, NARROW_TARGET, losses).request.tools
  assert.ok(made?.type === 'function' && made.parameters?.['required'] !== undefined)
  assert.deepEqual(losses.adapted, ['tools[].custom'])
  const answer = answerOf([{ type: 'tool-call', id: 'b', name: 'patch', arguments: '{"input":"*** a\\n\\"b\\""}' }])
  const part = raised(request, NARROW_TARGET, answer).choices[0]?.parts[0]
  assert.deepEqual(part, { type: 'tool-call', id: 'b', name: 'patch', arguments: '*** a\n"b"', custom: true })
})

test('structured output that a model has not is asked for by a tool, and is text again in the answer', () => {
  const output = { type: 'json-schema', name: 'person', schema: { type: 'object', properties: {} } } as const
  const request = requestOf({ parameters: { output } })
  const target = { ...NARROW_TARGET, traits: WIDE, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  const losses = new Losses()
  const lowered = lower(request, target, losses).request
  assert.deepEqual(lowered.toolChoice, { type: 'tool', name: OUTPUT_TOOL })
  assert.equal(lowered.parameters.output, undefined)
  assert.deepEqual(losses.adapted, ['response_format'])
  const answer = answerOf([{ type: 'tool-call', id: 'b', name: OUTPUT_TOOL, arguments: '{"name":"Ada"}' }])
  const [choice] = raised(request, target, answer).choices
  assert.deepEqual(choice?.parts, [{ type: 'text', text: '{"name":"Ada"}' }])
  assert.equal(choice?.stop.reason, 'end')
})

test('beside tools of the client the model must call one of all, and a real call stays a call', () => {
  const request = requestOf({
    tools: [tool('search')],
    parameters: { output: { type: 'json-schema', name: 'n', schema: { type: 'object' } } },
  })
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  assert.deepEqual(lower(request, target, new Losses()).request.toolChoice, { type: 'required' })
  const answer = answerOf([{ type: 'tool-call', id: 'b', name: 'search', arguments: '{}' }])
  assert.equal(raised(request, target, answer).choices[0]?.stop.reason, 'tool-calls')
})

test('a model that thinks is not forced to call', () => {
  const request = requestOf({ parameters: { output: { type: 'json' }, reasoning: { effort: 'high' } } })
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  assert.deepEqual(lower(request, target, new Losses()).request.toolChoice, { type: 'auto' })
})

test('an output that is no object travels in one, and comes back alone', () => {
  const output = { type: 'json-schema', name: 'list', schema: { type: 'array', items: { type: 'integer' } } } as const
  const request = requestOf({ parameters: { output } })
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  const answer = answerOf([
    { type: 'tool-call', id: 'b', name: OUTPUT_TOOL, arguments: '{"output":[1,9007199254740993]}' },
  ])
  assert.deepEqual(raised(request, target, answer).choices[0]?.parts, [{ type: 'text', text: '[1,9007199254740993]' }])
})

test('an output that the model cut short is shown as far as it came, with why it stopped', () => {
  const output = { type: 'json-schema', name: 'list', schema: { type: 'array' } } as const
  const request = requestOf({ parameters: { output } })
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  const answer = answerOf([{ type: 'tool-call', id: 'b', name: OUTPUT_TOOL, arguments: '{"output":[1,' }], 'length')
  const [choice] = raised(request, target, answer).choices
  assert.deepEqual([choice?.parts[0], choice?.stop.reason], [{ type: 'text', text: '{"output":[1,' }, 'length'])
})

test('what must not be left out in silence is refused, with the name of the member', () => {
  const none = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'none' }) }
  const refusing = {
    ...WIDE_TARGET,
    onUnsupported: 'reject',
    capabilities: capabilitiesOf({ refuses: new Set(['seed']) }),
  } as const
  const rows: readonly (readonly [ModelRequest, LoweringTarget, string])[] = [
    [requestOf({ parameters: { choices: 2 } }), NARROW_TARGET, 'n'],
    [requestOf({ parameters: { output: { type: 'json' } } }), none, 'response_format'],
    [requestOf({ parameters: { seed: 1 } }), refusing, 'seed'],
  ]
  for (const [request, target, param] of rows) {
    assert.throws(
      () => lower(request, target, new Losses()),
      (error) => (error instanceof FieldProblem || error instanceof GatewayError) && error.param === param,
    )
  }
})

test('parameters that the model refuses are left out, and reported', () => {
  const losses = new Losses()
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ refuses: new Set(['temperature', 'top_k']) }) }
  const { request } = lower(requestOf({ parameters: { temperature: 1, topP: 0.5, topK: 4 } }), target, losses)
  assert.deepEqual(request.parameters, { topP: 0.5 })
  assert.deepEqual(losses.dropped.toSorted(), ['temperature', 'top_k'])
})

test('sealed thoughts go back to the family that made them, and to no other', () => {
  const thought: AssistantPart = { type: 'reasoning', text: 'hm', signature: { family: 'anthropic', value: 'sig' } }
  const request = requestOf({
    messages: [user('q'), { role: 'assistant', parts: [thought, { type: 'text', text: 'a' }] }],
  })
  const partsFor = (target: LoweringTarget, losses = new Losses()) => [
    lower(request, target, losses).request.messages[1]?.parts,
    losses.dropped,
  ]
  const checks = { ...WIDE, checksSeals: true }
  const own = { ...WIDE_TARGET, traits: checks, capabilities: capabilitiesOf({ family: 'anthropic' }) }
  const foreign = { ...own, capabilities: capabilitiesOf({ family: 'gemini' }) }
  assert.deepEqual(partsFor(own), [[thought, { type: 'text', text: 'a' }], []])
  assert.deepEqual(partsFor(foreign), [[{ type: 'text', text: 'a' }], ['messages[].reasoning']])
  const [kept, dropped] = partsFor({ ...WIDE_TARGET, capabilities: capabilitiesOf({ family: 'other' }) })
  assert.match(JSON.stringify(kept), /"hm"/)
  assert.doesNotMatch(JSON.stringify(kept), /sig/)
  assert.deepEqual(dropped, ['messages[].reasoning.signature'])
})

test('what a schema points to is still there when the output travels in an object of ours', () => {
  const schema = {
    $ref: '#/$defs/Node',
    $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, any: { $ref: '#' } } } },
  }
  const request = requestOf({ parameters: { output: { type: 'json-schema', name: 'n', schema } } })
  const target = { ...WIDE_TARGET, capabilities: capabilitiesOf({ structuredOutput: 'tool' }) }
  const [tool] = lower(request, target, new Losses()).request.tools
  assert.deepEqual(tool?.type === 'function' && tool.parameters, {
    type: 'object',
    properties: { output: { $ref: '#/$defs/Node' } },
    required: ['output'],
    additionalProperties: false,
    $defs: {
      Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, any: { $ref: '#/properties/output' } } },
    },
  })
})
