import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { probeBind } from './probe-bind.ts'
import { StartError } from './start-error.ts'

async function listen(t: TestContext, options: { reusePort?: boolean } = {}): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, ...options }, resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('refuses an address on which another listens, even one that shares its port', async (t) => {
  for (const reusePort of [false, true]) {
    const port = await listen(t, { reusePort })
    await assert.rejects(probeBind('listen', { host: '127.0.0.1', port }), (error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} \\(listen\\)`))
      return true
    })
  }
})

test('leaves a free address free, and asks nothing of a port that the system chooses', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  for (let round = 0; round < 2; round++) await probeBind('listen', { host: '127.0.0.1', port })
  await probeBind('listen', { host: '127.0.0.1', port: 0 })
})

test('names an address that the machine does not have', async () => {
  // TEST-NET-1 of RFC 5737 is nobody's address.
  await assert.rejects(
    probeBind('control.listen', { host: '192.0.2.1', port: 8080 }),
    /no address 192\.0\.2\.1:8080 \(control\.listen\)/,
  )
})
