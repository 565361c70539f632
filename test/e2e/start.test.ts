import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseConfig, keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { Wall } from '../harness/wall/wall.ts'
import { freePort } from '../servers/servers.ts'

test('G4 while the gateway starts, nothing that is configured is unknown, and it is ready only when it serves', async (t) => {
  const wall = await Wall.start()
  t.after(() => wall.close())
  const key = keyPair()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const more = {
    listen: `127.0.0.1:${port}`,
    workers: 4,
    routes: [{ id: 'page', match: { path: '/page' }, respond: { body: 'page' } }],
  }
  const gateway = Gateway.launch({ config: baseConfig({ wallUrl: wall.url, keys: [key], more }) })
  t.after(() => gateway.close())
  const headers = { authorization: `Bearer ${key.secret}`, connection: 'close' }
  const statusOf = async (path: string): Promise<number | null> => {
    try {
      const answer = await fetch(`${url}${path}`, { headers })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return null // nobody listens yet
    }
  }
  const seen = new Set<number>()
  let isReady = false
  const watch = async (path: string) => {
    for (let served = 0; served < 30; ) {
      const readyBefore = isReady
      const status = await statusOf(path)
      if (readyBefore) assert.equal(status, 200, `${path} after it was ready`)
      if (status === 200) served++
      if (status !== null) seen.add(status)
    }
  }
  const watching = Promise.all(['/v1/models/ok', '/page', '/v1/models/ok', '/page'].map(watch))
  await gateway.waitReady()
  isReady = true
  await watching
  assert.ok(
    [...seen].every((status) => status === 200 || status === 503),
    [...seen].join(),
  )
})
