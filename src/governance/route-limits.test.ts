import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { guard } from '../../test/request-path/guarded.ts'
import { documentFrom } from '../config/index.ts'
import { parseAddress } from '../core/index.ts'
import { addressIdentity, routeLimitSlots } from './route-limits.ts'

const limit = (by: string, burst: number) => ({ by, requests_per_minute: 1, burst })

test('a route is limited by what its rules say, each caller alone', async (t) => {
  const rows = [
    ['header:X-Tenant', { 'x-tenant': 'one' }, { 'x-tenant': 'two' }],
    ['header:x-tenant', {}, { 'x-tenant': 'two' }],
    ['key', { 'x-api-key': 'secret-of-a' }, { 'x-api-key': 'secret-of-limited' }],
  ] as const
  for (const [by, one, other] of rows) {
    const auth = by === 'key' ? { auth: { keys: {} } } : {}
    const { get } = await guard(t, { ...auth, rate_limits: [limit(by, 2)] })
    const statuses = []
    for (const headers of [one, one, one, other, one, other, other]) statuses.push((await get(headers)).status)
    assert.deepEqual(statuses, [200, 200, 429, 200, 429, 200, 429], by)
  }
})

test('all together, or all of an address, are limited whoever they are', async (t) => {
  for (const by of ['route', 'address']) {
    const { get } = await guard(t, { rate_limits: [limit(by, 2)] })
    const answers = [await get(), await get({ 'x-forwarded-for': '1.2.3.4' }), await get({ 'x-real-ip': '1.2.3.4' })]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 429],
    )
    const refused = answers[2]
    const seconds = Number(refused?.headers.get('retry-after'))
    assert.ok(seconds > 50 && seconds <= 60, `${seconds} s`)
    assert.equal(Object(await refused?.json()).code, 'rate_limit_exceeded')
  }
})

test('every limit of a route must hold', async (t) => {
  const { get } = await guard(t, { rate_limits: [limit('header:x-a', 3), limit('header:x-a', 2), limit('route', 3)] })
  const statuses = []
  for (const name of ['a', 'a', 'a', 'b', 'c']) statuses.push((await get({ 'x-a': name })).status)
  assert.deepEqual(statuses, [200, 200, 429, 200, 429])
})

test('A6 the limit by address slows down who guesses; the others are not used up by who is refused', async (t) => {
  const early = await guard(t, { auth: { keys: {} }, rate_limits: [limit('address', 3)] })
  const statuses = []
  for (const key of ['x', 'y', 'z', 'secret-of-a']) statuses.push((await early.get({ 'x-api-key': key })).status)
  assert.deepEqual(statuses, [401, 401, 401, 429])
  const late = await guard(t, { auth: { keys: {} }, rate_limits: [limit('route', 1), limit('header:x-t', 1)] })
  for (const key of ['x', 'y']) assert.equal((await late.get({ 'x-api-key': key })).status, 401)
  assert.equal((await late.get({ 'x-api-key': 'secret-of-a' })).status, 200)
})

test('a limit by key needs somebody who is named', async (t) => {
  const forward = { forward: { url: 'http://127.0.0.1:1/' } }
  for (const auth of [undefined, forward]) {
    const route = { ...(auth === undefined ? {} : { auth }), rate_limits: [limit('key', 1)] }
    await assert.rejects(guard(t, route), /rate_limits\[0\]\.by: `key` needs `auth`/)
  }
})

test('slots have names that last, and no two limits have the same', async () => {
  const route = (numbers: number) => ({
    id: 'r',
    respond: {},
    rate_limits: ['route', 'address', 'header:a', 'route'].map((by) => ({ by, requests_per_minute: numbers })),
  })
  const slots = async (numbers: number) => {
    const [config] = (await documentFrom({ routes: [route(numbers)] })).routes
    return config === undefined ? [] : routeLimitSlots(config)
  }
  assert.deepEqual(await slots(1), await slots(2))
  const names = (await slots(1)).map(({ name }) => name)
  assert.equal(new Set(names).size, 4)
  assert.deepEqual(
    (await slots(1)).map(({ cells }) => cells > 1),
    [false, true, true, false],
  )
})

test('an IPv4 address counts alone however it is written, an IPv6 address with its /64', () => {
  const rows = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:0a00:0001', '10.0.0.1'],
    ['0:0:0:0:0:ffff:a00:1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:DB8:0:0:ffff::2', '2001:db8:0:0'],
    ['2001:0db8:0000:0000:1:2:3:4', '2001:db8:0:0'],
    ['2001:db8:0:1::', '2001:db8:0:1'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['64:ff9b::10.0.0.1', '64:ff9b:0:0'],
    ['::', '0:0:0:0'],
    ['', ''],
  ] as const
  for (const [text, expected] of rows) assert.equal(addressIdentity(text), expected, text)
})

test('two IPv6 addresses count together exactly when they share their first 64 bits', () => {
  const networkOf = (text: string) => {
    const value = parseAddress(text)?.value ?? 0n
    return value >> 32n === 0xffffn ? value : value >> 64n
  }
  const near = fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([text, group]) => {
    const groups = (parseAddress(text)?.value ?? 0n) - ((parseAddress(text)?.value ?? 0n) & 0xffffn) + BigInt(group)
    return groups.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':') ?? text
  })
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), near), fc.oneof(fc.ipV6(), near), (one, other) => {
      assert.equal(addressIdentity(one) === addressIdentity(other), networkOf(one) === networkOf(other))
      if (!isIPv4(addressIdentity(one))) assert.equal(addressIdentity(one).split(':').length, 4)
    }),
    { numRuns: 1_000 },
  )
})
