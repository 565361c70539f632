import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Coding, readAcceptEncoding } from './accept-encoding.ts'

const ALL: readonly Coding[] = ['zstd', 'br', 'gzip']

test('weights decide first, then the order of the configuration', () => {
  for (const [value, codings, plain] of [
    ['gzip', 'gzip', 'allowed'],
    ['gzip, deflate, br, zstd', 'zstd br gzip', 'allowed'],
    ['GZIP;Q=1', 'gzip', 'allowed'],
    ['x-gzip', 'gzip', 'allowed'],
    ['gzip;q=1.0, br;q=0.9, *;q=0.1', 'gzip br zstd', 'allowed'],
    ['*', 'zstd br gzip', 'allowed'],
    ['*;q=0', '', 'refused'],
    ['*;q=0, gzip', 'gzip', 'refused'],
    ['*;q=0, identity', '', 'allowed'],
    ['identity;q=0, gzip;q=0.1', 'gzip', 'refused'],
    ['gzip;q=0', '', 'allowed'],
    ['gzip;q=0.000', '', 'allowed'],
    ['identity;q=1, gzip;q=0.5', '', 'allowed'],
    ['gzip; foo=bar; q=0.5, br ; q = 0.6', 'br gzip', 'allowed'],
    // What is not understood is not sent
    ['gzip;q=2', '', 'allowed'],
    ['gzip;q=0.1234', '', 'allowed'],
    ['gzip;q=', '', 'allowed'],
    ['gzip;q=-1', '', 'allowed'],
    ['', '', 'allowed'],
    [', ,', '', 'allowed'],
    ['sdch, deflate', '', 'allowed'],
  ] as const) {
    const accepted = readAcceptEncoding(value, ALL)
    assert.deepEqual([accepted.codings.join(' '), accepted.plain], [codings, plain], value)
  }
})

const weight = fc.option(
  fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000),
  { nil: null },
)
const name = fc.constantFrom('gzip', 'br', 'zstd', 'identity', '*', 'deflate')

test('nothing is chosen that the client refused, and nothing before what it wants more', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, weight), { selector: ([coding]) => coding }), (members) => {
      const value = members.map(([coding, q]) => (q === null ? coding : `${coding};q=${q}`)).join(', ')
      const weights = new Map(members.map(([coding, q]) => [coding, q ?? 1]))
      const of = (coding: (typeof members)[number][0]) => weights.get(coding) ?? weights.get('*') ?? 0
      const { codings, plain } = readAcceptEncoding(value, ALL)
      for (const coding of codings) assert.ok(of(coding) > 0)
      for (const coding of codings) assert.ok(of(coding) >= (weights.get('identity') ?? 0))
      for (const [at, coding] of codings.entries()) if (at > 0) assert.ok(of(codings[at - 1] ?? coding) >= of(coding))
      const plainRefused = weights.get('identity') === 0 || (!weights.has('identity') && weights.get('*') === 0)
      assert.equal(plain, plainRefused ? 'refused' : 'allowed')
    }),
  )
})

test('no text makes it fail', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { codings } = readAcceptEncoding(text, ALL)
      assert.equal(new Set(codings).size, codings.length)
    }),
  )
})
