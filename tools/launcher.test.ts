import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'

// That of a test run would be taken in the place of those which are looked for here.
delete process.env['NODE_COMPILE_CACHE']

const LAUNCHER = path.resolve(import.meta.dirname, '../bin')
const PACKAGED = `node-${process.platform}-${process.arch}`

const MAIN = `
import module from 'node:module'
import { Worker } from 'node:worker_threads'
async function cacheOfWorker() {
  const source = "require('worker_threads').parentPort.postMessage(require('module').getCompileCacheDir() ?? null)"
  return await new Promise((resolve) => new Worker(source, { eval: true }).once('message', resolve))
}
export async function main(argv) {
  if (argv[0] === 'wait') {
    process.on('SIGTERM', () => { console.log('SIGTERM'); clearInterval(timer); process.exitCode = 7 })
    process.on('SIGHUP', () => console.log('SIGHUP'))
    var timer = setInterval(() => {}, 1000)
  }
  const [cache, inWorker] = [module.getCompileCacheDir(), await cacheOfWorker()]
  console.log(JSON.stringify({ cache, inWorker, argv, node: process.versions.node, entry: import.meta.url, script: process.argv[1] }))
  if (argv[0] === 'die') process.kill(process.pid, 'SIGKILL')
  if (argv[0] === 'throw') throw new Error('thrown on request')
  return argv[0] === 'code' ? Number(argv[1]) : undefined
}
`

/** A package with the launcher and a program that tells how it was started. */
function packageWith(t: TestContext, parts: readonly ('source' | 'built' | 'node')[]): string {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'ferro-launcher-')))
  t.after(() => rmSync(root, { recursive: true }))
  cpSync(LAUNCHER, path.join(root, 'bin'), { recursive: true })
  writeFileSync(path.join(root, 'package.json'), '{ "type": "module" }')
  // A launcher that believes it runs on an old Node, whatever the machine has.
  writeFileSync(
    path.join(root, 'old.cjs'),
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.0' } })`,
  )
  for (const [part, file] of [
    ['source', 'src/cli/main.ts'],
    ['built', 'dist/cli/main.js'],
  ] as const) {
    if (!parts.includes(part)) continue
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), MAIN)
  }
  if (parts.includes('node')) {
    const folder = path.join(root, 'node_modules', PACKAGED, 'bin')
    mkdirSync(folder, { recursive: true })
    symlinkSync(process.execPath, path.join(folder, 'node'))
  }
  return root
}

function launch(root: string, args: readonly string[], node: readonly string[] = [process.execPath]) {
  const [command = '', ...flags] = node
  return spawnSync(command, [...flags, path.join(root, 'bin/ferro'), ...args], { encoding: 'utf8' })
}

const old = (root: string) => [process.execPath, '--require', path.join(root, 'old.cjs')]

async function line(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout)
  const [chunk] = await once(child.stdout, 'data')
  return String(chunk).trim()
}

test('runs the source on a new enough Node, and passes arguments and exit code on', (t) => {
  const root = packageWith(t, ['source'])
  const run = launch(root, ['code', '3'])
  assert.equal(run.status, 3, run.stderr)
  const said = JSON.parse(run.stdout)
  assert.deepEqual(said.argv, ['code', '3'])
  assert.match(said.entry, /src\/cli\/main\.ts$/)
  assert.equal(said.script, path.join(root, 'src/cli/main.ts'))
})

test('prefers what was built, and caches its compiled code beside it, for workers too', (t) => {
  const root = packageWith(t, ['source', 'built'])
  const run = launch(root, [])
  assert.equal(run.status, 0, run.stderr)
  const said = JSON.parse(run.stdout)
  assert.match(said.entry, /dist\/cli\/main\.js$/)
  assert.equal(path.dirname(said.cache), path.join(root, 'dist/.compile-cache'))
  assert.equal(said.inWorker, said.cache)
})

test('caches the compiled code of the source too, out of the way', (t) => {
  const root = packageWith(t, ['source'])
  const said = JSON.parse(launch(root, []).stdout)
  assert.equal(path.dirname(said.cache), path.join(root, 'node_modules/.cache/ferro'))
  assert.equal(said.inWorker, said.cache)
})

test("caches compiled code among the account's own caches when the package is not the account's", (t) => {
  const root = packageWith(t, ['built'])
  // What is in the way stops also an account that may write everywhere.
  writeFileSync(path.join(root, 'dist/.compile-cache'), '')
  const env = { ...process.env, XDG_CACHE_HOME: path.join(root, 'caches') }
  const run = spawnSync(process.execPath, [path.join(root, 'bin/ferro')], { encoding: 'utf8', env })
  const said = JSON.parse(run.stdout)
  assert.equal(path.dirname(said.cache), path.join(root, 'caches/ferro-gateway'))
  assert.equal(said.inWorker, said.cache)
})

test('says what went wrong when the program cannot start', (t) => {
  const run = launch(packageWith(t, ['source']), ['throw'])
  assert.equal(run.status, 1)
  assert.match(run.stderr, /ferro: could not start:.*thrown on request/)
})

test('runs through a link, as npm makes one', (t) => {
  const root = packageWith(t, ['source'])
  symlinkSync(path.join(root, 'bin/ferro'), path.join(root, 'link'))
  const run = spawnSync(process.execPath, [path.join(root, 'link')], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
})

test('on an old Node starts the packaged one, and ends as it ended', (t) => {
  const root = packageWith(t, ['source', 'node'])
  const run = launch(root, ['code', '4'], old(root))
  assert.equal(run.status, 4, run.stderr)
  assert.equal(JSON.parse(run.stdout).node, process.versions.node)
  assert.equal(launch(root, ['die'], old(root)).signal, 'SIGKILL')
})

test('on an old Node passes signals on', async (t) => {
  const root = packageWith(t, ['source', 'node'])
  const [command = '', ...flags] = old(root)
  const child = spawn(command, [...flags, path.join(root, 'bin/ferro'), 'wait'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.match(await line(child), /wait/)
  child.kill('SIGHUP')
  assert.equal(await line(child), 'SIGHUP')
  child.kill('SIGTERM')
  assert.equal(await line(child), 'SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 7)
})

test('on an old Node without a packaged one says so in one line', (t) => {
  const root = packageWith(t, ['source'])
  const run = launch(root, [], old(root))
  assert.equal(run.status, 1)
  assert.match(run.stderr, /^ferro: Node 24 or newer is needed, this is 20\.11\.0: .*\n$/)
})

test("runs on the machine's own Node, whatever its age", (t) => {
  const places = (process.env.PATH ?? '').split(path.delimiter).filter((place) => !place.includes('node_modules'))
  const system = spawnSync('which', ['node'], {
    env: { PATH: places.join(path.delimiter) },
    encoding: 'utf8',
  }).stdout.trim()
  if (system === '') return t.skip('the machine has no Node of its own')
  const root = packageWith(t, ['source', 'node'])
  const run = launch(root, ['code', '5'], [system])
  assert.equal(run.status, 5, run.stderr)
  assert.ok(Number.parseInt(JSON.parse(run.stdout).node, 10) >= 24)
})
