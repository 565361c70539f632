import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExpiringValue } from './expiring.ts'

const HOUR = 3_600_000

function source() {
  const state = { now: 0, asked: 0, fail: false }
  const gate = { open: Promise.resolve() as Promise<void> }
  const value = new ExpiringValue(
    async () => {
      state.asked++
      const name = `token-${state.asked}`
      await gate.open
      if (state.fail) throw new Error('no token')
      return { value: name, expiresAt: state.now + HOUR }
    },
    () => state.now,
  )
  return { state, gate, value }
}

test('is fetched once for all who wait, and then given at once', async () => {
  const { state, value } = source()
  assert.deepEqual(await Promise.all([value.get(), value.get(), value.get()]), ['token-1', 'token-1', 'token-1'])
  assert.equal(value.get(), 'token-1')
  assert.equal(state.asked, 1)
})

test('is renewed before it expires, while the old one serves', async () => {
  const { state, value } = source()
  await value.get()
  state.now = HOUR - 200_000
  assert.equal(value.get(), 'token-1')
  assert.equal(state.asked, 2)
  await new Promise(setImmediate)
  assert.equal(value.get(), 'token-2')
})

test('is not given when it is about to expire: who asks waits for a new one', async () => {
  const { state, value } = source()
  await value.get()
  state.now = HOUR - 10_000
  assert.equal(await value.get(), 'token-2')
})

test('a source that fails is left alone for a while, and all hear why', async () => {
  const { state, value } = source()
  state.fail = true
  await assert.rejects(async () => await value.get(), /no token/)
  await assert.rejects(async () => await value.get(), /no token/)
  assert.equal(state.asked, 1)
  state.now += 2_000
  state.fail = false
  assert.equal(await value.get(), 'token-2')
})

test('a renewal that fails costs nobody the value that still serves', async () => {
  const { state, value } = source()
  await value.get()
  state.fail = true
  state.now = HOUR - 200_000
  assert.equal(value.get(), 'token-1')
  await new Promise(setImmediate)
  assert.equal(value.get(), 'token-1')
  assert.equal(state.asked, 2)
})
