import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLeaks } from './leaks.ts'

const leaks = (text: string, file = 'README.md') => checkLeaks([{ file, text }]).map(({ what }) => what)

// Put together here, so that this file holds none itself.
const slash = '/'

test('finds paths of one machine', () => {
  for (const folder of ['work', 'home', 'root', 'Users']) {
    assert.deepEqual(leaks(`see ${slash}${folder}/somebody/file`), ['a path of one machine'])
  }
  assert.deepEqual(leaks('src/work/item.ts, ./home/page, https://example.com/x, ~/work'), [])
})

test('finds credentials, private keys and registry hosts', () => {
  assert.equal(leaks(`sk-${'a1'.repeat(24)}`).length, 1)
  assert.equal(leaks(`AKIA${'A1'.repeat(8)}`).length, 1)
  assert.equal(leaks(`-----BEGIN RSA ${'PRIVATE'} KEY-----`).length, 1)
  assert.equal(leaks(`https://registry.${'npmjs'}.org/zod`).length, 1)
  assert.deepEqual(leaks('Authorization: Bearer sk-sample'), [])
})

test('leaves the lockfile alone', () => {
  assert.deepEqual(leaks(`https://registry.${'npmjs'}.org/zod`, 'package-lock.json'), [])
})
