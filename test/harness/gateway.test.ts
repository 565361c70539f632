import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { COMPILE_CACHE } from './compile-cache.ts'
import { eventually } from './eventually.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import { isObject, parseJson } from './json.ts'
import { TextTail } from './text-tail.ts'

const entry = join(import.meta.dirname, 'stand-in.ts')

async function start(t: TestContext, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await Gateway.start({ config: {}, entry, ...options })
  t.after(() => gateway.close())
  return gateway
}

test('starts a process of its own, ready to answer, with a small environment', async (t) => {
  const gateway = await start(t, { env: { EXTRA: '1' } })
  const environment = parseJson(await (await fetch(`${gateway.url}/environment`)).text())
  assert.ok(isObject(environment))
  assert.equal(environment.EXTRA, '1')
  assert.deepEqual(Object.keys(environment).toSorted(), [
    'EXTRA',
    'HOME',
    ...Object.keys(COMPILE_CACHE),
    'PATH',
    'TMPDIR',
  ])
  assert.match(gateway.stdout.text, /^ready with 2 characters/)
  assert.deepEqual(await gateway.metrics(), [{ name: 'up', labels: { place: 'here' }, value: 1 }])
  assert.notEqual(gateway.url, gateway.controlUrl)
})

test('stops by signal with the exit code and the whole output', async (t) => {
  const gateway = await start(t)
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null })
  assert.match(gateway.stdout.text, /drained\n$/)
  assert.equal(gateway.alive, false)
})

test('is killed and started again on the same data', async (t) => {
  const gateway = await start(t)
  const { pid, dataDir } = gateway
  await gateway.kill9()
  assert.deepEqual(await gateway.exited, { code: null, signal: 'SIGKILL' })
  await gateway.restart()
  assert.notEqual(gateway.pid, pid)
  assert.equal(gateway.dataDir, dataDir)
  assert.equal((await fetch(gateway.url)).status, 200)
})

test('a process that ends before it is ready fails the start, with its output', async () => {
  await assert.rejects(Gateway.start({ config: { fault: true }, entry }), /"code":3[\s\S]*refused: fault/)
})

test('replaces the configuration in one step and removes everything at the end', async (t) => {
  const gateway = await start(t)
  gateway.writeConfig('listen: x\n')
  assert.equal(readFileSync(gateway.configPath, 'utf8'), 'listen: x\n')
  await gateway.close()
  assert.equal(existsSync(gateway.configPath), false)
  assert.equal(existsSync(gateway.dataDir), false)
  await eventually(() =>
    fetch(gateway.url).then(
      () => false,
      () => true,
    ),
  )
})

test('keeps the end of a long output', () => {
  const tail = new TextTail(10)
  for (const text of ['first-', 'second-', 'third']) tail.push(Buffer.from(text))
  assert.equal(tail.text, 'third')
})
