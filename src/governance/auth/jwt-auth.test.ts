import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SignJWT } from 'jose'
import { type Guarded, guard } from '../../../test/request-path/guarded.ts'
import { AUDIENCE, claimsOf, ISSUER, issuerKey, startKeyServer, tokenOf } from '../../../test/request-path/issuer.ts'
import { AuthMemory } from './auth-memory.ts'

const ES = await issuerKey('es')
const RS = await issuerKey('rs', 'RS256')
const PS = await issuerKey('ps', 'PS256')
const STRANGER = await issuerKey('es')

const now = () => Math.floor(Date.now() / 1_000)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function guardWithTokens(t: TestContext, differences: object = {}) {
  const server = await startKeyServer(t, ES, RS, PS)
  const guarded = await guard(t, {
    auth: { jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_url: server.url, ...differences } },
  })
  return { server, guarded }
}

async function refused(guarded: Guarded, token: string, what: string): Promise<void> {
  const before = guarded.passed.length
  const answer = await guarded.get(bearer(token))
  assert.equal(answer.status, 401, what)
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"', what)
  assert.equal(guarded.passed.length, before, what)
}

test('lets in whom a valid token names, and asks for the keys once', async (t) => {
  const { guarded, server } = await guardWithTokens(t)
  const tokens = [
    await tokenOf(ES),
    await tokenOf(RS, claimsOf({ sub: 'person', aud: ['other', AUDIENCE] })),
    await tokenOf(ES, claimsOf({ sub: 'late', exp: now() - 5, nbf: now() + 5 })),
  ]
  for (const [at, id] of ['jwt:robot', 'jwt:person', 'jwt:late'].entries()) {
    for (const _ of [1, 2]) {
      const answer = await guarded.get(bearer(tokens[at] ?? ''))
      assert.equal(answer.status, 200, id)
      assert.equal(guarded.lastPrincipal(), id)
      assert.equal(guarded.passed.at(-1)?.authorization, `Bearer ${tokens[at]}`, 'the upstream may read the claims')
    }
  }
  assert.equal(server.asked, 1)
  const answers = await Promise.all(
    Array.from(
      { length: 50 },
      async (_, at) => await guarded.get(bearer(await tokenOf(ES, claimsOf({ jti: `${at}` })))),
    ),
  )
  assert.ok(answers.every(({ status }) => status === 200))
})

test('a token must have all scopes, in whichever form its issuer writes them', async (t) => {
  const { guarded } = await guardWithTokens(t, { scopes: ['orders:read', 'orders:write'] })
  const answerTo = async (claims: object) => await guarded.get(bearer(await tokenOf(ES, claimsOf({ ...claims }))))
  for (const said of ['orders:write x orders:read', ['orders:read', 'orders:write']]) {
    assert.equal((await answerTo({ scope: said })).status, 200)
    assert.equal((await answerTo({ scp: said })).status, 200)
  }
  const before = guarded.passed.length
  const rows = [
    {},
    { scope: 'orders:read' },
    { scope: 'orders:read orders:writer' },
    { scope: 7 },
    { scp: ['orders:read'] },
  ]
  for (const claims of rows) {
    const answer = await answerTo(claims)
    assert.equal(answer.status, 403, JSON.stringify(claims))
    const challenge = 'Bearer error="insufficient_scope", scope="orders:read orders:write"'
    assert.equal(answer.headers.get('www-authenticate'), challenge)
  }
  assert.equal(guarded.passed.length, before)
})

