/*
 * `npm run load:faults [seconds]`: a model with six targets, of which one is silent, one slow, one throttles and one dies within its
 * answers, under load; then the same load with all six healthy. Prints the share of requests that were served and how long they
 * took. Fails when a client saw an error that another target could legally have saved: any, as long as nothing of the
 * answer had reached the client. That is judged by what the client and the upstream saw, and not by what the gateway says.
 */

import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import type { ChatResult } from '../harness/client.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import { WALL_KEY } from '../harness/wall/wall.ts'
import { Times } from './times.ts'

const SECONDS = Number(process.argv[2] ?? 120)
const CLIENTS = 24
const TIMEOUTS = { connect: '300ms', first_byte: '800ms', first_byte_stream: '800ms', idle: '600ms' }
const SICK = ['ok', 'ok', 'hang-head', 'slow-60', 'status-429-retry-after', 'reset-mid-stream']
const HEALTHY = SICK.map(() => 'ok')

/** What became of one load. */
interface Outcome {
  readonly times: Times
  served: number
  /** Streams that broke behind their first words: nobody may ask again then. */
  cut: number
  /** Errors that another target could have saved. */
  readonly savable: string[]
}

const house = await House.build({ models: ['ok'], timeouts: TIMEOUTS, gateway: { args: ['--workers', '2'] } })
useModels({ sick: SICK, healthy: HEALTHY })
await eventually(async () => (await house.client.chat({ model: 'healthy' })).status === 200, { what: 'the models' })

const sick = await load('sick')
const healthy = await load('healthy')
console.log(line('four of six sick', sick))
console.log(line('all six healthy ', healthy))
for (const failure of sick.savable.slice(0, 20)) console.log(`  could have been saved: ${failure}`)
const wrong = await violations(house.evidence, 30_000)
for (const violation of wrong) console.log(`  ${violation}`)
await house.close()
process.exitCode = sick.savable.length + healthy.savable.length + healthy.cut + wrong.length === 0 ? 0 : 1

function useModels(targetsOf: Readonly<Record<string, readonly string[]>>): void {
  const providers: Record<string, JsonObject> = {}
  const models: Record<string, JsonObject> = {}
  for (const [name, kinds] of Object.entries(targetsOf)) {
    const targets = kinds.map((model, at) => {
      const provider = `${name}-${at}`
      providers[provider] = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: house.wall.url }
      return { provider, model }
    })
    models[name] = { strategy: 'weighted', targets }
  }
  const more = { providers, models, workers: 2 }
  house.gateway.writeConfig(baseConfig({ wallUrl: house.wall.url, keys: [house.key], timeouts: TIMEOUTS, more }))
  house.gateway.signal('SIGHUP')
}

async function load(model: string): Promise<Outcome> {
  const outcome: Outcome = { times: new Times(), served: 0, cut: 0, savable: [] }
  const until = performance.now() + SECONDS * 1_000
  const client = async (number: number) => {
    for (let at = 0; performance.now() < until; at++) {
      const nonce = `${model}-${number}-${at}`
      const stream = (number + at) % 2 === 0
      const began = performance.now()
      const result = await house.client.chat({ model, stream, nonce })
      outcome.times.add(performance.now() - began)
      judge(outcome, result, { nonce, stream })
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  return outcome
}

function judge(outcome: Outcome, result: ChatResult, { nonce, stream }: { nonce: string; stream: boolean }): void {
  const isWhole = stream ? result.events.at(-1) === '[DONE]' : result.json !== null
  if (result.status === 200 && isWhole && result.text.includes(nonce)) {
    outcome.served++
    return
  }
  // The upstream that broke had sent words, and the client has some of them.
  const last = house.wall.byNonce(nonce).at(-1)
  const heard = result.status === 200 && stream && result.events.some((event) => event.includes('"content"'))
  if (heard && last?.model === 'reset-mid-stream' && last.bytesSent > 0) outcome.cut++
  else outcome.savable.push(`${nonce}: ${result.status} ${result.text.slice(-160)}`)
}

function line(name: string, { times, served, cut, savable }: Outcome): string {
  const share = ((served / times.count) * 100).toFixed(2)
  return `${name}: ${times.count} requests in ${SECONDS} s, ${share} % served, ${cut} broke within their stream, ${savable.length} could have been saved; ${times.summary()}`
}
