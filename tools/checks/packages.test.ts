import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPackages } from './packages.ts'

const good = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' }

const breaches = (entry: object, others: object = {}, wanted = '1.0.0', page = '| `a` | why |') =>
  checkPackages({
    manifest: JSON.stringify({ dependencies: { a: wanted } }),
    lock: JSON.stringify({ packages: { '': {}, 'node_modules/a': entry, ...others } }),
    page,
  }).map(({ what }) => what)

test('accepts a pinned, hashed, permissive package with a row', () => {
  assert.deepEqual(breaches(good), [])
  assert.deepEqual(breaches({ ...good, license: '(GPL-3.0 OR MIT)' }), [])
})

test('finds a range, a version that is not locked, and a missing row', () => {
  assert.deepEqual(breaches({ ...good, version: '1.0.1' }, {}, '^1.0.0').length, 2)
  assert.deepEqual(breaches(good, {}, '1.0.0', ''), ['no row for a'])
})

test('finds licences that are not permissive', () => {
  for (const license of ['GPL-3.0', 'MIT AND GPL-3.0', undefined])
    assert.equal(breaches({ ...good, license }).length, 1)
})

test('finds an install script in production, and lets one be in development', () => {
  assert.deepEqual(breaches({ ...good, hasInstallScript: true }), ['a runs a script at installation'])
  assert.deepEqual(breaches({ ...good, hasInstallScript: true, dev: true }), [])
})

test('insists on a hash for what Linux on x64 and arm64 installs, and on an entry for every platform', () => {
  const bare = { version: '1.0.0', optional: true }
  const parent = { ...good, optionalDependencies: { b: '1.0.0' } }
  assert.deepEqual(breaches(parent, { 'node_modules/b': { ...bare, os: ['darwin'] } }), [])
  assert.deepEqual(
    breaches(parent, { 'node_modules/b': { ...bare, os: ['linux'], cpu: ['arm64'], libc: ['musl'] } }),
    [],
  )
  assert.deepEqual(breaches(parent, { 'node_modules/b': { ...bare, os: ['linux'], cpu: ['arm64'] } }), [
    'b has no integrity hash',
  ])
  assert.match(breaches(parent)[0] ?? '', /optional package b is missing/)
})
