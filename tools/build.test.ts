import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'

const root = path.resolve(import.meta.dirname, '..')

test('the published program holds no test, and nothing that only tests need', () => {
  const compiler = path.join(root, 'node_modules/.bin/tsc')
  const listed = spawnSync(compiler, ['-p', 'tsconfig.build.json', '--listFilesOnly'], { cwd: root, encoding: 'utf8' })
  assert.equal(listed.status, 0, listed.stderr)
  const files = listed.stdout.split('\n').map((file) => path.relative(root, file))
  assert.ok(files.includes('src/cli/main.ts'))
  assert.deepEqual(
    files.filter((file) => file.startsWith('test/') || /\.test\.ts$|\/testing\/|\/testdata\//.test(file)),
    [],
  )
})
