import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ClientDialectName } from '../../src/ai/conversation/readers.ts'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { HOSTILE_BODIES, type HostileBody } from './bodies.ts'

const PROVIDERS = {
  chat: 'openai-compatible',
  claude: 'anthropic',
  gem: 'gemini',
  bed: 'bedrock',
  coh: 'cohere',
} as const
type Provider = keyof typeof PROVIDERS

/** As large as the reports of such bodies were: 0.2 to 3 MB. */
const MANY = 20_000
/** Another client notices nothing worse than a slow answer. */
const LONGEST_WAIT_MS = 1_000

const PATHS: Readonly<Record<ClientDialectName, (model: string) => string>> = {
  'openai-chat': () => '/v1/chat/completions',
  'openai-completions': () => '/v1/completions',
  'openai-responses': () => '/v1/responses',
  'anthropic-messages': () => '/v1/messages',
  gemini: (model) => `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
}

/** The most of it that is let in: half as many, until the gateway takes it. */
async function attacked(ask: (body: HostileBody, n: number) => Promise<number>, body: HostileBody): Promise<number[]> {
  const statuses: number[] = []
  for (let n = MANY; n >= 500; n = Math.floor(n / 2)) {
    const status = await ask(body, n)
    statuses.push(status)
    if (status !== 400) break
  }
  return statuses
}

test('no body of a client keeps another client waiting, and none ends a worker', { timeout: 240_000 }, async (t) => {
  const upstream = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(418, { 'content-type': 'application/json' }).end('{}'))
  })
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done))
  t.after(() => upstream.close())
  // A server on a port has an address of this form.
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const key = keyPair('hostile')
  const providers = Object.fromEntries(
    Object.entries(PROVIDERS).map(([name, kind]) => [name, { kind, api_key: 'k', base_url: origin, direct: true }]),
  )
  const gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers,
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
  t.after(() => gateway.close())
  const headers = { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' }

  let longest = 0
  let asked = true
  const other = (async () => {
    while (asked) {
      const since = performance.now()
      let status = 0
      // A gateway that refuses for a moment has not served either.
      while (status !== 200) {
        const answer = await fetch(`${gateway.url}/v1/models`, { headers })
        await answer.arrayBuffer()
        status = answer.status
        assert.ok(status === 200 || status === 503, String(status))
      }
      longest = Math.max(longest, performance.now() - since)
      await new Promise((done) => setTimeout(done, 20))
    }
  })()

  // The keys of a constant.
  for (const provider of Object.keys(PROVIDERS) as Provider[]) {
    const model = `${provider}/m`
    const ask = async ({ client, make }: HostileBody, n: number): Promise<number> => {
      const body = JSON.stringify({ ...make(n), ...(client === 'gemini' ? {} : { model }) })
      const answer = await fetch(`${gateway.url}${PATHS[client](model)}`, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      return answer.status
    }
    for (const body of HOSTILE_BODIES) {
      let what = ''
      let isAnswered = false
      // What the machine did besides is not the gateway's: an attack that works does so each time.
      for (let round = 0; round < 5; round++) {
        longest = 0
        const statuses = await attacked(ask, body)
        const last = statuses.at(-1) ?? 0
        what = `${body.name} (${body.client}) before ${provider}: ${statuses.join(', ')}`
        isAnswered = last === 418 || last === 400 || last === 502
        if (isAnswered && longest < LONGEST_WAIT_MS) break
        // A gateway that sheds load does so for a second.
        await new Promise((done) => setTimeout(done, 500))
      }
      assert.ok(isAnswered, what)
      assert.ok(longest < LONGEST_WAIT_MS, `${what}: another client waited ${Math.round(longest)} ms`)
    }
  }
  asked = false
  await other
  assert.ok(!gateway.stderr.text.includes('a data worker is replaced'), gateway.stderr.text.slice(-500))
})
