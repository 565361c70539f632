import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectory } from './make-directory.ts'

test('makes what is missing, for the owner alone', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'ferro-test-'))
  t.after(() => rmSync(root, { recursive: true }))
  makeDirectory(join(root, 'a/b/c'))
  makeDirectory(join(root, 'a/b/c'))
  for (const made of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(root, made)).mode & 0o777, 0o700)
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => makeDirectory(join(root, 'file')), /is a file/)
  assert.throws(() => makeDirectory(join(root, 'file/below')), { code: 'ENOTDIR' })
})

test('ends where nothing can be made', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  assert.throws(() => makeDirectory('/proc/ferro/data'), { code: 'ENOENT' })
})
