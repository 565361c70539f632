/* Rows about a gateway that has too much to do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { House, residentBytes } from '../../e2e/house.ts'
import { eventually } from '../../harness/eventually.ts'
import { findSamples } from '../../harness/metrics.ts'
import { exchangeRaw } from '../../harness/raw-client.ts'
import { Threads } from '../../process/threads.ts'
import { play } from './crowd.ts'

const MEBIBYTE = 1_048_576

async function build(t: TestContext, options: Parameters<typeof House.build>[0]): Promise<House> {
  const house = await House.build(options)
  t.after(() => house.close())
  return house
}

/** An upstream in a thread of its own, which takes bodies of any size without looking at them. */
async function sink(t: TestContext): Promise<string> {
  const code = `
    const { createServer } = require('node:http')
    const body = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
    })
    server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port))`
  const worker = new Worker(code, { eval: true })
  t.after(() => worker.terminate())
  const [port] = await once(worker, 'message')
  return `http://127.0.0.1:${port}`
}

/** Sends chat requests in a thread of its own, all at once; answers how many had each status. */
async function crowd(options: {
  readonly url: string
  readonly secret: string
  readonly model: string
  readonly count: number
  readonly bytes: number
}): Promise<Record<number, number>> {
  const code = `
    const { request, Agent } = require('node:http')
    const { parentPort, workerData } = require('node:worker_threads')
    const { url, secret, model, count, bytes } = workerData
    const empty = JSON.stringify({ model, messages: [{ role: 'user', content: '' }] })
    const body = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'a b '.repeat((bytes - empty.length - 8) / 4) }] }))
    const agent = new Agent({ maxSockets: Infinity })
    const headers = { authorization: 'Bearer ' + secret, 'content-type': 'application/json', 'content-length': body.length }
    const one = () => new Promise((resolve) => {
      const sent = request(url + '/v1/chat/completions', { method: 'POST', headers, agent }, (answer) => {
        answer.resume().on('close', () => resolve(answer.statusCode))
      })
      sent.on('error', () => resolve(0))
      sent.end(body)
    })
    Promise.all(Array.from({ length: count }, one)).then((all) => {
      const statuses = {}
      for (const each of all) statuses[each] = (statuses[each] ?? 0) + 1
      parentPort.postMessage(statuses)
    })`
  const worker = new Worker(code, { eval: true, workerData: options })
  const [statuses] = await once(worker, 'message')
  return statuses as Record<number, number> // what the thread says
}

test('L8 eight bodies of 32 MiB at a time keep no other client waiting for long', {
  timeout: 120_000,
}, async (t) => {
  const url = await sink(t)
  const house = await build(t, {
    more: { providers: { far: { kind: 'openai-compatible', api_key: 'k', base_url: url, direct: true } }, models: {} },
  })
  const { gateway, key } = house
  const headers = { authorization: `Bearer ${key.secret}` }
  const ping = (forMs: number) => play({ part: 'ask', url: `${gateway.url}/v1/models`, headers, everyMs: 10, forMs })
  const first = await crowd({ url: gateway.url, secret: key.secret, model: 'far/m', count: 1, bytes: MEBIBYTE })
  assert.deepEqual(first, { 200: 1 })
  const sending = (async () => {
    const all: Record<number, number>[] = []
    const end = performance.now() + 8_000
    while (performance.now() < end) {
      all.push(await crowd({ url: gateway.url, secret: key.secret, model: 'far/m', count: 8, bytes: 32 * MEBIBYTE }))
    }
    return all
  })()
  const beside = await ping(8_000)
  const rounds = await sending
  t.diagnostic(
    `ping p50 ${beside.p50} ms, p99 ${beside.p99} ms beside ${rounds.length} rounds of 8 (${JSON.stringify(rounds[0])})`,
  )
  assert.ok(rounds.length > 0)
  // The clients have their share of the machine's cores.
  assert.ok(beside.p99 <= 500, `p99 ${beside.p99} ms`)
  await house.assertUnharmed()
})

