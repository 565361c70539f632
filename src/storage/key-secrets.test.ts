import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { createDurableFile } from './durable-file.ts'
import { createKeySecret, hashKey, hashKeyWithPepper, keyPrefix, readAdminToken, readPepper } from './key-secrets.ts'
import { temporaryDirectory } from './testing/samples.ts'

test('a secret has 256 random bits in 43 characters', () => {
  const secrets = new Set(Array.from({ length: 100 }, createKeySecret))
  assert.equal(secrets.size, 100)
  for (const secret of secrets) assert.match(secret, /^fk-[A-Za-z0-9_-]{43}$/)
  assert.equal(keyPrefix('fk-abcdefghijkl'), 'fk-abcdefg')
})

test('hashes as configuration files hold them, and differently with each pepper', () => {
  assert.equal(hashKey('fk-x'), `sha256:${createHash('sha256').update('fk-x').digest('hex')}`)
  assert.match(hashKeyWithPepper('fk-x', 'pepper one'), /^hmac-sha256:[0-9a-f]{64}$/)
  assert.notEqual(hashKeyWithPepper('fk-x', 'pepper one'), hashKeyWithPepper('fk-x', 'pepper two'))
})

test('makes the pepper and the admin token once, for their owner alone', (t) => {
  const directory = temporaryDirectory(t)
  const pepper = readPepper(directory, {})
  assert.equal(readPepper(directory, { FERRO_PEPPER: '' }), pepper)
  const token = readAdminToken(directory)
  assert.equal(readAdminToken(directory), token)
  assert.notEqual(token, pepper)
  for (const name of ['pepper', 'admin-token']) {
    assert.equal(fs.statSync(path.join(directory, name)).mode & 0o777, 0o600)
  }
  assert.deepEqual(fs.readdirSync(directory).sort(), ['admin-token', 'pepper'], 'no temporary file is left')
})

test('takes the pepper of the environment before the file', (t) => {
  const directory = temporaryDirectory(t)
  assert.equal(readPepper(directory, { FERRO_PEPPER: 'x'.repeat(32) }), 'x'.repeat(32))
  assert.deepEqual(fs.readdirSync(directory), [])
  assert.throws(() => readPepper(directory, { FERRO_PEPPER: 'short' }), /fewer than 16/)
})

test('refuses an emptied pepper instead of making another, and closes one that others may read', (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'pepper')
  fs.writeFileSync(file, '')
  assert.throws(() => readPepper(directory, {}), /Restore it/)
  fs.writeFileSync(file, 'a pepper of 20 chars')
  fs.chmodSync(file, 0o644)
  assert.equal(readPepper(directory, {}), 'a pepper of 20 chars')
  assert.equal(fs.statSync(file).mode & 0o777, 0o600)
})

test('never replaces a file that another process made first', (t) => {
  const file = path.join(temporaryDirectory(t), 'secret')
  assert.equal(createDurableFile(file, 'first'), true)
  assert.equal(createDurableFile(file, 'second'), false)
  assert.equal(fs.readFileSync(file, 'utf8'), 'first')
})

test('syncs the content before the name, and the directory after it', (t) => {
  const file = path.join(temporaryDirectory(t), 'secret')
  const steps: string[] = []
  const { fsyncSync, linkSync } = fs
  t.mock.method(fs, 'fsyncSync', (fd: number) => {
    steps.push(fs.fstatSync(fd).isDirectory() ? 'sync directory' : 'sync file')
    fsyncSync(fd)
  })
  t.mock.method(fs, 'linkSync', (from: string, to: string) => {
    steps.push('link')
    linkSync(from, to)
  })
  createDurableFile(file, 'content')
  assert.deepEqual(steps, ['sync file', 'link', 'sync directory'])
})
