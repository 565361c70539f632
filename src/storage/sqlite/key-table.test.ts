import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedKeyOf } from '../../../test/request-path/keys.ts'
import { StorageError } from '../errors.ts'
import { temporaryDirectory } from '../testing/samples.ts'
import { openTables } from '../testing/stores.ts'
import { KeyTable } from './key-table.ts'

test('gives keys back as they were created, also to the next connection', (t) => {
  const dataDir = temporaryDirectory(t)
  const plain = storedKeyOf('plain')
  const full = storedKeyOf('full', {
    name: 'Full',
    prefix: 'fk-1234567',
    created_at: 500,
    expires_at: 9_000_000_000_000,
    scopes: ['models.read'],
    models_allow: ['fast-chat', 'demo/*'],
    models_deny: [],
    requests_per_minute: 60,
    burst: 10,
    budgets: [{ unit: 'tokens', limit: 1_000_000, per: 'month' }],
    previous_hash: `blake2b:${'ab'.repeat(64)}`,
    previous_until: 8_000_000_000_000,
    addresses: ['10.0.0.0/8'],
    tags: ['a', 'b'],
    metadata: { owner: 'Ada' },
  })
  const first = openTables(dataDir)
  const keys = new KeyTable(first)
  keys.create(plain)
  keys.create(full)
  first.close()
  const second = openTables(dataDir)
  t.after(() => second.close())
  assert.deepEqual(new KeyTable(second).list(), [full, plain])
  assert.deepEqual(new KeyTable(second).find('full'), full)
  assert.equal(new KeyTable(second).find('none'), null)
})

test('gives a key another secret, keeps the one of before for a while, and leaves revoked keys alone', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const keys = new KeyTable(database)
  const first = storedKeyOf('a')
  keys.create(first)
  const second = keys.rotate('a', { hash: 'sha256:2', prefix: 'fk-2', graceUntilMs: 9_000 })
  assert.deepEqual(second, {
    ...first,
    hash: 'sha256:2',
    prefix: 'fk-2',
    previous_hash: first.hash,
    previous_until: 9_000,
  })
  assert.deepEqual(keys.find('a'), second)
  const third = keys.rotate('a', { hash: 'sha256:3', prefix: 'fk-3', graceUntilMs: null })
  assert.deepEqual([third?.hash, third?.previous_hash, third?.previous_until], ['sha256:3', null, null])
  keys.revoke('a', 5_000)
  assert.equal(keys.rotate('a', { hash: 'sha256:4', prefix: 'fk-4', graceUntilMs: null }), null)
  assert.equal(keys.find('a')?.hash, 'sha256:3')
  assert.equal(keys.rotate('none', { hash: 'sha256:4', prefix: 'fk-4', graceUntilMs: null }), null)
})

test('refuses an id or a secret that is taken', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const keys = new KeyTable(database)
  const one = storedKeyOf('one')
  keys.create(one)
  const exists = (error: unknown) => error instanceof StorageError && error.code === 'key_exists'
  assert.throws(() => keys.create(storedKeyOf('one')), exists)
  assert.throws(() => keys.create(storedKeyOf('two', { hash: one.hash })), exists)
  assert.equal(keys.list().length, 1)
})

test('revokes for good and keeps the first time', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const keys = new KeyTable(database)
  keys.create(storedKeyOf('one'))
  assert.equal(keys.revoke('one', 5000)?.enabled, false)
  assert.equal(keys.revoke('one', 6000)?.revoked_at, 5000)
  assert.equal(keys.find('one')?.enabled, false)
  assert.equal(keys.revoke('none', 5000), null)
})
