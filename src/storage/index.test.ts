import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('does not load SQLite until a writer or reader is opened', () => {
  const module = new URL('./index.ts', import.meta.url).href
  const script = `await import(${JSON.stringify(module)})
    console.log(process.moduleLoadList.some((name) => name.endsWith(' sqlite')))
    await import('node:sqlite')
    console.log(process.moduleLoadList.some((name) => name.endsWith(' sqlite')))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(output, 'false\ntrue\n')
})
