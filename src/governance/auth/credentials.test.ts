import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readBasic, readBearer } from './credentials.ts'
import { checkPassword, hashPassword, parsePasswordHash } from './password-hash.ts'

test('reads every name and password that a client can send, and nothing else', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !/\p{Cc}/u.test(value))
  const name = text.filter((value) => !value.includes(':') && value.isWellFormed())
  fc.assert(
    fc.property(
      name,
      text.filter((value) => value.isWellFormed()),
      (user, password) => {
        const value = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
        assert.deepEqual(readBasic(value), { name: user.normalize('NFC'), password: password.normalize('NFC') })
      },
    ),
  )
})

test('any header is credentials or none, and never a fault', () => {
  const noise = fc.oneof(
    fc.string(),
    fc.base64String().map((value) => `Basic ${value}`),
    fc.uint8Array().map((bytes) => `basic ${Buffer.from(bytes).toString('base64')}`),
  )
  fc.assert(
    fc.property(noise, (value) => {
      const found = readBasic(value)
      if (found !== null) assert.ok(!/\p{Cc}/u.test(found.name + found.password) && !found.name.includes(':'))
      const token = readBearer(value)
      if (token !== null) assert.ok(/^bearer +\S+$/i.test(value) && value.endsWith(token))
    }),
    { numRuns: 2_000 },
  )
})

test('a hash that was made is right for its password alone', async () => {
  const text = await hashPassword('größe'.normalize('NFD'))
  assert.match(text, /^scrypt:14:8:5:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}$/)
  assert.notEqual(await hashPassword('größe'), text, 'each has a salt of its own')
  const hash = parsePasswordHash(text)
  const matches = async (password: string) =>
    await new Promise<boolean>((resolve) => checkPassword(password, hash, resolve))
  assert.deepEqual(await Promise.all(['größe', 'grösse', 'größe ', ''].map(matches)), [true, false, false, false])
})
