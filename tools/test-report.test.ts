import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run, type TestContext, test } from 'node:test'
import { conclude, joined, report } from './test-report.ts'

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
  const tests = Object.keys(files).filter((file) => file.endsWith('.test.mjs'))
  const stream = run({ files: tests.map((file) => path.join(root, file)), timeout: 5_000 })
  const result = await report(stream, root, (line) => lines.push(line))
  conclude({ ...result, unsteady: [] }, (line) => lines.push(line))
  return { result, passed: result.passed, text: lines.join('\n'), lines }
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

test('names the file that was run, for a test of an imported file and for a process that died', async (t) => {
  const { result } = await runFiles(t, {
    'a.test.mjs': `await import('./shared.mjs')`,
    'b.test.mjs': `test('one', () => {}); process.exit(3)`,
    'shared.mjs': `test('of both', () => { throw new Error('broken on purpose') })`,
  })
  assert.deepEqual(
    result.failedFiles.map((file) => path.basename(file)),
    ['a.test.mjs', 'b.test.mjs'],
  )
})

test('names unsteady files after the failures', () => {
  const lines: string[] = []
  conclude({ skipped: [], failures: [], unsteady: ['a.test.ts  by luck'], counts: { tests: 1 } }, (line) =>
    lines.push(line),
  )
  assert.match(lines.join('\n'), /^\nUNSTEADY: .*\n {4}a\.test\.ts {2}by luck\n\n# tests 1$/)
})

test('two runs are told as one', async (t) => {
  const [good, bad] = [
    await runFiles(t, { 'a.test.mjs': `test('one', () => {})` }),
    await runFiles(t, { 'b.test.mjs': `test('one', () => {}); test('two', () => { throw new Error('on purpose') })` }),
  ]
  const both = joined(good.result, bad.result)
  assert.equal(both.passed, false)
  assert.deepEqual([both.counts['tests'], both.counts['pass'], both.counts['fail']], [3, 2, 1])
  assert.deepEqual([both.files.size, both.failedFiles.length, both.failures.length], [2, 1, 1])
  assert.equal(joined(good.result, good.result).passed, true)
})
