import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ChatClient } from '../harness/client.ts'
import { baseConfig, keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, parseJson } from '../harness/json.ts'

const COMPLETION = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'well' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
})
const TIRED = 'tired-credential-1'

/** A provider that takes any model; its name says how it answers, where this one does so at all. */
class Provider {
  /** Models in the order in which they were asked for. */
  readonly asked: string[] = []
  readonly #server: Server

  constructor(kind: 'moody' | 'well') {
    this.#server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const model = String(at(parseJson(body), 'model'))
        this.asked.push(model)
        if (kind === 'well' || !answerBadly(model, request, response)) well(response)
      })
    })
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await new Promise((resolve) => this.#server.once('listening', resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1` // a TCP server that listens has one
  }

  timesAsked(model: string): number {
    return this.asked.filter((each) => each === model).length
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}

function well(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(COMPLETION)
}

function answerBadly(model: string, request: IncomingMessage, response: ServerResponse): boolean {
  const fail = (status: number, headers: Record<string, string> = {}, code: string | null = null) => {
    const error = { message: 'no', type: null, code }
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }))
    return true
  }
  if (model.startsWith('busy')) return fail(429, { 'retry-after': '30' })
  if (model.startsWith('sick')) return fail(503)
  if (model.startsWith('closed')) return fail(503, { 'retry-after': '30' })
  if (model.startsWith('gone')) return fail(404, {}, 'model_not_found')
  if (model.startsWith('pair') && request.headers.authorization?.includes(TIRED) === true) {
    return fail(429, { 'retry-after': '30' })
  }
  return false
}

const first = new Provider('moody')
const second = new Provider('well')
const key = keyPair()
let gateway: Gateway
const client = new ChatClient(() => gateway.url, key.secret)

before(async () => {
  await Promise.all([first.start(), second.start()])
  const config = baseConfig({
    wallUrl: first.url,
    keys: [key],
    more: {
      workers: 2,
      models: {
        '*': { strategy: 'fallback', targets: [{ provider: 'first' }, { provider: 'second' }] },
        'pair-*': { targets: [{ provider: 'pair' }] },
        'closed-both': {
          targets: [
            { provider: 'first', model: 'closed-a' },
            { provider: 'first', model: 'closed-b' },
          ],
        },
      },
      // Nothing is paid for: what costs a retry is not done.
      routing: { retry: { attempts_per_target: 1, budget_share: 0, budget_per_second: 0 } },
    },
  })
  const provider = (url: string) => ({ kind: 'openai-compatible', base_url: url, direct: true })
  const credentials = [
    { name: 'tired', api_key: TIRED, weight: 9 },
    { name: 'fresh', api_key: 'fresh-credential-1', weight: 1 },
  ]
  const providers = {
    first: provider(first.url),
    second: provider(second.url),
    pair: { ...provider(first.url), credentials },
  }
  gateway = await Gateway.start({ config: { ...config, providers } })
})

after(async () => {
  client.close()
  await gateway.close()
  first.close()
  second.close()
})

async function idOf(model: string): Promise<unknown> {
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const answer = await fetch(`${gateway.controlUrl}/admin/v1/route/explain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model }),
  })
  return at(await answer.json(), 'targets', 0, 'id')
}

async function targetsKnown(): Promise<readonly unknown[]> {
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const answer = await fetch(`${gateway.controlUrl}/admin/v1/targets`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const data = at(await answer.json(), 'data')
  assert.ok(Array.isArray(data))
  return data
}

/** Statuses of requests one after the other, with how many attempts each took. */
async function ask(model: string, count: number): Promise<string[]> {
  const told: string[] = []
  for (let n = 0; n < count; n++) {
    const { status, headers } = await client.chat({ model })
    told.push(`${status} ${String(headers['x-ferro-attempts'] ?? 1)}`)
  }
  return told
}

test('a gateway-wide model is left alone where it is throttled, and costs the next requests nothing', async () => {
  const told = await ask('busy', 12)
  assert.deepEqual(told, ['200 2', ...Array.from({ length: 11 }, () => '200 1')])
  assert.equal(first.timesAsked('busy'), 1)
})

test('a gateway-wide model whose server fails has its breaker open, and other names are asked there all the same', async () => {
  await ask('sick', 12)
  assert.equal(first.timesAsked('sick'), 5)
  assert.deepEqual(await ask('sick', 3), ['200 1', '200 1', '200 1'])
  const taken = new Set([await idOf('sick'), await idOf('busy')])
  const names = await Promise.all(['n1', 'n2', 'n3', 'n4'].map(async (name) => ({ name, id: await idOf(name) })))
  const other = names.find(({ id }) => !taken.has(id))?.name ?? ''
  await ask(other, 2)
  assert.equal(first.timesAsked(other), 2)
})

test('a name that is not there says nothing of those that share its place', async () => {
  assert.deepEqual(await ask('gone', 3), ['200 2', '200 2', '200 2'])
  assert.equal(first.timesAsked('gone'), 3)
})

test('what is known of a name is told by its place, and the worst of all as one', async () => {
  const id = await idOf('busy')
  assert.match(String(id), /^first\/\*\d+$/)
  const data = await targetsKnown()
  const place = data.find((each) => at(each, 'id') === id)
  assert.deepEqual([at(place, 'rest', 'why'), at(place, 'rest', 'asked_by_upstream')], ['throttled', true])
  const all = data.find((each) => at(each, 'id') === 'first/*')
  assert.deepEqual([at(all, 'breaker'), at(all, 'rest', 'why')], ['open', 'throttled'])
  assert.ok(data.length < 20, 'places of which nothing is known are not told')
})

test('a model that is addressed as its provider’s is left alone as long as that asked', async () => {
  const told = await client.chat({ model: 'first/busy-too' })
  assert.equal(told.status, 429)
  const again = await client.chat({ model: 'first/busy-too' })
  assert.equal(again.status, 429)
  assert.ok(Number(again.headers['retry-after']) > 20)
  assert.equal(first.timesAsked('busy-too'), 1)
})

test('of several credentials under a pattern the throttled one rests by itself', async () => {
  const told = await ask('pair-1', 20)
  assert.deepEqual(new Set(told.map((each) => each.slice(0, 3))), new Set(['200']))
  assert.ok(first.timesAsked('pair-1') <= 21, `${first.timesAsked('pair-1')}`)
})

test('targets that rest because they failed are answered for with 503, and not as if too much had been asked', async () => {
  await client.chat({ model: 'closed-both' })
  await client.chat({ model: 'closed-both' })
  const asked = first.asked.length
  const { status, headers } = await client.chat({ model: 'closed-both' })
  assert.equal(status, 503)
  assert.ok(Number(headers['retry-after']) > 20)
  assert.equal(first.asked.length, asked)
})
