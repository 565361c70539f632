import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { scanBytes, scanDirectory, spellingsOf } from './secret-scan.ts'

const SECRET = 'canary+/secret-4711-ä'

test('finds every spelling of a secret, and says which', () => {
  for (const [spelling, text] of spellingsOf(SECRET)) {
    const hits = scanBytes(`before ${text} after`, 'log', [SECRET])
    assert.ok(
      hits.some((hit) => hit.spelling === spelling),
      spelling,
    )
  }
})

test('finds base64 of a longer text that contains the secret, whatever stands around it', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.constantFrom('base64' as const, 'base64url' as const),
      (before, after, kind) => {
        const encoded = Buffer.from(`${before}${SECRET}${after}`, 'utf8').toString(kind)
        assert.ok(scanBytes(encoded, 'log', [SECRET]).length > 0)
      },
    ),
  )
})

test('finds nothing where nothing is, and refuses canaries that chance could write', () => {
  assert.deepEqual(scanBytes('canary secret 4711', 'log', [SECRET]), [])
  assert.throws(() => scanBytes('', 'log', ['short']), /found by chance/)
})

test('scans files in depth, databases with their write-ahead log included', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ferro-scan-'))
  t.after(() => {
    rmSync(directory, { recursive: true })
  })
  mkdirSync(join(directory, 'deep'))
  writeFileSync(join(directory, 'deep', 'clean.log'), 'nothing')
  const database = new DatabaseSync(join(directory, 'deep', 'some.db'))
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)')
  database.prepare('INSERT INTO t VALUES (?)').run(`key ${SECRET}`)
  const hits = scanDirectory(directory, [SECRET])
  database.close()
  assert.ok(hits.length > 0)
  assert.ok(hits.every((hit) => hit.source.includes('some.db') && hit.spelling === 'raw'))
})
