import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'

const SETUP = path.resolve(import.meta.dirname, '../scripts/setup.mjs')
const COMPLETE = path.resolve(import.meta.dirname, '../scripts/complete-lock.mjs')

const LOCK = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b-win32': { version: '1.0.0', optional: true, os: ['win32'] },
  },
}
const INSTALLED = { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } } }

/** A project, and an npm that writes down how it was called and then does what `npm ci` does to the tree. */
function project(t: TestContext, installed: object | null) {
  const root = mkdtempSync(path.join(tmpdir(), 'ferro-setup-'))
  t.after(() => rmSync(root, { recursive: true }))
  const calls = path.join(root, 'calls')
  const npm = path.join(root, 'npm.mjs')
  const hidden = path.join(root, 'node_modules/.package-lock.json')
  mkdirSync(path.join(root, 'scripts'))
  mkdirSync(path.join(root, 'node_modules'))
  cpSync(SETUP, path.join(root, 'scripts/setup.mjs'))
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify(LOCK))
  if (installed !== null) writeFileSync(hidden, JSON.stringify(installed))
  writeFileSync(
    npm,
    `import { appendFileSync, writeFileSync } from 'node:fs'
     appendFileSync(${JSON.stringify(calls)}, process.argv.slice(2).join(' ') + '\\n')
     if (process.env.NPM_FAILS) { console.error('no route to registry'); process.exit(1) }
     writeFileSync(${JSON.stringify(hidden)}, ${JSON.stringify(JSON.stringify(INSTALLED))})`,
  )
  const run = (env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, [path.join(root, 'scripts/setup.mjs')], {
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: npm, ...env },
    })
  const called = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [])
  return { root, run, called }
}

test('installs what is missing, without scripts of packages, and only once', (t) => {
  const { run, called } = project(t, null)
  const first = run()
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stderr, /installing/)
  assert.equal(called().length, 1)
  assert.match(called()[0] ?? '', /^ci --ignore-scripts/)
  const second = run()
  assert.equal(second.status, 0)
  assert.equal(second.stderr, '')
  assert.equal(called().length, 1)
})

test('installs again when the lockfile changed', (t) => {
  const { root, run, called } = project(t, null)
  run()
  const changed = { packages: { ...LOCK.packages, 'node_modules/c': { version: '2.0.0' } } }
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify(changed))
  run()
  assert.equal(called().length, 2)
})

test('leaves a tree alone that a person installed by hand', (t) => {
  const { run, called } = project(t, INSTALLED)
  assert.equal(run().status, 0)
  assert.deepEqual(called(), [])
})

test('does not take another version or another hash for installed', (t) => {
  for (const entry of [
    { version: '1.0.1', integrity: 'sha512-a' },
    { version: '1.0.0', integrity: 'sha512-b' },
  ]) {
    const { run, called } = project(t, { packages: { 'node_modules/a': entry } })
    run()
    assert.equal(called().length, 1)
  }
})

test('passes on what npm said when it failed, and tries again the next time', (t) => {
  const { run, called } = project(t, null)
  const failed = run({ NPM_FAILS: '1' })
  assert.equal(failed.status, 1)
  assert.match(failed.stderr, /npm ci failed[\s\S]*no route to registry[\s\S]*try again/)
  assert.equal(run().status, 0)
  assert.equal(called().length, 2)
})

test('completes a lockfile with the platform packages that a registry lacks', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'ferro-lock-'))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(path.join(root, 'scripts'))
  cpSync(COMPLETE, path.join(root, 'scripts/complete-lock.mjs'))
  const file = path.join(root, 'package-lock.json')
  const optionalDependencies = { '@x/linux-x64-musl': '2.0.0', '@x/linux-x64': '2.0.0' }
  const entry = { version: '2.0.0', optional: true, dev: true, os: ['linux'], cpu: ['x64'] }
  const packages = {
    '': {},
    'node_modules/x': { version: '2.0.0', dev: true, optionalDependencies },
    'node_modules/@x/linux-x64': { ...entry, integrity: 'sha512-x' },
  }
  writeFileSync(file, JSON.stringify({ packages }))
  const run = () => spawnSync(process.execPath, [path.join(root, 'scripts/complete-lock.mjs')], { encoding: 'utf8' })
  assert.match(run().stdout, /: 1 absent/)
  const completed = readFileSync(file, 'utf8')
  const added = JSON.parse(completed).packages['node_modules/@x/linux-x64-musl']
  assert.deepEqual(added, { ...entry, libc: ['musl'] })
  assert.match(run().stdout, /: 0 absent/)
  assert.equal(readFileSync(file, 'utf8'), completed)
})
