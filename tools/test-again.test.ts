import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesToRepeat, judge, MOST_UNSTEADY } from './test-again.ts'
import type { FileResult, RunResult } from './test-report.ts'

/** A run of these files, each with the number of its tests that failed, of two; null when its process died. */
function runOf(files: Readonly<Record<string, number | null>>): RunResult {
  const results = new Map<string, FileResult>()
  const failures = []
  for (const [file, failed] of Object.entries(files)) {
    if (failed !== 0) failures.push({ title: `${file.slice(6)}:3  does what it says`, file })
    if (failed === null) continue
    const counts = { tests: 2, passed: 2 - failed, failed, cancelled: 0, skipped: 0, todo: 0 }
    results.set(file, { passed: failed === 0, counts, durationMs: 7 })
  }
  const sum = (of: (failed: number | null) => number) =>
    Object.values(files).reduce<number>((all, one) => all + of(one), 0)
  const counts = {
    tests: sum((failed) => (failed === null ? 1 : 2)),
    pass: sum((failed) => (failed === null ? 0 : 2 - failed)),
    fail: sum((failed) => failed ?? 1),
    cancelled: 0,
    skipped: 0,
    todo: 0,
  }
  return {
    files: results,
    passed: failures.length === 0,
    failedFiles: failures.map(({ file }) => file),
    failures,
    skipped: [],
    counts,
  }
}

test('repeats the few files that failed, and none when too many did', () => {
  assert.deepEqual(filesToRepeat(runOf({ '/repo/a': 0, '/repo/b': 1, '/repo/c': null })), ['/repo/b', '/repo/c'])
  const names = Array.from({ length: MOST_UNSTEADY + 1 }, (_unused, index) => `/repo/${index}`)
  assert.deepEqual(filesToRepeat(runOf(Object.fromEntries(names.map((name) => [name, 1])))), [])
})

test('a file that passes alone fails the run no more, and is named with both of its results', () => {
  const first = runOf({ '/repo/a': 0, '/repo/b': 1, '/repo/c': null })
  const again = new Map(['/repo/b', '/repo/c'].map((file) => [file, runOf({ [file]: 0 })]))
  const { passed, failures, unsteady, counts } = judge(first, again, '/repo')
  assert.equal(passed, true)
  assert.deepEqual(failures, [])
  assert.deepEqual(unsteady, [
    'b  in the full run 1 of 2 tests failed in 7 ms; alone 0 of 2 tests failed in 7 ms',
    'c  in the full run its process ended early; alone 0 of 2 tests failed in 7 ms',
  ])
  assert.deepEqual(counts, { tests: 6, pass: 6, fail: 0, cancelled: 0, skipped: 0, todo: 0, unsteady: 2 })
})

test('a file that fails alone too, or that was not repeated, fails the run', () => {
  const first = runOf({ '/repo/b': 1, '/repo/c': 2 })
  const half = new Map([
    ['/repo/b', runOf({ '/repo/b': 0 })],
    ['/repo/c', runOf({ '/repo/c': 1 })],
  ])
  const { passed, failures, unsteady } = judge(first, half, '/repo')
  assert.equal(passed, false)
  assert.deepEqual(
    failures.map(({ file }) => file),
    ['/repo/c'],
  )
  assert.equal(unsteady.length, 1)
  assert.equal(judge(first, new Map(), '/repo').passed, false)
})

test('a run without failures stays as it is', () => {
  const first = runOf({ '/repo/a': 0 })
  assert.deepEqual(judge(first, new Map(), '/repo'), {
    passed: true,
    failures: [],
    skipped: [],
    unsteady: [],
    counts: first.counts,
  })
})
