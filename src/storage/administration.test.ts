import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedKeyOf } from '../../test/request-path/keys.ts'
import { Administration } from './administration.ts'
import { auditPage } from './sqlite/audit-log.ts'
import type { StoredLevel } from './stored-level.ts'
import { sampleEntry, temporaryDirectory } from './testing/samples.ts'
import { openTables } from './testing/stores.ts'

const ALL = { before: null, limit: 100, actor: null, target: null, action: null }

const levelOf = (id: string, differences: Partial<StoredLevel> = {}): StoredLevel => ({
  kind: 'team',
  id,
  name: id,
  enabled: true,
  organization: null,
  team: null,
  models_allow: null,
  models_deny: [],
  tags: [],
  metadata: {},
  requests_per_second: null,
  requests_per_minute: null,
  requests_per_day: null,
  burst: null,
  tokens_per_minute: null,
  concurrency: null,
  budgets: [],
  created_at: 1_000,
  updated_at: 1_000,
  deleted_at: null,
  ...differences,
})

test('gives levels back as they were put, the last word of each, and none that is removed', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const administration = new Administration(database)
  const full = levelOf('full', {
    organization: 'acme',
    models_allow: ['fast-chat'],
    tags: ['a'],
    metadata: { owner: 'Ada' },
    requests_per_day: 9,
    budgets: [{ unit: 'nanos', limit: 5_000_000_001, per: 'week', time_zone: 'Europe/Berlin' }],
  })
  administration.putLevel(levelOf('a'), sampleEntry())
  administration.putLevel(levelOf('a', { kind: 'user' }), sampleEntry())
  administration.putLevel(levelOf('full'), sampleEntry())
  administration.putLevel(full, sampleEntry())
  administration.putLevel(levelOf('gone', { deleted_at: 2_000 }), sampleEntry())
  assert.deepEqual(new Administration(database).levels(), [levelOf('a'), full, levelOf('a', { kind: 'user' })])
})

test('a change that cannot be written down is not done, and what cannot be done is not written down', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const administration = new Administration(database)
  administration.createKey(storedKeyOf('a', { created_by: 'ops' }), sampleEntry())
  assert.throws(() => administration.createKey(storedKeyOf('a'), sampleEntry()), { code: 'key_exists' })
  assert.equal(auditPage(database, ALL).length, 1)
  // A line without its time is none.
  const broken = sampleEntry({ time: null as unknown as number }) // what no caller gives
  assert.throws(() => administration.createKey(storedKeyOf('b'), broken))
  assert.throws(() => administration.revokeKey('a', 5, broken))
  assert.throws(() => administration.rotateKey('a', { hash: 'sha256:2', prefix: '', graceUntilMs: null }, broken))
  assert.throws(() => administration.putLevel(levelOf('a'), broken))
  assert.deepEqual(administration.keys(), [storedKeyOf('a', { created_by: 'ops' })])
  assert.deepEqual(administration.levels(), [])
  assert.equal(administration.revokeKey('never', 5, sampleEntry()), null)
  assert.equal(administration.revokeKey('a', 5, sampleEntry({ action: 'key.revoke' }))?.revoked_at, 5)
  assert.equal(administration.revokeKey('a', 6, sampleEntry({ action: 'key.revoke' }))?.revoked_at, 5)
  assert.equal(auditPage(database, ALL).length, 2, 'a second time is no change')
})

test('the audit log gives its lines newest first, in pages, and lets nobody change or remove one', (t) => {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  const administration = new Administration(database)
  const first = sampleEntry({ after: { id: 'ä"\n', budgets: [] } })
  const second = sampleEntry({ actor: 'owner', outcome: 'refused', reason: 'conflict', after: null, request_id: null })
  for (const entry of [first, second, first, second, first]) administration.note(entry)
  const all = auditPage(database, ALL)
  assert.deepEqual(
    all.map(({ sequence: _number, ...entry }) => entry),
    [first, second, first, second, first],
  )
  const [newest, next, ...older] = all
  assert.ok(newest !== undefined && next !== undefined && newest.sequence > next.sequence)
  assert.deepEqual(auditPage(database, { ...ALL, limit: 2 }), [newest, next])
  assert.deepEqual(auditPage(database, { ...ALL, before: next.sequence }), older)
  assert.equal(auditPage(database, { ...ALL, actor: 'owner' }).length, 2)
  assert.equal(auditPage(database, { ...ALL, actor: 'owner', target: 'key:b' }).length, 0)
  assert.throws(() => database.exec("UPDATE audit SET actor = 'x'"), /append-only/)
  assert.throws(() => database.exec('DELETE FROM audit'), /append-only/)
})
