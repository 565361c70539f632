import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/harness/eventually.ts'
import { ConfigWatch } from './config-watch.ts'

function fileWith(t: TestContext, text: string): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-config-watch-'))
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'ferro.yaml')
  fs.writeFileSync(file, text)
  return file
}

test('notices that the content of a file changed: written anew, replaced, removed, made again', async (t) => {
  const file = fileWith(t, 'a')
  let changes = 0
  const watch = new ConfigWatch(file, () => changes++)
  t.after(() => watch.close())
  const steps: readonly (() => void)[] = [
    () => fs.writeFileSync(file, 'b'),
    () => {
      fs.writeFileSync(`${file}.new`, 'c')
      fs.renameSync(`${file}.new`, file)
    },
    () => fs.rmSync(file),
    () => fs.writeFileSync(file, 'd'),
  ]
  for (const [at, step] of steps.entries()) {
    step()
    await eventually(() => changes === at + 1, { what: `change ${at + 1}` })
  }
})

test('passes over what leaves the content as it was, and over other files', async (t) => {
  const file = fileWith(t, 'a')
  let changes = 0
  const watch = new ConfigWatch(file, () => changes++)
  t.after(() => watch.close())
  fs.writeFileSync(file, 'a')
  fs.writeFileSync(path.join(path.dirname(file), 'other.yaml'), 'x')
  fs.writeFileSync(file, 'b')
  // One change is told, and it is the last: what came before was looked at together with it.
  await eventually(() => changes > 0)
  assert.equal(changes, 1)
})

test('follows a file behind a link, whose folder is changed as a whole', async (t) => {
  const file = fileWith(t, 'a')
  const directory = path.dirname(file)
  fs.mkdirSync(path.join(directory, 'v1'))
  fs.mkdirSync(path.join(directory, 'v2'))
  fs.writeFileSync(path.join(directory, 'v1', 'mounted.yaml'), 'a')
  fs.writeFileSync(path.join(directory, 'v2', 'mounted.yaml'), 'b')
  fs.symlinkSync('v1', path.join(directory, '..data'))
  const mounted = path.join(directory, 'mounted.yaml')
  fs.symlinkSync(path.join('..data', 'mounted.yaml'), mounted)
  let changes = 0
  const watch = new ConfigWatch(mounted, () => changes++)
  t.after(() => watch.close())
  fs.symlinkSync('v2', path.join(directory, '..tmp'))
  fs.renameSync(path.join(directory, '..tmp'), path.join(directory, '..data'))
  await eventually(() => changes === 1, { what: 'the change behind the link' })
})
