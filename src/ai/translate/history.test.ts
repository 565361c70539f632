import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Losses } from '../ir/losses.ts'
import type { Message } from '../ir/request.ts'
import { withCallIds } from './call-ids.ts'
import { withPairedCalls } from './paired-calls.ts'
import { calls, NARROW, results, says, system, user } from './testing/requests.ts'
import { withLeadingInstructions, withTurns } from './turns.ts'

/** Roles, and for calls and results their ids: `assistant(a,b) tool(a,b)`. */
function shapeOf(messages: readonly Message[]): string {
  const ids = (message: Message) =>
    message.parts.flatMap((part) =>
      part.type === 'tool-call' ? [part.id] : part.type === 'tool-result' ? [part.callId] : [],
    )
  return messages
    .map((message) => `${message.role}${ids(message).length === 0 ? '' : `(${ids(message).join(',')})`}`)
    .join(' ')
}

test('results stand right behind their calls, all of one turn together, in the order of the calls', () => {
  const losses = new Losses()
  const rows: readonly (readonly [Message[], string])[] = [
    [[user('q'), calls('a', 'b'), results('b'), results('a'), user('next')], 'user assistant(a,b) tool(a,b) user'],
    [[calls('a'), user('wait'), results('a'), says('done')], 'assistant(a) tool(a) user assistant'],
    [[calls('a'), results('a'), calls('a'), results('a'), user('x')], 'assistant(a) tool(a) assistant(a) tool(a) user'],
  ]
  for (const [messages, expected] of rows) assert.equal(shapeOf(withPairedCalls(messages, losses)), expected)
  assert.equal(losses.fidelity, 'exact')
})

test('a call of a cancelled turn gets a result that says so', () => {
  const losses = new Losses()
  const repaired = withPairedCalls([calls('a', 'b'), results('a'), user('go on')], losses)
  assert.equal(shapeOf(repaired), 'assistant(a,b) tool(a,b) user')
  const result = repaired[1]?.parts[1]
  assert.ok(result?.type === 'tool-result' && result.isError && result.name === 'tool_b')
  assert.deepEqual(losses.adapted, ['messages[].tool_call'])
})

test('a result without a call becomes text of the user, and is reported', () => {
  const losses = new Losses()
  const repaired = withPairedCalls([user('q'), results('lost'), user('next')], losses)
  assert.equal(shapeOf(repaired), 'user user user')
  assert.match(JSON.stringify(repaired[1]), /result lost/)
  assert.deepEqual(losses.adapted, ['messages[].tool_result'])
})

test('calls at the end wait for the results that the client is about to send', () => {
  const losses = new Losses()
  assert.equal(shapeOf(withPairedCalls([user('q'), calls('a')], losses)), 'user assistant(a)')
  assert.equal(losses.fidelity, 'exact')
})

test('ids that a client uses again in another turn are told apart, with the results of each', () => {
  const losses = new Losses()
  const messages = withCallIds([calls('a'), results('a'), calls('a'), results('a')], null, losses)
  const ids = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : part.type === 'tool-result' ? [part.callId] : [])),
  )
  assert.equal(ids[0], 'a')
  assert.equal(ids[1], 'a')
  assert.notEqual(ids[2], 'a')
  assert.equal(ids[3], ids[2])
  assert.deepEqual(losses.adapted, ['messages[].tool_call.id'])
})

test('two calls of one turn with the same id keep their results in order', () => {
  const messages = withCallIds([calls('a', 'a'), results('a'), results('a')], null, new Losses())
  const [first, second] = messages[0]?.parts ?? []
  assert.ok(first?.type === 'tool-call' && second?.type === 'tool-call')
  assert.notEqual(first.id, second.id)
  const answered = messages.slice(1).map(({ parts }) => (parts[0]?.type === 'tool-result' ? parts[0].callId : ''))
  assert.deepEqual(answered, [first.id, second.id])
})

test('an id that the upstream does not take becomes one that it takes, the same in each request', () => {
  const strange = 'Call:1/ä'
  const once = withCallIds([calls(strange), results(strange)], NARROW.callId, new Losses())
  const again = withCallIds([calls(strange), results(strange)], NARROW.callId, new Losses())
  const id = once[0]?.parts[0]?.type === 'tool-call' ? once[0].parts[0].id : ''
  assert.match(id, /^[a-z0-9_]{1,40}$/)
  assert.deepEqual(once, again)
  assert.equal(shapeOf(once), `assistant(${id}) tool(${id})`)
})

test('instructions in the middle become marked text of the user; those in front stay what they are', () => {
  const losses = new Losses()
  const messages = withLeadingInstructions([system('a'), system('b'), user('q'), system('late')], losses)
  assert.equal(shapeOf(messages), 'system system user user')
  assert.match(JSON.stringify(messages[3]), /<system>\\nlate\\n<\/system>/)
  assert.deepEqual(losses.adapted, ['messages[].system'])
})

test('neighbours of one role are one turn, and nobody but the user begins', () => {
  const losses = new Losses()
  const rows: readonly (readonly [Message[], string])[] = [
    [[user('a'), user('b'), says('c'), says('d'), user('e')], 'user assistant user'],
    [[system('s'), user('a')], 'system user'],
    [[calls('a'), results('a'), results('b')], 'user assistant(a) tool(a,b)'],
  ]
  for (const [messages, expected] of rows) assert.equal(shapeOf(withTurns(messages, losses)), expected)
  const merged = withTurns([user('a'), user('b')], losses)[0]
  assert.deepEqual(
    merged?.parts.map((part) => (part.type === 'text' ? part.text : '')),
    ['a', 'b'],
  )
})
