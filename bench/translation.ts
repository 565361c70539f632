/**
 * `node bench/translation.ts`: what conversations cost on the processor, in one run: relays of prompts of 100 KB against
 * the bare relay of `plain-relay.ts`, and chats of 1 KB that are translated against those that are relayed. Times are those of the
 * measured process alone, from `/proc`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { keyPair } from '../test/harness/config.ts'
import { Gateway } from '../test/harness/gateway.ts'
import { elapsedNanos, readThreadTimes } from './processor-time.ts'

const ROUNDS = 4
const REQUESTS = 1_500
const CONNECTIONS = 16
const PROMPT = 102_400

const chatAnswer = Buffer.from(
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(300) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
  }),
)
const messagesAnswer = Buffer.from(
  JSON.stringify({
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: 'x'.repeat(300) }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 5 },
  }),
)
const upstream = createServer((incoming, outgoing) => {
  incoming.resume()
  incoming.once('end', () => {
    const body = incoming.url?.endsWith('/messages') === true ? messagesAnswer : chatAnswer
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  })
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
// A TCP server that listens has an AddressInfo.
const upstreamPort = (upstream.address() as AddressInfo).port
const url = `http://127.0.0.1:${upstreamPort}/v1`

const key = keyPair('bench')
const gateway = await Gateway.start({
  config: {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers: 1,
    providers: {
      chat: { kind: 'openai-compatible', api_key: 'k', base_url: url, direct: true },
      claude: { kind: 'anthropic', api_key: 'k', base_url: url, direct: true },
    },
    keys: [{ id: key.id, hash: key.hash }],
  },
})
const relay = spawn(process.execPath, [join(import.meta.dirname, 'plain-relay.ts'), '0', `${upstreamPort}`])
// `data` has one argument, a Buffer here.
const [relayPort] = (await once(relay.stdout, 'data')) as [Buffer]
const relayUrl = `http://127.0.0.1:${relayPort.toString().trim()}`

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const headers = { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' }

function ask(base: string, body: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const options = { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }
  const asked = request(`${base}/v1/chat/completions`, options, (answer) => {
    answer.resume()
    answer.once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`))))
  })
  asked.once('error', reject)
  asked.end(body)
  return promise
}

/** Microseconds of processor time of the process for each request. */
async function costOf(processId: number, base: string, body: Buffer): Promise<number> {
  const before = readThreadTimes(processId)
  let left = REQUESTS
  const worker = async () => {
    while (left-- > 0) await ask(base, body)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  return elapsedNanos(before, readThreadTimes(processId), () => true) / REQUESTS / 1_000
}

const chat = (model: string, bytes: number) =>
  Buffer.from(
    JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'lorem ips '.repeat(bytes / 10) }] }),
  )
const cases = {
  'bare relay, 100 KB': [Number(relay.pid), relayUrl, chat('chat/m', PROMPT)],
  'bare relay, 1 KB': [Number(relay.pid), relayUrl, chat('chat/m', 700)],
  'gateway, relayed, 100 KB': [gateway.pid, gateway.url, chat('chat/m', PROMPT)],
  'gateway, relayed, 1 KB': [gateway.pid, gateway.url, chat('chat/m', 700)],
  'gateway, translated, 1 KB': [gateway.pid, gateway.url, chat('claude/m', 700)],
} as const

/** The fastest of the rounds counts: what else runs on the machine only ever adds. */
const best = new Map<string, number>()
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, [processId, base, body]] of Object.entries(cases)) {
    const us = await costOf(processId, base, body)
    // The first one warms up.
    if (round > 0) best.set(name, Math.min(us, best.get(name) ?? Number.POSITIVE_INFINITY))
  }
}
for (const [name, us] of best) console.log(`${name.padEnd(30)} ${us.toFixed(1).padStart(8)} µs a request`)
const cost = (name: keyof typeof cases) => best.get(name) ?? Number.NaN
const ratio = cost('gateway, relayed, 100 KB') / cost('bare relay, 100 KB')
const added = cost('gateway, translated, 1 KB') - cost('gateway, relayed, 1 KB')
console.log(`relay of 100 KB: ${ratio.toFixed(2)} of the bare relay (at most 1.25)`)
console.log(`translated over relayed, 1 KB: ${added.toFixed(1)} µs (at most 150)`)

agent.destroy()
relay.kill()
await gateway.close()
upstream.closeAllConnections()
upstream.close()
