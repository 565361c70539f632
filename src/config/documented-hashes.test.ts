import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { DOCUMENTED_HASHES } from './documented-hashes.ts'

test('every hash that the documentation and the examples print is known as such', () => {
  const root = resolve(import.meta.dirname, '../..')
  const files = globSync(['README.md', 'docs/**/*.md', 'examples/**/*.*', 'config/**/*.*'], { cwd: root })
  assert.ok(files.length > 20, `${files.length} files`)
  const printed = new Set(
    files.flatMap(
      (file) =>
        readFileSync(`${root}/${file}`, 'utf8').match(/(?:hmac-)?sha256:[0-9a-f]{64}|blake2b:[0-9a-f]{128}/gi) ?? [],
    ),
  )
  assert.deepEqual([...printed].sort(), [...DOCUMENTED_HASHES].sort())
})
