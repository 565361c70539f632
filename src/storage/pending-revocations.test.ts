import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedKeyOf } from '../../test/request-path/keys.ts'
import { PendingRevocations } from './pending-revocations.ts'
import { sampleEntry } from './testing/samples.ts'
import { queryElsewhere } from './testing/stores.ts'
import { LedgerWriter } from './writer.ts'

function directory(t: { after(work: () => void): void }): string {
  const made = mkdtempSync(join(tmpdir(), 'ferro-test-'))
  t.after(() => rmSync(made, { recursive: true }))
  return made
}

const revocationOf = (id: string, atMs: number) => ({
  atMs,
  entry: sampleEntry({ action: 'key.revoke', target: `key:${id}` }),
})

test('revocations are kept until the database has them, for the owner alone', (t) => {
  const dataDir = directory(t)
  new PendingRevocations(dataDir).add('a', revocationOf('a', 5))
  new PendingRevocations(dataDir).add('b', revocationOf('b', 6))
  assert.deepEqual(
    [...new PendingRevocations(dataDir).list()],
    [
      ['a', revocationOf('a', 5)],
      ['b', revocationOf('b', 6)],
    ],
  )
  const [name = ''] = readdirSync(dataDir)
  assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600)
  new PendingRevocations(dataDir).remove(['a', 'c'])
  assert.deepEqual([...new PendingRevocations(dataDir).list().keys()], ['b'])
  new PendingRevocations(dataDir).remove(['b'])
  assert.deepEqual(readdirSync(dataDir), [])
})

test('a file that cannot be read is an error: nobody may take it for an empty one', (t) => {
  const dataDir = directory(t)
  for (const text of ['', '{}', '[["a"]]', '[["a", 5]', '[[1, 5]]']) {
    writeFileSync(join(dataDir, 'pending-revocations.json'), text)
    assert.throws(() => new PendingRevocations(dataDir).list(), { code: 'bad_pending_file' }, text)
  }
})

test('a recovery brings them into the database', (t) => {
  const dataDir = directory(t)
  const first = LedgerWriter.open({ dataDir, databaseUrl: null })
  first.keys.create(storedKeyOf('a'))
  first.keys.create(storedKeyOf('b'))
  first.close()
  const pending = new PendingRevocations(dataDir)
  // As a version before this one wrote them, without who did it.
  writeFileSync(join(dataDir, 'pending-revocations.json'), '[["a",5],["never-was",6]]\n')
  const second = LedgerWriter.open({ dataDir, databaseUrl: null })
  t.after(() => second.close())
  second.recover(Date.now())
  assert.deepEqual(
    second.keys.list().map(({ id, enabled, revoked_at }) => [id, enabled, revoked_at]),
    [
      ['a', false, 5],
      ['b', true, null],
    ],
  )
  assert.deepEqual(queryElsewhere(dataDir, 'SELECT action, target, time FROM audit'), [
    { __proto__: null, action: 'key.revoke', target: 'key:a', time: 5 },
  ])
  assert.deepEqual([...pending.list()], [])
})
