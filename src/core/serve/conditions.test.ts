import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestHead } from '../http1/request-head.ts'
import { checkConditions, rangeHolds } from './conditions.ts'

const SECOND = 1_700_000_000
const date = (seconds: number) => new Date(seconds * 1000).toUTCString()
const FILE = { etag: '"a"', modified: SECOND }

function head(headers: Readonly<Record<string, string>>): RequestHead {
  const made = new RequestHead('GET', '/')
  for (const [name, value] of Object.entries(headers)) {
    made.names.push(name)
    made.values.push(value)
  }
  return made
}

test('conditions are asked in the order of RFC 9110, 13.2.2', () => {
  for (const [headers, verdict] of [
    [{}, 'go'],
    [{ 'if-match': '"a"' }, 'go'],
    [{ 'if-match': '"b", "a"' }, 'go'],
    [{ 'if-match': '*' }, 'go'],
    [{ 'if-match': '"b"' }, 'failed'],
    [{ 'if-match': 'W/"a"' }, 'failed'],
    [{ 'if-match': 'a' }, 'failed'],
    [{ 'if-none-match': '"a"' }, 'unchanged'],
    [{ 'if-none-match': 'W/"a"' }, 'unchanged'],
    [{ 'if-none-match': '"b" , W/"a"' }, 'unchanged'],
    [{ 'if-none-match': '*' }, 'unchanged'],
    [{ 'if-none-match': '"b"' }, 'go'],
    [{ 'if-none-match': '"x,"a",y"' }, 'go'],
    [{ 'if-modified-since': date(SECOND) }, 'unchanged'],
    [{ 'if-modified-since': date(SECOND + 1) }, 'unchanged'],
    [{ 'if-modified-since': date(SECOND - 1) }, 'go'],
    [{ 'if-modified-since': 'yesterday' }, 'go'],
    [{ 'if-unmodified-since': date(SECOND) }, 'go'],
    [{ 'if-unmodified-since': date(SECOND - 1) }, 'failed'],
    [{ 'if-unmodified-since': 'tomorrow' }, 'go'],
    // A tag makes the date beside it count for nothing
    [{ 'if-none-match': '"b"', 'if-modified-since': date(SECOND) }, 'go'],
    [{ 'if-none-match': '"a"', 'if-modified-since': date(SECOND - 1) }, 'unchanged'],
    [{ 'if-match': '"a"', 'if-unmodified-since': date(SECOND - 1) }, 'go'],
    // The first that fails decides
    [{ 'if-match': '"b"', 'if-none-match': '"a"' }, 'failed'],
    [{ 'if-match': '"a"', 'if-none-match': '"a"' }, 'unchanged'],
  ] as const) {
    assert.equal(checkConditions(head(headers), FILE), verdict, JSON.stringify(headers))
  }
  assert.equal(checkConditions(head({ 'if-match': 'W/"a"' }), { ...FILE, etag: 'W/"a"' }), 'failed')
})

test('a range holds for exactly the state that If-Range names', () => {
  for (const [value, holds] of [
    ['"a"', true],
    ['"b"', false],
    ['W/"a"', false],
    [date(SECOND), true],
    [date(SECOND + 1), false],
    [date(SECOND - 1), false],
    ['nonsense', false],
  ] as const) {
    assert.equal(rangeHolds(head({ 'if-range': value }), FILE), holds, value)
  }
  assert.equal(rangeHolds(head({}), FILE), true)
  assert.equal(rangeHolds(head({ 'if-range': 'W/"a"' }), { ...FILE, etag: 'W/"a"' }), false)
})
