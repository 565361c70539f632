import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { reportFileSizes } from './file-sizes.ts'
import { checkGenerated } from './generated.ts'

test('finds a generated file that is absent or was edited by hand', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'ferro-generated-'))
  t.after(() => rmSync(root, { recursive: true }))
  writeFileSync(path.join(root, 'good.txt'), 'one\n')
  writeFileSync(path.join(root, 'edited.txt'), 'one\nTWO\n')
  const findings = await checkGenerated(root, [
    { file: 'good.txt', generate: () => 'one\n' },
    { file: 'edited.txt', generate: () => Promise.resolve('one\ntwo\n') },
    { file: 'absent.txt', generate: () => 'one\n' },
  ])
  assert.deepEqual(
    findings.map(({ file, line }) => [file, line]),
    [
      ['edited.txt', 2],
      ['absent.txt', 1],
    ],
  )
})

test('names long files', () => {
  assert.deepEqual(reportFileSizes([{ file: 'src/a.ts', text: 'a\n'.repeat(400) }]), [])
  assert.equal(reportFileSizes([{ file: 'src/a.ts', text: 'a\n'.repeat(401) }]).length, 1)
})
