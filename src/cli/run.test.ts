import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { COMPILE_CACHE } from '../../test/harness/compile-cache.ts'
import { eventually, within } from '../../test/harness/eventually.ts'
import { PROGRAM } from '../../test/harness/program.ts'
import { createFerro } from './testing/ferro.ts'

/** Starts a gateway without a file on free ports, and resolves when it has said where it is. */
async function startGateway(t: TestContext, folder: string, env: Readonly<Record<string, string>> = {}) {
  const args = ['run', '--listen', '127.0.0.1:0', '--control', '127.0.0.1:0', '--workers', '1']
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  await eventually(() => output.includes('Documentation:'), { deadlineMs: 20_000, what: `the start: ${errors}` })
  return { child, output: () => output, errors: () => errors, ended: () => within(ended, 20_000, 'the end') }
}

test('A16 starts without a file, shows the first key once, and its curl line gets an answer', async (t) => {
  const { folder } = createFerro(t)
  const gateway = await startGateway(t, folder)
  const text = gateway.output()
  const key = /\n {2}(fk-\S+)\n/.exec(text)?.[1] ?? ''
  const [, url = '', body = ''] = /\n {2}curl (\S+) .* -d '(.*)'\n/.exec(text) ?? []
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body })
  assert.equal(answer.status, 200, await answer.text())
  gateway.child.kill('SIGTERM')
  assert.deepEqual(await gateway.ended(), [0, null])
  const second = await startGateway(t, folder)
  assert.ok(!second.output().includes(key))
  assert.match(second.output(), /here as \$FERRO_KEY\. Make one: ferro keys create\n/)
  second.child.kill('SIGINT')
  assert.deepEqual(await second.ended(), [0, null])
})

test('ends at once at the second signal, while a request runs', async (t) => {
  const { folder } = createFerro(t)
  const gateway = await startGateway(t, folder)
  const key = /\n {2}(fk-\S+)\n/.exec(gateway.output())?.[1] ?? ''
  const url = /\n {2}curl (\S+) /.exec(gateway.output())?.[1] ?? ''
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'demo/demo-hang', messages: [{ role: 'user', content: 'a' }] })
  const request = fetch(url, { method: 'POST', headers, body }).catch(() => null)
  const control = String(JSON.parse(readFileSync(join(folder, '.ferro', 'instance.json'), 'utf8')).control)
  const token = readFileSync(join(folder, '.ferro', 'admin-token'), 'utf8').trim()
  const admin = { authorization: `Bearer ${token}` }
  const inFlight = async () => {
    const status: unknown = await (await fetch(`${control}/admin/v1/status`, { headers: admin })).json()
    return typeof status === 'object' && status !== null && 'in_flight' in status && status.in_flight === 1
  }
  await eventually(inFlight, { what: 'the request to run' })
  gateway.child.kill('SIGTERM')
  const notReady = async () => (await fetch(`${control}/readyz`).catch(() => null))?.status === 503
  await eventually(notReady, { what: 'the drain to begin' })
  assert.equal(gateway.child.exitCode, null)
  const startMs = performance.now()
  gateway.child.kill('SIGTERM')
  assert.deepEqual(await gateway.ended(), [0, null])
  assert.ok(performance.now() - startMs < 5_000, 'a drain would wait for the request')
  await request
})

test('names the providers that it finds, and never their keys', async (t) => {
  const { folder } = createFerro(t)
  const secret = 'sample-secret-of-a-provider'
  const gateway = await startGateway(t, folder, { GROQ_API_KEY: secret, npm_lifecycle_event: 'start' })
  assert.match(gateway.output(), /Providers +groq; the demo provider answers offline/)
  assert.match(gateway.output(), /Make another: \.\/bin\/ferro keys create\n/)
  assert.ok(!(gateway.output() + gateway.errors()).includes(secret))
  gateway.child.kill('SIGTERM')
  await gateway.ended()
})

test('refuses a second start on the same data directory, and says who is there', async (t) => {
  const { folder, run } = createFerro(t)
  const gateway = await startGateway(t, folder)
  const { code, stdout, stderr } = await run(['run', '--listen', '127.0.0.1:0', '--control', '127.0.0.1:0'])
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, new RegExp(`^error: Another ferro \\(process ${gateway.child.pid}\\) uses the data directory`))
  gateway.child.kill('SIGTERM')
  await gateway.ended()
})