test('L14 with a heap of 256 MB, 2,000 prompts of 1 MiB at once are served or refused with 503, and nothing dies', {
  timeout: 180_000,
}, async (t) => {
  const house = await build(t, {
    models: ['ok'],
    gateway: { nodeArgs: ['--max-old-space-size=256'] },
    more: { process: { worker_memory: '256MiB' } },
  })
  const { gateway, key } = house
  const { pid } = gateway
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid))
  }, 50)
  const statuses = await crowd({ url: gateway.url, secret: key.secret, model: 'ok', count: 2_000, bytes: MEBIBYTE })
  const endedAt = performance.now()
  clearInterval(watch)
  await eventually(async () => (await house.client.chat()).status === 200, {
    deadlineMs: 10_000,
    what: 'it to serve again',
  })
  t.diagnostic(
    `${JSON.stringify(statuses)}; ${Math.round(peak / MEBIBYTE)} MiB at most; served again after ${Math.round(performance.now() - endedAt)} ms`,
  )
  assert.equal(gateway.pid, pid)
  assert.deepEqual(
    Object.keys(statuses).filter((status) => status !== '200' && status !== '503'),
    [],
  )
  assert.ok((statuses[200] ?? 0) > 0)
  await house.assertUnharmed()
})

test('L15 a worker whose loop is blocked again and again sheds, and the control listener answers', {
  timeout: 60_000,
}, async (t) => {
  const threads = new Threads()
  t.after(() => threads.close())
  const house = await build(t, { gateway: threads.gateway })
  const { gateway, client } = house
  const worker = await threads.any('data')
  let blocking = true
  const block = (async () => {
    while (blocking) {
      await threads.order(worker, 'stall 700')
      await delay(20)
    }
  })()
  const statuses: (number | null)[] = []
  const healthMs: number[] = []
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    const began = performance.now()
    const health = await fetch(`${gateway.controlUrl}/healthz`)
    await health.arrayBuffer()
    healthMs.push(performance.now() - began)
    const { status, headers } = await client.chat()
    statuses.push(status)
    if (status === 503) assert.ok(Number(headers['retry-after']) >= 1)
  }
  blocking = false
  await block
  const shed = statuses.filter((status) => status === 503).length
  t.diagnostic(
    `${shed} of ${statuses.length} refused; the control listener took ${Math.max(...healthMs).toFixed(0)} ms at most`,
  )
  assert.ok(shed > 0, statuses.join())
  assert.ok(
    statuses.every((status) => status === 200 || status === 503),
    statuses.join(),
  )
  assert.ok(Math.max(...healthMs) <= 1_000)
  await eventually(async () => (await client.chat()).status === 200, { deadlineMs: 10_000, what: 'it to serve again' })
  await house.assertUnharmed()
})

function diskBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

test('L18 a flood of refusals fills neither disk nor log, and others are served', { timeout: 120_000 }, async (t) => {
  const house = await build(t, { more: { log: { access: { output: 'stdout' } } } })
  const { gateway, key } = house
  const headers = { authorization: `Bearer ${key.secret}` }
  const good = (forMs: number) => play({ part: 'ask', url: `${gateway.url}/v1/models`, headers, everyMs: 10, forMs })
  await good(1_000)
  const alone = await good(5_000)
  const before = diskBytes(gateway.dataDir)
  const said = gateway.stdout.text.length + gateway.stderr.text.length
  const request = 'GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\n\r\n'
  const last = request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  let sent = 0
  let flooding = true
  const flood = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (flooding) {
        await exchangeRaw(gateway.url, request.repeat(99) + last)
        sent += 100
      }
    }),
  )
  const beside = await good(10_000)
  flooding = false
  await flood
  const refused = async () =>
    findSamples(await gateway.metrics(), 'ferro_refused_total').reduce((sum, { value }) => sum + value, 0)
  await eventually(async () => (await refused()) >= sent, { deadlineMs: 30_000, what: 'all of them to be counted' })
  const grown = diskBytes(gateway.dataDir) - before
  const lines = gateway.stdout.text.length + gateway.stderr.text.length - said
  t.diagnostic(
    `${sent / 10} refusals a second: ${grown} bytes of disk, ${lines} of log; p99 ${beside.p99} ms beside, ${alone.p99} alone`,
  )
  assert.ok(grown < 20 * MEBIBYTE, `${grown} bytes`)
  assert.ok(lines < 8 * MEBIBYTE, `${lines} bytes of log`)
  assert.deepEqual(beside.statuses, { 200: beside.count })
  assert.ok(beside.p99 <= Math.max(2 * alone.p99, 100), `p99 ${beside.p99} ms, alone ${alone.p99} ms`)
  await house.assertUnharmed()
})
