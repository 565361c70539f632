import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { guard } from '../../../test/request-path/guarded.ts'
import { AuthMemory } from './auth-memory.ts'

/** A hash that is cheap to check; real ones are made by `hashPassword`. */
function cheapHash(password: string, log2 = 4): string {
  const salt = Buffer.from('a salt of 16 byt')
  const hash = scryptSync(password.normalize('NFC'), salt, 32, { N: 2 ** log2, r: 8, p: 1, maxmem: 2 ** 28 })
  return `scrypt:${log2}:8:1:${salt.toString('base64url')}:${hash.toString('base64url')}`
}

const basic = (text: string, scheme = 'Basic') => ({
  authorization: `${scheme} ${Buffer.from(text).toString('base64')}`,
})
const USERS = { alice: cheapHash('open: sesame'), jürgen: cheapHash('größe'), 'with space': cheapHash('') }

test('lets users in by their password, and keeps it from the upstream', async (t) => {
  const guarded = await guard(t, { auth: { basic: { realm: 'The "inner" room', users: USERS } } })
  const rows = [
    [basic('alice:open: sesame'), 'basic:alice'],
    [basic('alice:open: sesame', 'bAsIc'), 'basic:alice'],
    [basic('jürgen:größe'.normalize('NFC')), 'basic:jürgen'],
    [basic('jürgen:größe'.normalize('NFD')), 'basic:jürgen'],
    [basic('with space:'), 'basic:with space'],
  ] as const
  for (const [headers, id] of rows) {
    const answer = await guarded.get({ ...headers, 'x-else': 'kept' })
    assert.equal(await answer.text(), 'passed', id)
    assert.equal(guarded.lastPrincipal(), id)
    assert.equal(guarded.passed.at(-1)?.authorization, undefined)
    assert.equal(guarded.passed.at(-1)?.['x-else'], 'kept')
  }
})

test('asks for the password of a realm, with one answer for every mistake', async (t) => {
  const guarded = await guard(t, { auth: { basic: { realm: 'The "inner" room', users: USERS } } })
  const encoded = Buffer.from('alice:open: sesame').toString('base64')
  const rows: readonly Readonly<Record<string, string>>[] = [
    basic('alice:wrong'),
    basic('alice:'),
    basic('alice'),
    basic(':'),
    basic('bob:open: sesame'),
    basic('Alice:open: sesame'),
    basic('alice:open: sesame '),
    basic('alice:open: sesame\0'),
    basic('__proto__:open: sesame'),
    { authorization: `Bearer ${encoded}` },
    { authorization: `Basic ${encoded}!` },
    { authorization: `Basic ${encoded.slice(0, -1)}` },
    { authorization: `Basic ${encoded}, Basic ${encoded}` },
    { authorization: `Basic${encoded}` },
    { authorization: 'Basic' },
    { authorization: '' },
    { authorization: `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}` },
    basic(`alice:${'x'.repeat(2_000)}`),
  ]
  for (const headers of rows) {
    const answer = await guarded.get(headers)
    assert.equal(answer.status, 401, JSON.stringify(headers))
    assert.equal(answer.headers.get('www-authenticate'), 'Basic realm="The \\"inner\\" room", charset="UTF-8"')
    assert.equal(Object(await answer.json()).message, 'The user name or the password is not right.')
    assert.equal(guarded.lastPrincipal(), null)
  }
  for (const second of [basic('alice:open: sesame'), basic('alice:wrong')]) {
    const twice = ['authorization', basic('alice:open: sesame').authorization, 'authorization', second.authorization]
    const asked = request(`${guarded.edge.url}/guarded`, { headers: ['host', 'x', ...twice] }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage] // as node:http says
    assert.ok(answer.statusCode === 401 || answer.statusCode === 400, `${answer.statusCode}`)
    answer.resume()
  }
  const none = await guarded.get({ 'x-api-key': 'secret-of-a' })
  assert.deepEqual([none.status, Object(await none.json()).code], [401, 'unauthorized'])
  assert.deepEqual(guarded.passed, [])
})

test('a password that was right is not checked again for a while, a wrong one each time', async (t) => {
  // About a third of a second of work.
  const guarded = await guard(t, { auth: { basic: { users: { alice: cheapHash('slow', 16) } } } })
  const timed = async (headers: Readonly<Record<string, string>>) => {
    const before = performance.now()
    const { status } = await guarded.get(headers)
    return { status, ms: performance.now() - before }
  }
  const first = await timed(basic('alice:slow'))
  const again = await timed(basic('alice:slow'))
  const wrong = await timed(basic('alice:slaw'))
  const unknown = await timed(basic('nobody:slow'))
  assert.deepEqual([first.status, again.status, wrong.status, unknown.status], [200, 200, 401, 401])
  assert.ok(again.ms < first.ms / 2, `${again.ms} of ${first.ms} ms`)
  assert.ok(wrong.ms > again.ms * 2 && unknown.ms > again.ms * 2, 'also a user who does not exist takes the time')
})

test('many requests at once: the same password is checked once, and of different ones only so many wait', async (t) => {
  const guarded = await guard(t, { auth: { basic: { users: { alice: cheapHash('slow', 13) } } } })
  const same = await Promise.all(Array.from({ length: 100 }, async () => await guarded.get(basic('alice:slow'))))
  assert.deepEqual(new Set(same.map(({ status }) => status)), new Set([200]))
  const guesses = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => await guarded.get(basic(`alice:guess ${at}`))),
  )
  const of = (status: number) => guesses.filter((answer) => answer.status === status)
  assert.equal(of(401).length + of(503).length, 60)
  assert.ok(of(401).length >= 34 && of(503).length > 0, `${of(401).length} were checked`)
  assert.equal(of(503)[0]?.headers.get('retry-after'), '1')
  assert.equal((await guarded.get(basic('alice:slow'))).status, 200)
})

test('a reload knows the passwords that were right, unless the users have changed', async (t) => {
  const memory = new AuthMemory()
  const users = { alice: cheapHash('one') }
  const first = await guard(t, { auth: { basic: { users } } }, memory)
  assert.equal((await first.get(basic('alice:one'))).status, 200)
  const same = await guard(t, { auth: { basic: { realm: 'other', users } } }, memory)
  const changed = await guard(t, { auth: { basic: { users: { alice: cheapHash('two') } } } }, memory)
  assert.equal((await same.get(basic('alice:one'))).status, 200)
  assert.deepEqual(
    [(await changed.get(basic('alice:one'))).status, (await changed.get(basic('alice:two'))).status],
    [401, 200],
  )
  assert.equal(memory.passwords.size, 2)
})

test('a hash that would take too much memory is refused when the configuration is loaded', async (t) => {
  const salt = 'YSBzYWx0IG9mIDE2IGJ5dA'
  for (const cost of ['20:8:1', '14:0:1', '14:8:99', '0:8:1']) {
    const users = { alice: `scrypt:${cost}:${salt}:${'A'.repeat(43)}` }
    await assert.rejects(guard(t, { auth: { basic: { users } } }), /scrypt takes up to 256 MiB/, cost)
  }
})
