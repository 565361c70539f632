import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { createDurableFile, replaceDurableFile } from './durable-file.ts'
import { temporaryDirectory } from './testing/samples.ts'

test('C9 a file of state is written beside its place, brought to the disk, put there, and its folder brought to the disk', (t) => {
  const directory = temporaryDirectory(t)
  const done: string[] = []
  const opened = new Map<number, string>()
  const open = fs.openSync
  t.mock.method(fs, 'openSync', (file: string, flags: fs.OpenMode, mode?: fs.Mode) => {
    const fd = open(file, flags, mode)
    opened.set(fd, file)
    return fd
  })
  const sync = fs.fsyncSync
  t.mock.method(fs, 'fsyncSync', (fd: number) => {
    done.push(`sync ${opened.get(fd) === directory ? 'folder' : 'file'}`)
    sync(fd)
  })
  for (const [name, method] of [
    ['rename', 'renameSync'],
    ['link', 'linkSync'],
  ] as const) {
    const real = fs[method]
    t.mock.method(fs, method, (from: string, to: string) => {
      assert.equal(path.dirname(from), directory)
      assert.equal(to, path.join(directory, 'state'))
      done.push(name)
      real(from, to)
    })
  }
  const write = fs.writeFileSync
  t.mock.method(fs, 'writeFileSync', (file: string | number, text: string, options?: fs.WriteFileOptions) => {
    done.push('write')
    write(file, text, options)
  })
  assert.equal(createDurableFile(path.join(directory, 'state'), 'one'), true)
  assert.deepEqual(done.splice(0), ['write', 'sync file', 'link', 'sync folder'])
  replaceDurableFile(path.join(directory, 'state'), 'two')
  assert.deepEqual(done, ['write', 'sync file', 'rename', 'sync folder'])
  assert.deepEqual(fs.readdirSync(directory), ['state'])
  assert.equal(fs.readFileSync(path.join(directory, 'state'), 'utf8'), 'two')
})
