import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AUDIENCE, claimsOf, ISSUER, type IssuerKey, issuerKey, tokenOf } from '../../../test/request-path/issuer.ts'
import { GatewayError } from '../../core/index.ts'
import { KeySet } from './key-set.ts'
import { readKeys, TokenVerifier } from './token-verifier.ts'

const OLD = await issuerKey('old')
const NEW = await issuerKey('new')
const RULES = { issuer: ISSUER, audience: [AUDIENCE], algorithms: ['ES256'], claims: {}, clockSkewMs: 1_000 }

/** A verifier whose key set has the keys that the test says, under a clock of the test. */
function setUp(...first: readonly IssuerKey[]) {
  const state = { keys: first, ms: 0, asked: 0 }
  const source = async () => {
    state.asked++
    const text = JSON.stringify({ keys: state.keys.map(({ publicJwk }) => publicJwk) })
    return await Promise.resolve({ text, lifetimeMs: 600_000 })
  }
  const keySet = new KeySet(source, {
    parse: readKeys,
    now: () => state.ms,
    onFailure: (error) => assert.fail(String(error)),
  })
  const verifier = new TokenVerifier(RULES, keySet)
  const verdictOf = async (token: string) => {
    const verdict = await verifier.verify(token)
    return verdict instanceof GatewayError ? verdict.status : verdict.id
  }
  return { state, verifier, keySet, verdictOf }
}

test('takes a new key as soon as somebody uses it, and drops one that was withdrawn with all that it signed', async () => {
  const { state, verifier, verdictOf, keySet } = setUp(OLD)
  const oldToken = await tokenOf(OLD)
  const newToken = await tokenOf(NEW)
  assert.equal(await verdictOf(oldToken), 'jwt:robot')
  state.keys = [OLD, NEW]
  assert.equal(await verdictOf(newToken), 401, 'its server was asked a moment ago')
  state.ms += 30_000
  assert.equal(await verdictOf(newToken), 'jwt:robot')
  assert.equal(state.asked, 2)
  assert.equal(await verdictOf(oldToken), 'jwt:robot')
  assert.equal(verifier.known(oldToken, Date.now())?.id, 'jwt:robot')
  state.keys = [NEW]
  state.ms += 600_000
  await keySet.current()
  assert.equal(verifier.known(oldToken, Date.now()), null)
  assert.equal(await verdictOf(oldToken), 401)
  assert.equal(await verdictOf(newToken), 'jwt:robot')
})

test('a token that names no key is good by any key of the set, and by none of its other claims alone', async () => {
  const { verdictOf } = setUp(OLD, NEW)
  for (const key of [OLD, NEW]) {
    assert.equal(await verdictOf(await tokenOf(key, claimsOf(), { kid: undefined })), 'jwt:robot')
    assert.equal(await verdictOf(await tokenOf(key, claimsOf({ aud: 'another' }), { kid: undefined })), 401)
  }
  const stranger = await issuerKey('stranger')
  assert.equal(await verdictOf(await tokenOf(stranger, claimsOf(), { kid: undefined })), 401)
})

test('what is known of a token ends with it', async () => {
  const { verifier, verdictOf } = setUp(OLD)
  const exp = Math.floor(Date.now() / 1_000) + 60
  const token = await tokenOf(OLD, claimsOf({ exp }))
  assert.equal(verifier.known(token, Date.now()), null)
  assert.equal(await verdictOf(token), 'jwt:robot')
  assert.equal(verifier.known(token, exp * 1_000 + 999)?.id, 'jwt:robot')
  assert.equal(verifier.known(token, exp * 1_000 + 1_000), null)
  assert.equal(verifier.known(`${token}x`, Date.now()), null)
})

test('does not verify what no header could hold', async () => {
  const { verdictOf, state } = setUp(OLD)
  const [head = '', , signature = ''] = (await tokenOf(OLD)).split('.')
  assert.equal(await verdictOf(`${head}.${'A'.repeat(16_384)}.${signature}`), 401)
  assert.equal(await verdictOf(`${head}.${'A'.repeat(1_048_576)}.${signature}`), 401)
  assert.equal(state.asked, 0)
})

test('a name that is too long for records is none', async () => {
  const { verdictOf } = setUp(OLD)
  assert.equal(await verdictOf(await tokenOf(OLD, claimsOf({ sub: 'x'.repeat(256) }))), `jwt:${'x'.repeat(256)}`)
  assert.equal(await verdictOf(await tokenOf(OLD, claimsOf({ sub: 'x'.repeat(257) }))), 401)
})

test('any text is a refused token and never a fault; no change of a good one passes', async () => {
  const { verdictOf } = setUp(OLD)
  const good = await tokenOf(OLD)
  const part = fc.oneof(
    fc.constantFrom(...good.split('.')),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc.base64String(),
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.array(part, { minLength: 1, maxLength: 4 })), async (text) => {
      const token = Array.isArray(text) ? text.join('.') : text
      if (token !== good) assert.equal(await verdictOf(token), 401)
    }),
    { numRuns: 500 },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_'),
      async (at, char) => {
        const token = good.slice(0, at) + char + good.slice(at + 1)
        const bytes = (each: string) =>
          each
            .split('.')
            .map((one) => Buffer.from(one, 'base64url').toString('hex'))
            .join('.')
        // The last character of a part has bits that mean nothing.
        if (bytes(token) !== bytes(good)) assert.equal(await verdictOf(token), 401)
      },
    ),
    { numRuns: 300 },
  )
})
