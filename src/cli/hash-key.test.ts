import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { COMPILE_CACHE } from '../../test/harness/compile-cache.ts'
import { generateKey, hashKey } from './hash-key.ts'

const RUN = `const { hashKeyCommand } = await import(process.env.MODULE)
await hashKeyCommand().parseAsync(process.argv.slice(1), { from: 'user' })`

function run(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', RUN, '--', ...args],
    { env: { MODULE: new URL('./hash-key.ts', import.meta.url).href, ...COMPILE_CACHE }, input, encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

// FIPS 180-2, example B.1: SHA-256 of "abc".
const HASH_OF_ABC = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

test('hashes a key from the argument or from standard input, without the line break', () => {
  for (const { stdout, status } of [run(['abc']), run([], 'abc'), run([], 'abc\n'), run([], 'abc\r\n')]) {
    assert.deepEqual([stdout, status], [`${HASH_OF_ABC}\n`, 0])
  }
})

test('makes a new key of 256 bits and prints it with its hash', () => {
  const { stdout, status } = run(['--generate'])
  assert.equal(status, 0)
  const [key = '', hash] = stdout.split('\n')
  assert.match(key, /^fk-[A-Za-z0-9_-]{43}$/)
  assert.equal(hash, hashKey(key))
  assert.equal(new Set(Array.from({ length: 1000 }, generateKey)).size, 1000)
})

test('hashes a password from standard input, anew each time', () => {
  const [one, other] = [run(['--password'], 'open sesame\n'), run(['--password'], 'open sesame')]
  for (const { status, stdout } of [one, other]) {
    assert.equal(status, 0)
    assert.match(stdout, /^scrypt:14:8:5:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}\n$/)
  }
  assert.notEqual(one.stdout, other.stdout)
  const [, log2, r, p, salt = '', hash] = one.stdout.trim().split(':')
  const cost = { N: 2 ** Number(log2), r: Number(r), p: Number(p), maxmem: 2 ** 26 }
  const expected = scryptSync('open sesame', Buffer.from(salt, 'base64url'), 32, cost)
  assert.equal(hash, expected.toString('base64url'))
})

test('refuses what no client could send, and a key beside --generate', () => {
  for (const { status, stdout, stderr } of [
    run([], ''),
    run(['a b']),
    run(['é']),
    run([], 'a\nb\n'),
    run(['a', '--generate']),
    run(['--password'], ''),
    run(['--password'], 'a\nb\n'),
    run(['--password'], 'x'.repeat(1_025)),
    run(['--password', 'secret']),
    run(['--password', '--generate'], 'secret'),
  ]) {
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /^error: /)
  }
})
