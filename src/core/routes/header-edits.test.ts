import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { compileHeaderEdits } from './header-edits.ts'

const NONE = { set: {}, add: {}, remove: [] }
const x = offlineExchange({ method: 'GET', headers: ['X-From', 'caf\u00e9'] })

function edited(rules: Partial<typeof NONE>, headers: string[]): string[] {
  compileHeaderEdits({ ...NONE, ...rules })?.(x, headers)
  return headers
}

test('nothing to do is nothing', () => {
  assert.equal(compileHeaderEdits(NONE), null)
})

test('set replaces every line of a name, add leaves them, remove takes them all, whatever the case of the rule', () => {
  const before = () => ['a', '1', 'b', '2', 'a', '3', 'c', '4']
  assert.deepEqual(edited({ set: { A: 'x' } }, before()), ['b', '2', 'c', '4', 'a', 'x'])
  assert.deepEqual(edited({ add: { A: 'x' } }, before()), [...before(), 'a', 'x'])
  const remove: string[] = ['A', 'C']
  assert.deepEqual(edited({ ...NONE, remove: remove as never[] }, before()), ['b', '2']) // the rules' list is empty by its type
  assert.deepEqual(edited({ set: { d: '{method}' } }, []), ['d', 'GET'])
})

test('a placeholder that there is none of is refused when the rule is compiled', () => {
  assert.throws(() => compileHeaderEdits({ ...NONE, set: { a: '{nothing}' } }), RangeError)
})

test('a value never has characters that would end its line', () => {
  assert.deepEqual(edited({ set: { a: '\u0100{method}\r\nb: c\u0000' } }, []), ['a', '?GET??b: c?'])
  assert.deepEqual(edited({ set: { b: '{header.x-from}' } }, []), ['b', 'caf\u00e9'])
})
