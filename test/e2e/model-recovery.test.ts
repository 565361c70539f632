import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ChatClient } from '../harness/client.ts'
import { baseConfig, keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { Wall } from '../harness/wall/wall.ts'

const PROBES = 2
const COMPLETION = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'well again' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
})

/** A provider that fails, keeps its requests waiting, or is well, as the test says. */
const sick = {
  mode: 'fails' as 'fails' | 'holds' | 'well',
  asked: 0,
  held: [] as ServerResponse[],
}
const server = createServer((request, response) => {
  request.resume().once('end', () => {
    sick.asked++
    if (sick.mode === 'holds') sick.held.push(response)
    else if (sick.mode === 'well') response.writeHead(200, { 'content-type': 'application/json' }).end(COMPLETION)
    else fail(response)
  })
})
const key = keyPair()
let wall: Wall
let gateway: Gateway
const client = new ChatClient(() => gateway.url, key.secret)

function fail(response: ServerResponse): void {
  response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"sick"}}')
}

const lost = (model: string): JsonObject => ({ provider: 'wall', model, breaker: 'off' })

before(async () => {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  wall = await Wall.start()
  const config = baseConfig({
    wallUrl: wall.url,
    keys: [key],
    more: {
      workers: 2,
      models: {
        mended: {
          strategy: 'fallback',
          retry: { attempts_per_target: 1 },
          targets: [
            { provider: 'sick', model: 'm', breaker: { consecutive_failures: 3, open: '2s', probes: PROBES } },
            { provider: 'wall', model: 'ok' },
          ],
        },
        plain: { targets: [{ provider: 'wall', model: 'ok' }] },
        lost: { strategy: 'weighted', targets: [lost('status-500'), lost('status-502'), lost('status-503')] },
      },
      // The budget is that of a configuration which says nothing of it.
      routing: { retry: { backoff: '1ms', max_backoff: '2ms' } },
    },
  })
  const provider = { kind: 'openai-compatible', base_url: `http://127.0.0.1:${port}/v1`, direct: true }
  const providers = { wall: at(config, 'providers', 'wall') as JsonObject, sick: provider } // the lines above wrote it
  gateway = await Gateway.start({ config: { ...config, providers } })
})

after(async () => {
  server.close()
  server.closeAllConnections()
  client.close()
  await gateway.close()
  await wall.close()
})

/** 0 closed, 1 half-open, 2 open. */
async function breaker(): Promise<number | undefined> {
  const samples = await gateway.metrics()
  return samples.find(({ name, labels }) => name === 'ferro_model_target_breaker' && labels['target'] === 'sick/m')
    ?.value
}

async function breakerIs(state: number): Promise<void> {
  await eventually(async () => (await breaker()) === state, { what: `the breaker to be ${state}` })
}

const chats = (model: string, count: number) => Array.from({ length: count }, () => client.start({ model }).result)

async function assertAllServed(count: number): Promise<void> {
  const results = await Promise.all(chats('mended', count))
  assert.deepEqual(new Set(results.map(({ status }) => status)), new Set([200]))
}

test('when every target fails, all workers together send a fifth more requests upstream at most, as it is by default', async () => {
  const before = wall.requests.length
  for (let n = 0; n < 10; n++) {
    for (const { status } of await Promise.all(chats('lost', 20))) assert.ok(status !== null && status >= 500)
  }
  const sent = wall.requests.length - before
  assert.ok(sent > 200 && sent <= 240, `${sent} requests went out for 200`)
})

test('after its rest a target gets its probes and no more, over all workers, until it is well again', async () => {
  // What they deposit pays for the failovers of those that find it sick.
  await Promise.all(chats('plain', 50))
  for (let n = 0; n < 3; n++) assert.equal((await client.chat({ model: 'mended' })).status, 200)
  await breakerIs(2)
  const failed = sick.asked
  await breakerIs(1)
  sick.mode = 'holds'
  const crowd = chats('mended', 40)
  let served = 0
  for (const each of crowd) void each.then(() => served++)
  await eventually(() => served === 40 - PROBES, { what: 'all but the probes to be served' })
  assert.equal(sick.asked, failed + PROBES)
  for (const response of sick.held.splice(0)) fail(response)
  assert.deepEqual(new Set((await Promise.all(crowd)).map(({ status }) => status)), new Set([200]), 'probes fail over')
  await breakerIs(2)
  sick.mode = 'well'
  await breakerIs(1)
  await eventually(async () => {
    await assertAllServed(4)
    return (await breaker()) === 0
  })
  const known = sick.asked
  await assertAllServed(20)
  assert.equal(sick.asked, known + 20, 'all go where the list says again')
})
