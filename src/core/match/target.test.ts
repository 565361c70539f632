import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { DEFAULT_HEAD_LIMITS } from '../http1/head-limits.ts'
import { hasEncodedSlash, splitTarget } from './target.ts'

test('splits a target at its first question mark', () => {
  const rows = [
    ['/', '/', ''],
    ['/a/b', '/a/b', ''],
    ['/a?', '/a', ''],
    ['/a?b=c', '/a', 'b=c'],
    ['/a?b?c', '/a', 'b?c'],
    ['/a?..//;%2e', '/a', '..//;%2e'],
    ['/a/', '/a/', ''],
    ['/a.b/.c/..d/...', '/a.b/.c/..d/...', ''],
    ['/.well-known/x', '/.well-known/x', ''],
    ['/a%20b%2Fc', '/a%20b%2Fc', ''],
    ['/a:b@c+d~e', '/a:b@c+d~e', ''],
  ] as const
  for (const [url, path, query] of rows) assert.deepEqual(splitTarget(url), { path, query }, url)
})

test('encodes raw bytes in a query, which no request may carry on, and refuses a fragment', () => {
  assert.deepEqual(splitTarget('/a?b=\u00e9\u00a0 "'), { path: '/a', query: 'b=%E9%A0%20"' })
  assert.deepEqual(splitTarget('/a?__proto__=\u007f'), { path: '/a', query: '__proto__=%7F' })
  const refused = splitTarget('/a?b#c')
  assert.ok(refused instanceof GatewayError)
  assert.equal(refused.code, 'invalid_target')
})

test('refuses what can be read in two ways', () => {
  const urls = [
    '',
    '*',
    'a',
    '?a',
    'http://localhost/a',
    'HTTPS://localhost/a',
    'localhost:80',
    '//a',
    '/a//b',
    '/.',
    '/..',
    '/./a',
    '/a/..',
    '/a/../b',
    '/a/.',
    '/a/..;x/b',
    '/a;b',
    '/a/%2e/b',
    '/a/%2E%2e',
    '/a/.%2e/b',
    '/a%2ejson',
    '/a%00',
    '/a%25',
    '/a%252f',
    '/a%5c',
    '/a%5C..%5Cb',
    '/a\\b',
    '/a#b',
    '/a b',
    '/a\tb',
    '/a\u0000',
    '/a\u007f',
    '/ä',
  ]
  for (const url of urls) {
    const target = splitTarget(url)
    assert.ok(target instanceof GatewayError, JSON.stringify(url))
    assert.equal(target.code, 'invalid_target', url)
  }
})

test('takes a target of the longest length and not beyond it', () => {
  const longest = `/${'a'.repeat(DEFAULT_HEAD_LIMITS.lineBytes - 1)}`
  assert.deepEqual(splitTarget(longest), { path: longest, query: '' })
  const beyond = splitTarget(`${longest}a`)
  assert.ok(beyond instanceof GatewayError)
  assert.equal(beyond.status, 414)
})

test('any path that is taken is the one that a URL parser would give', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%',
    'a',
    ';',
    '\\',
    '%5c',
    '?',
    '#',
    '@',
    ':',
    '*',
    '%00',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const target = splitTarget(`/${pieces.join('')}`)
      if (target instanceof GatewayError) return
      assert.equal(new URL(`http://localhost${target.path}`).pathname, target.path)
    }),
    { numRuns: 2_000 },
  )
})

test('tells an encoded slash in either case', () => {
  assert.equal(hasEncodedSlash('/a%2fb'), true)
  assert.equal(hasEncodedSlash('/a%2Fb'), true)
  assert.equal(hasEncodedSlash('/a/b%20'), false)
})
