import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isTimed, longestFirst, readDurations, writeDurations } from './test-order.ts'

test('begins with what took longest; what never ran is placed by its folder', () => {
  const files = ['src/a.test.ts', 'src/b.test.ts', 'test/e2e/c.test.ts', 'test/process/d.test.ts']
  const unknown = ['test/process/d.test.ts', 'test/e2e/c.test.ts', 'src/a.test.ts', 'src/b.test.ts']
  assert.deepEqual(longestFirst(files, {}), unknown)
  const known = ['src/b.test.ts', 'test/process/d.test.ts', 'src/a.test.ts', 'test/e2e/c.test.ts']
  assert.deepEqual(longestFirst(files, { 'src/b.test.ts': 90_000, 'test/e2e/c.test.ts': 10 }), known)
})

test('remembers the durations of several runs, and does without a memory that cannot be read', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ferro-order-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'deep/durations.json')
  assert.deepEqual(readDurations(file), {})
  writeDurations(file, { a: 1, b: 2 })
  writeDurations(file, { b: 3 })
  assert.deepEqual(readDurations(file), { a: 1, b: 3 })
  writeFileSync(file, '{"a": "soon", "b": 4}')
  assert.deepEqual(readDurations(file), { b: 4 })
  writeFileSync(file, 'not JSON')
  assert.deepEqual(readDurations(file), {})
})

test('knows by its name which file must run alone', () => {
  assert.deepEqual(['a.timed.test.ts', 'a.test.ts', 'timed.test.ts'].map(isTimed), [true, false, false])
})
