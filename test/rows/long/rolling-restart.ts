/* A rolling restart of three gateways behind a balancer that asks for their readiness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, keptConnections } from '../../harness/ask.ts'
import { eventually } from '../../harness/eventually.ts'
import { Gateway } from '../../harness/gateway.ts'
import { Origin } from '../../harness/origin.ts'
import { freePort, serverSuite, startHaproxy } from '../../servers/servers.ts'

serverSuite('haproxy', 'a rolling restart', () => {
  test('D8 three gateways restart one after the other, and no request or stream fails', {
    timeout: 180_000,
  }, async (t) => {
    const origin = await Origin.start()
    t.after(() => origin.close())
    origin.on('/stream', async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < 20 && !response.destroyed; at++) {
        response.write(`data: ${at}\n\n`)
        await delay(100)
      }
      response.end('data: end\n\n')
    })
    const gateways: Gateway[] = []
    const ports: number[] = []
    for (let at = 0; at < 3; at++) {
      const port = await freePort()
      ports.push(port)
      const config = {
        listen: `127.0.0.1:${port}`,
        control: { listen: '127.0.0.1:0' },
        workers: 1,
        drain: { lag: '3s', grace: '20s' },
        log: { access: { output: 'off' } },
        upstreams: { pool: { targets: [origin.url] } },
        routes: [{ id: 'all', match: { path: '/**' }, upstream: 'pool' }],
      }
      const gateway = await Gateway.start({ config })
      t.after(() => gateway.close())
      gateways.push(gateway)
    }
    const balancer = await startHaproxy(
      ({ port }) => `defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend gateways
backend gateways
  option httpchk GET /readyz
  default-server check inter 300 fall 1 rise 1
${ports.map((each, at) => `  server g${at} 127.0.0.1:${each}`).join('\n')}
`,
    )
    t.after(() => balancer.stop())
    const url = `http://127.0.0.1:${balancer.port}`
    await eventually(async () => (await ask(`${url}/up`)).status === 200)
    const failures: string[] = []
    let served = 0
    let running = true
    const agent = keptConnections()
    const load = async (path: string, isRight: (text: string) => boolean, everyMs: number) => {
      while (running) {
        const answer = await ask(`${url}${path}`, { agent })
        served++
        if (answer.status !== 200 || !answer.complete || !isRight(answer.text)) {
          failures.push(`${path}: ${answer.status}, complete: ${answer.complete}, ${answer.text.slice(-100)}`)
        }
        await delay(everyMs)
      }
    }
    const loads = [
      ...Array.from({ length: 15 }, () => load('/plain', (text) => text.includes('"url":"/plain"'), 50)),
      ...Array.from({ length: 30 }, () => load('/stream', (text) => text.endsWith('data: end\n\n'), 0)),
    ]
    for (const gateway of gateways) {
      await delay(2_000)
      const exit = await gateway.stop('SIGTERM', 40_000)
      assert.deepEqual(exit, { code: 0, signal: null })
      await gateway.restart()
    }
    await delay(2_000)
    running = false
    await Promise.all(loads)
    agent.destroy()
    t.diagnostic(`${served} requests over three restarts`)
    assert.deepEqual(failures, [])
    assert.ok(served > 500)
  })
})
