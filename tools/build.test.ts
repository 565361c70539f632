import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../test/harness/eventually.ts'
import { Gateway } from '../test/harness/gateway.ts'
import { bundle, type EmittedFile } from './bundle.ts'
import { readRepository } from './source-files.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Packages and modules that a thread has no use for, by the file that is its role's. */
const STRANGERS: Readonly<Record<string, RegExp>> = {
  'src/app/threads/data-worker.ts':
    /^node_modules\/(?!re2js\/)|^src\/(cli|control|config\/(schema\/models|formats)|ai\/dialects\/[\w-]+\/(?!errors|usage|meter|spelling))/,
  'src/app/threads/config-thread.ts':
    /^src\/(cli|control|core|storage|governance|ai\/(dialects|operations|relay|translate|surfaces))\//,
  'src/app/threads/writer-thread.ts': /^node_modules\/|^src\/(cli|control|ai|core|governance|config)\//,
  'src/app/threads/reader-thread.ts': /^node_modules\/|^src\/(cli|control|ai|core|governance|config)\//,
  'src/app/control-thread.ts': /^node_modules\/|^src\/config\/(schema\/models|formats)/,
}

suite('the emitted program', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ferro-build-'))
  const target = path.join(folder, 'dist')
  let files: readonly EmittedFile[] = []

  before(async () => {
    cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'))
    files = await bundle(root, target)
  })
  after(() => rmSync(folder, { recursive: true }))

  test('holds no test, and nothing that only tests need', () => {
    const modules = files.flatMap((file) => file.modules)
    assert.ok(modules.includes('src/cli/main.ts'))
    assert.deepEqual(
      modules.filter((module) => /^test\/|\.test\.ts$|\/testing\/|\/testdata\//.test(module)),
      [],
    )
  })

  for (const [role, strangers] of Object.entries(STRANGERS)) {
    test(`loads for ${role} only what its thread needs`, () => {
      const loaded = loadedWith(files, role)
      assert.ok(loaded.includes(role))
      assert.deepEqual(
        loaded.filter((module) => strangers.test(module)),
        [],
      )
    })
  }

  test('takes built-in modules without reading all of their exports', () => {
    for (const { file } of files) {
      assert.deepEqual(
        readFileSync(path.join(target, file), 'utf8').match(/^.*\bfrom ?["']node:.*$/gm),
        null,
        `in ${file}`,
      )
    }
  })

  test('names the licence of every package that is part of it', () => {
    const licences = readFileSync(path.join(target, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    const packages = new Set(
      files.flatMap(({ modules }) => modules.map((module) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)?.[1])),
    )
    packages.delete(undefined)
    assert.ok(packages.size > 0)
    for (const name of packages) assert.match(licences, new RegExp(`^${name} \\d`, 'm'))
  })

  test('tells its version', () => {
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    const said = spawnSync(process.execPath, [path.join(target, 'cli/main.js'), '--version'], { encoding: 'utf8' })
    assert.equal(said.stdout, `${version}\n`)
  })

  test('serves, replaces its workers at a reload, and ends in order', { timeout: 60_000 }, async (t) => {
    const config = { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' } }
    const gateway = await Gateway.start({ config, entry: path.join(target, 'cli/main.js') })
    t.after(() => gateway.close())
    const answers = async () => (await fetch(`${gateway.url}/readyz`)).status
    assert.equal(await answers(), 200)
    gateway.writeConfig({ ...config, limits: { keep_alive: '30s' } })
    await eventually(() => gateway.stderr.text.includes('the configuration was reloaded'), {
      deadlineMs: 30_000,
      what: 'the reload',
    })
    assert.equal(await answers(), 200)
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null })
  })
})

test('no source file imports node:http, which would load the HTTP client behind its exports', () => {
  const faults = readRepository(root)
    .filter(({ file }) => /^src\/(?!.*(\.test\.ts$|\/testing\/)).*\.ts$/.test(file))
    .filter(({ text }) => /^(?:import|export) (?!type\b)[^;]*?from 'node:http'$/m.test(text))
  assert.deepEqual(
    faults.map(({ file }) => file),
    [],
  )
})

/** The modules of all files that are loaded when the one that holds a module is. */
function loadedWith(files: readonly EmittedFile[], module: string): readonly string[] {
  const loaded = new Set(files.filter(({ modules }) => modules.includes(module)))
  for (const { imports } of loaded) {
    for (const file of files) if (imports.includes(file.file)) loaded.add(file)
  }
  return [...loaded].flatMap(({ modules }) => modules)
}
