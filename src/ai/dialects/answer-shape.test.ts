import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Losses, leftOver } from '../ir/losses.ts'
import { byType, type Reading, reportUnread } from './answer-shape.ts'

function unread(value: Parameters<typeof reportUnread>[0], reading: Reading): readonly string[] {
  const losses = new Losses()
  reportUnread(value, reading, losses)
  return losses.dropped
}

suite('what a decoder does not read of an answer', () => {
  test('is reported by its path, once for all items of a list', () => {
    const shape: Reading = { id: 'read', parts: [{ text: 'read', note: 'kept', time: 'ran' }] }
    const part = { text: 'a', note: 1, time: 2, new: 3 }
    assert.deepEqual(unread({ id: 'i', parts: [part, part], more: { a: 1 } }, shape), ['parts[].new', 'more'])
  })

  test('is not reported where it says nothing', () => {
    const value = { none: null, empty: '', zero: 0, off: false, list: [], object: {} }
    assert.deepEqual(unread(value, {}), [])
  })

  test('is looked up by the kind of a thing, whose other members may be kept', () => {
    const shape: Reading = { items: [byType({ known: { type: 'read', '*': 'kept' } }, 'lost')] }
    assert.deepEqual(unread({ items: [{ type: 'known', a: 1 }] }, shape), [])
    assert.deepEqual(unread({ items: [{ type: 'new', a: 1 }] }, shape), ['items[]'])
  })
})

suite('what is left of a thing whose other members arrived', () => {
  test('is named, and not the whole thing', () => {
    const losses = new Losses()
    const rest = { output_config: leftOver({ task_budget: 1 }), container: { id: 'c' } }
    losses.dropAll('', rest)
    assert.deepEqual(losses.dropped, ['output_config.task_budget', 'container'])
  })

  test('is named without the members that were told all the same', () => {
    const losses = new Losses()
    const details = leftOver({ type: 'refusal', explanation: 'why', category: 'c' }, new Set(['type', 'explanation']))
    losses.dropAll('', { stop_details: details })
    assert.deepEqual(losses.dropped, ['stop_details.category'])
  })
})