// Row A19 of the reliability list.
test('A19 refuses every token that is not what it must be', async (t) => {
  const { guarded, server } = await guardWithTokens(t, { claims: { role: 'staff' } })
  const staff = (differences: object = {}) => claimsOf({ role: 'staff', ...differences })
  assert.equal((await guarded.get(bearer(await tokenOf(ES, staff())))).status, 200)
  const listed = await guarded.get(bearer(await tokenOf(ES, staff({ role: ['guest', 'staff'] }))))
  assert.equal(listed.status, 200, 'a list that has it')
  const good = await tokenOf(ES, staff())
  const [head = '', payload = '', signature = ''] = good.split('.')
  const hmacWith = (secret: string, kid: string) => {
    const signed = `${part({ alg: 'HS256', kid })}.${part(staff())}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const rows: readonly (readonly [what: string, token: string])[] = [
    ['alg none', `${part({ alg: 'none' })}.${part(staff())}.`],
    ['alg none with a signature', `${part({ alg: 'none' })}.${part(staff())}.${signature}`],
    ['alg NoNe', `${part({ alg: 'NoNe' })}.${part(staff())}.${signature}`],
    ['HS256 with the public key as PEM', hmacWith(RS.publicPem, 'rs')],
    ['HS256 with the public key as JWK', hmacWith(JSON.stringify(RS.publicJwk), 'rs')],
    ['HS256 with nothing', hmacWith('', 'rs')],
    ['an algorithm that the route does not take', await tokenOf(PS, staff())],
    ["another's signature under our key's name", await tokenOf(STRANGER, staff())],
    ['a key of another algorithm', await tokenOf(ES, staff(), { kid: 'rs' })],
    ['a key that brings itself', await tokenOf(STRANGER, staff(), { jwk: STRANGER.publicJwk })],
    ['a key set that the token names', await tokenOf(STRANGER, staff(), { kid: 'es', jku: server.url })],
    ['a certificate that the token names', await tokenOf(STRANGER, staff(), { kid: 'es', x5u: server.url })],
    ['a kid that is a path', await tokenOf(ES, staff(), { kid: '../../../../dev/null' })],
    ['a kid that is a URL', await tokenOf(ES, staff(), { kid: server.url })],
    ['a kid that is a property', await tokenOf(ES, staff(), { kid: '__proto__' })],
    ['another audience', await tokenOf(ES, staff({ aud: 'another-api' }))],
    ['no audience', await tokenOf(ES, staff({ aud: undefined }))],
    ['another issuer', await tokenOf(ES, staff({ iss: 'https://issuer.test' }))],
    ['no issuer', await tokenOf(ES, staff({ iss: undefined }))],
    ['expired', await tokenOf(ES, staff({ exp: now() - 60 }))],
    ['no end', await tokenOf(ES, staff({ exp: undefined }))],
    ['not yet valid', await tokenOf(ES, staff({ nbf: now() + 60 }))],
    ['nobody', await tokenOf(ES, staff({ sub: undefined }))],
    ['an empty name', await tokenOf(ES, staff({ sub: '' }))],
    ['another claim', await tokenOf(ES, claimsOf({ role: 'guest' }))],
    ['a list without the claim', await tokenOf(ES, claimsOf({ role: ['staffing', 'x staff', ['staff']] }))],
    ['a claim among other words', await tokenOf(ES, claimsOf({ role: 'guest staff' }))],
    ['without the claim', await tokenOf(ES, claimsOf())],
    ['a changed payload', `${head}.${part(staff({ sub: 'root' }))}.${signature}`],
    ['a changed signature', `${head}.${payload}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`],
    ['a fourth part', `${good}.x`],
    [
      'an unknown critical extension',
      await tokenOf(ES, staff(), { crit: ['x'], x: 1 }).catch(() => `${head}.${payload}.`),
    ],
    ['no token', 'x'],
  ]
  for (const [what, token] of rows) await refused(guarded, token, what)
  const long = await guarded.get(bearer(`${head}.${'A'.repeat(1_048_576)}.${signature}`)).catch(() => null)
  assert.ok(long === null || long.status === 431, 'a token of 1 MiB')
  assert.equal((await guarded.get(bearer(good))).status, 200, 'after all that')
  assert.equal(server.asked, 1, 'no token makes the gateway ask anybody within half a minute')
})

test('an expired token says so, a missing one asks for one', async (t) => {
  const { guarded } = await guardWithTokens(t)
  const expired = await guarded.get(bearer(await tokenOf(ES, claimsOf({ exp: now() - 60 }))))
  assert.equal(Object(await expired.json()).message, 'The token has expired; get a new one.')
  const rows: readonly (readonly [headers: Readonly<Record<string, string>>, challenge: string])[] = [
    [{}, 'Bearer realm="ferro"'],
    [{ authorization: 'Basic eDp5' }, 'Bearer error="invalid_request"'],
    [{ authorization: 'Bearer' }, 'Bearer error="invalid_request"'],
    [{ authorization: `Bearer ${await tokenOf(ES)} x` }, 'Bearer error="invalid_request"'],
    [{ cookie: `token=${await tokenOf(ES)}` }, 'Bearer realm="ferro"'],
  ]
  for (const [headers, challenge] of rows) {
    const answer = await guarded.get(headers)
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, challenge])
  }
})

test('a token may come in a header of its own', async (t) => {
  const { guarded } = await guardWithTokens(t, { header: 'X-Id-Token' })
  assert.equal((await guarded.get({ 'x-id-token': await tokenOf(ES) })).status, 200)
  assert.equal((await guarded.get(bearer(await tokenOf(ES)))).status, 401)
})

test('a key set in a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-jwks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'keys.json')
  const auth = { jwt: { issuer: ISSUER, audience: [AUDIENCE], jwks_file: file } }
  await assert.rejects(guard(t, { auth }), /ENOENT/)
  writeFileSync(file, JSON.stringify({ keys: [ES.publicJwk] }))
  const guarded = await guard(t, { auth })
  assert.equal((await guarded.get(bearer(await tokenOf(ES)))).status, 200)
  await refused(guarded, await tokenOf(RS), 'a key that is not in the file')
})

test('a reload asks nobody for keys that are known', async (t) => {
  const server = await startKeyServer(t, ES)
  const memory = new AuthMemory()
  const auth = { jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_url: server.url } }
  const before = await guard(t, { auth }, memory)
  assert.equal((await before.get(bearer(await tokenOf(ES)))).status, 200)
  server.serve = (_req, res) => res.writeHead(500).end()
  const after = await guard(t, { auth: { jwt: { ...auth.jwt, claims: { role: 'staff' } } } }, memory)
  assert.equal((await after.get(bearer(await tokenOf(ES, claimsOf({ role: 'staff' }))))).status, 200)
  await refused(after, await tokenOf(ES), 'what the route asks for now')
  assert.equal(server.asked, 1)
})

test('nobody passes while the keys cannot be had, whatever the server does instead', async (t) => {
  const { server } = await guardWithTokens(t)
  const token = await tokenOf(ES)
  const secret = await new SignJWT(claimsOf()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32))
  const elsewhere = await startKeyServer(t, ES)
  const answers: Readonly<Record<string, NonNullable<typeof server.serve>>> = {
    'an error': (_req, res) => res.writeHead(500).end(JSON.stringify({ keys: [ES.publicJwk] })),
    'a redirect': (_req, res) => {
      res.writeHead(302, { location: elsewhere.url }).end(JSON.stringify({ keys: [ES.publicJwk] }))
    },
    'a page': (_req, res) => res.end('<h1>Log in</h1>'),
    'another JSON': (_req, res) => res.end('{"keys":"none"}'),
    null: (_req, res) => res.end('null'),
    'too much': (_req, res) => res.end(`{"keys":[],"more":"${'x'.repeat(1_100_000)}"}`),
    'too many keys': (_req, res) => res.end(JSON.stringify({ keys: Array(300).fill(ES.publicJwk) })),
    'a closed connection': (req) => req.socket.destroy(),
  }
  for (const [what, serve] of Object.entries(answers)) {
    const broken = await startKeyServer(t)
    broken.serve = serve
    const guarded = await guard(t, { auth: { jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_url: broken.url } } })
    for (const each of [token, secret]) {
      const answer = await guarded.get(bearer(each))
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], what)
      assert.ok(!(await answer.text()).includes(broken.url), 'where the keys are is nobody’s business')
    }
    assert.equal(guarded.warnings.length, 1, what)
    assert.deepEqual(guarded.passed, [])
  }
  assert.equal(elsewhere.asked, 0, 'a redirect is not followed')
})
