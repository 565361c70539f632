import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { StorageError } from '../errors.ts'
import { temporaryDirectory } from '../testing/samples.ts'
import { DirectoryLock } from './directory-lock.ts'

function isLocked(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'directory_locked'
}

test('one holder at a time, also within a process', (t) => {
  const directory = temporaryDirectory(t)
  const lock = DirectoryLock.take(directory)
  assert.throws(() => DirectoryLock.take(directory), isLocked)
  lock.release()
  DirectoryLock.take(directory).release()
})

test('its file is for the owner alone, also one that was made otherwise', (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'lock.db')
  const modeOf = () => fs.statSync(file).mode & 0o777
  DirectoryLock.take(directory).release()
  assert.equal(modeOf(), 0o600)
  fs.chmodSync(file, 0o644)
  const lock = DirectoryLock.take(directory)
  assert.equal(modeOf(), 0o600)
  assert.throws(() => DirectoryLock.take(directory), isLocked)
  lock.release()
})

test('C10 refuses a second process by name, and is free again when the first was killed', async (t) => {
  const directory = temporaryDirectory(t)
  const module = new URL('./directory-lock.ts', import.meta.url).href
  const script = `import { DirectoryLock } from ${JSON.stringify(module)}
    globalThis.lock = DirectoryLock.take(process.argv[1]); console.log('locked'); setInterval(() => undefined, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  fs.writeFileSync(path.join(directory, 'instance.json'), JSON.stringify({ pid: holder.pid }))
  assert.throws(
    () => DirectoryLock.take(directory),
    (error: Error) => isLocked(error) && error.message.includes(directory) && error.message.includes(`${holder.pid}`),
  )
  fs.writeFileSync(path.join(directory, 'instance.json'), '{"pid":')
  assert.throws(() => DirectoryLock.take(directory), /Another ferro uses/)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  DirectoryLock.take(directory).release()
})
