import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Losses } from '../../ir/losses.ts'
import { geminiClient } from './index.ts'

const model = (...parts: object[]) => ({ role: 'model', parts })
const call = { functionCall: { name: 'now', args: {} }, thoughtSignature: 'c2lnLTE=' }
const result = { role: 'user', parts: [{ functionResponse: { name: 'now', response: { hour: 3 } } }] }

function messagesOf(...answer: object[]) {
  const contents = [{ role: 'user', parts: [{ text: 'Now?' }] }, ...answer, result]
  const context = { model: 'm', stream: false, losses: new Losses() }
  return geminiClient.decodeRequest({ contents }, context).messages
}

test('an answer that comes back in the chunks of its stream is one turn: its call is right before the result', () => {
  const answer = [
    model({ text: 'Hm', thought: true }),
    model({ text: '.', thought: true }),
    model({ text: 'I ' }),
    model({ text: 'look.' }),
    model(call),
    model({ text: '' }),
  ]
  const messages = messagesOf(...answer)
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['user', 'assistant', 'tool'],
  )
  assert.deepEqual(
    messages[1]?.parts.map((part) => [part.type, 'text' in part ? part.text : '']),
    [
      ['reasoning', 'Hm.'],
      ['text', 'I look.'],
      ['tool-call', ''],
    ],
  )
})

test('pieces that are sealed, and the parts of one content, stay as they are', () => {
  const sealed = { text: 'a', thoughtSignature: 'c2lnLTI=' }
  const [, answer] = messagesOf(model(sealed), model({ text: 'b' }, { text: 'c' }))
  assert.equal(answer?.parts.length, 2)
  const [, one] = messagesOf(model({ text: 'b' }, { text: 'c' }))
  assert.equal(one?.parts.length, 2)
})
