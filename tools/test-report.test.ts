import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run, type TestContext, test } from 'node:test'
import { report } from './test-report.ts'

async function runFiles(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(path.join(tmpdir(), 'ferro-report-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(path.join(root, file), `import { suite, test } from 'node:test'\n${text}`)
  }
  // The runner refuses to run inside a test file's process, which it knows by this variable.
  const context = process.env.NODE_TEST_CONTEXT
  delete process.env.NODE_TEST_CONTEXT
  t.after(() => {
    if (context !== undefined) process.env.NODE_TEST_CONTEXT = context
  })
  const lines: string[] = []
  const stream = run({ files: Object.keys(files).map((file) => path.join(root, file)), timeout: 5_000 })
  const passed = await report(stream, root, (line) => lines.push(line))
  return { passed, text: lines.join('\n'), lines }
}

test('closes with the counts of the runner, after everything else', async (t) => {
  const { passed, lines, text } = await runFiles(t, { 'a.test.mjs': `test('one', () => {}); test('two', () => {})` })
  assert.equal(passed, true)
  assert.match(text, /^ok {2}a\.test\.mjs {2}2 tests/)
  assert.deepEqual(
    lines.slice(-8).map((line) => line.replace(/[\d.]+$/, '')),
    ['# tests ', '# suites ', '# pass ', '# fail ', '# cancelled ', '# skipped ', '# todo ', '# duration_ms '],
  )
  assert.equal(lines.at(-8), '# tests 2')
})

test('shows a failure in full, with its place, and names what was skipped', async (t) => {
  const { passed, text } = await runFiles(t, {
    'a.test.mjs': `suite('outer', () => { test('inner', () => { throw new Error('broken on purpose') }) })`,
    'b.test.mjs': `suite('redis', { skip: 'no redis-server' }, () => { test('x', () => {}) }); test('y', () => {})`,
  })
  assert.equal(passed, false)
  assert.match(text, /not ok {2}a\.test\.mjs:2 {2}inner\n.*broken on purpose/)
  assert.match(text, /b\.test\.mjs {2}redis: no redis-server/)
  assert.match(text, /# fail 1\n/)
})

test('fails when a file ends badly though its tests passed, when one cannot be read, and when nothing ran', async (t) => {
  const cases = [`test('one', () => {}); process.exitCode = 3`, `import './absent.mjs'`, '']
  for (const text of cases) assert.equal((await runFiles(t, { 'a.test.mjs': text })).passed, false, text)
})
