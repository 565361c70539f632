import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createServer, type Server } from 'node:tls'
import { createAuthority } from '../harness/certificate.ts'
import { violations } from '../harness/checker.ts'
import { type ChatResult, errorCode } from '../harness/client.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, type JsonObject, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { type Blackhole, blackhole } from '../harness/wall/blackhole.ts'
import { WALL_KEY } from '../harness/wall/wall.ts'
import { shareHouse } from './house.ts'

const TIMEOUTS = { connect: '300ms', first_byte: '800ms', first_byte_stream: '800ms', idle: '600ms' }

/** What an upstream does, and what is the best that may come of it. */
interface Row {
  readonly name: string
  /** Provider and model of the first target. */
  readonly provider?: string
  readonly model: string
  readonly streams: readonly boolean[]
  /** Without another target: status and code, or `cut` for a stream that ends with an error event. */
  readonly alone: readonly [status: number, code: string | null] | 'cut' | 'served'
  /** Classes of the attempts at the first target, when another stands behind it; `cut` where it is too late. */
  readonly tried: readonly string[] | 'cut' | 'served'
}

const BOTH = [false, true]
const ROWS: readonly Row[] = [
  {
    name: 'connection refused',
    provider: 'refused',
    model: 'x',
    streams: BOTH,
    alone: [502, 'upstream_unreachable'],
    tried: ['dead'],
  },
  {
    name: 'F21 a name that is not found',
    provider: 'nameless',
    model: 'x',
    streams: BOTH,
    alone: [502, 'upstream_unreachable'],
    tried: ['dead'],
  },
  {
    name: 'F22 a certificate that nobody trusts',
    provider: 'untrusted',
    model: 'x',
    streams: BOTH,
    alone: [502, 'upstream_tls'],
    tried: ['dead'],
  },
  {
    name: 'F21 a connect that hangs',
    provider: 'blackhole',
    model: 'x',
    streams: BOTH,
    alone: [502, 'upstream_unreachable'],
    tried: ['dead'],
  },
  {
    name: '500',
    model: 'status-500',
    streams: BOTH,
    alone: [502, 'upstream_error'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'F4 503 without Retry-After',
    model: 'status-503',
    streams: BOTH,
    alone: [503, 'upstream_overloaded'],
    tried: ['transient', 'transient'],
  },
  {
    name: '503 with Retry-After',
    model: 'status-503-retry-after',
    streams: BOTH,
    alone: [503, 'upstream_overloaded'],
    tried: ['transient'],
  },
  {
    name: 'F1 429 with seconds',
    model: 'status-429-retry-after',
    streams: BOTH,
    alone: [429, 'rate_limit_exceeded'],
    tried: ['throttled'],
  },
  {
    name: 'F1 429 with a date',
    model: 'status-429-date',
    streams: BOTH,
    alone: [429, 'rate_limit_exceeded'],
    tried: ['throttled'],
  },
  {
    name: 'F1 429 with the reset of a limit',
    model: 'status-429-reset',
    streams: BOTH,
    alone: [429, 'rate_limit_exceeded'],
    tried: ['throttled'],
  },
  {
    name: 'F2 429 without a word',
    model: 'status-429',
    streams: BOTH,
    alone: [429, null],
    tried: ['throttled'],
  },
  {
    name: 'a quota that is used up',
    model: 'quota-used-up',
    streams: BOTH,
    alone: [429, 'insufficient_quota'],
    tried: ['quota'],
  },
  {
    name: 'F23 a credential that was revoked',
    model: 'echo-key-401',
    streams: BOTH,
    alone: [502, 'upstream_auth'],
    tried: ['credential'],
  },
  {
    name: 'a model that was withdrawn',
    model: 'withdrawn',
    streams: BOTH,
    alone: [404, 'model_not_found'],
    tried: ['withdrawn'],
  },
  {
    name: 'F6 silence after the request',
    model: 'hang-head',
    streams: BOTH,
    alone: [504, 'upstream_timeout'],
    tried: ['dead'],
  },
  {
    name: 'F7 a first token that does not come',
    model: 'slow-first-token',
    streams: [true],
    alone: [504, 'upstream_timeout'],
    tried: ['dead'],
  },
  { name: 'F12 a trickle', model: 'trickle', streams: BOTH, alone: [504, 'upstream_timeout'], tried: ['dead'] },
  {
    name: 'F12 a 429 whose words trickle',
    model: 'trickle-429',
    streams: BOTH,
    alone: [429, 'upstream_rate_limited'],
    tried: ['throttled'],
  },
  {
    name: 'a 429 with a very long body',
    model: 'long-429',
    streams: [false],
    alone: [429, 'upstream_rate_limited'],
    tried: ['throttled'],
  },
  {
    name: 'F5 a reset before the head',
    model: 'reset-before',
    streams: BOTH,
    alone: [502, 'upstream_closed'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'a reset within the body',
    model: 'reset-mid-body',
    streams: [false],
    alone: [502, 'upstream_truncated'],
    tried: ['transient', 'transient'],
  },
  { name: 'F8 a reset within the stream', model: 'reset-mid-stream', streams: [true], alone: 'cut', tried: 'cut' },
  { name: 'F13 a stream without its terminator', model: 'no-done', streams: [true], alone: 'served', tried: 'served' },
  { name: 'F10 an event that is malformed', model: 'bad-sse', streams: [true], alone: 'cut', tried: 'cut' },
  { name: 'F11 an error event within the stream', model: 'error-event-5', streams: [true], alone: 'cut', tried: 'cut' },
  {
    name: 'F11 an error event first',
    model: 'error-event-first',
    streams: [true],
    alone: [502, 'upstream_error'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'F24 200 with an HTML page',
    model: 'html-200',
    streams: BOTH,
    alone: [502, 'upstream_invalid_response'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'F24 200 with an empty body',
    model: 'empty-200',
    streams: BOTH,
    alone: [502, 'upstream_invalid_response'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'an answer cut short',
    model: 'bad-json',
    streams: [false],
    alone: [502, 'upstream_invalid_response'],
    tried: ['transient', 'transient'],
  },
  {
    name: 'S5 an event without end',
    model: 'big-event',
    streams: [true],
    alone: [502, 'upstream_invalid_response'],
    tried: ['transient', 'transient'],
  },
]

let hole: Blackhole | null = null
let tls: Server | null = null

/** What is learned of a target holds for all requests to it: each test has a provider of its own. */
function modelsOf(urls: Readonly<Record<string, string>>) {
  const providers: Record<string, JsonObject> = {}
  const models: Record<string, JsonObject> = {
    ok: { targets: [{ provider: 'wall', model: 'ok' }] },
    spent: {
      targets: [
        { provider: 'wall', model: 'ok-spent' },
        { provider: 'wall', model: 'ok' },
      ],
    },
    'spent-alone': { targets: [{ provider: 'wall', model: 'ok-spent' }] },
  }
  for (const [at, { provider = 'wall', model, streams }] of ROWS.entries()) {
    for (const stream of streams) {
      for (const kind of ['only', 'spare']) {
        const name = nameOf(kind, at, stream)
        providers[name] = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: urls[provider] ?? '' }
        const spare = kind === 'spare' ? [{ provider: 'wall', model: 'ok' }] : []
        models[name] = { targets: [{ provider: name, model }, ...spare] }
      }
    }
  }
  return { providers, models }
}

function nameOf(kind: string, at: number, stream: boolean): string {
  return `${kind}-${at}-${stream ? 'streamed' : 'whole'}`
}

/** What is put into another dialect as a whole may be so large. */
const TRANSLATED_AT_MOST = 64 * 1_048_576
const wallTarget = (model: string) => ({ provider: 'wall', model })

const built = shareHouse({ models: ['ok'], timeouts: TIMEOUTS }, async (house) => {
  hole = await blackhole()
  tls = createServer(createAuthority().issue({ names: ['127.0.0.1'] })).listen(0, '127.0.0.1')
  await once(tls, 'listening')
  const { url } = house.wall
  const { providers, models } = modelsOf({
    wall: url,
    refused: 'http://127.0.0.1:1/v1',
    nameless: 'http://nobody.invalid/v1',
    untrusted: `https://127.0.0.1:${(tls.address() as AddressInfo).port}/v1`, // it listens on a port
    blackhole: hole.url,
  })
  const wall = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: url }
  house.gateway.writeConfig(
    baseConfig({
      wallUrl: url,
      keys: [house.key],
      timeouts: TIMEOUTS,
      more: {
        providers: { ...providers, wall },
        // So many faults one after the other would use it up.
        routing: { retry: { budget_per_second: 1_000 } },
        models: {
          ...models,
          larger: {
            // So much takes a while to be made and read.
            targets: [wallTarget(`huge-${TRANSLATED_AT_MOST}`), wallTarget('ok')].map((target) => ({
              ...target,
              timeouts: { first_byte: '20s', idle: '20s' },
            })),
            retry: { attempts_per_target: 1 },
          },
          // As by default: a silent target takes longer than the time in which it may be asked again.
          patient: {
            targets: [wallTarget('hang-head'), wallTarget('slow-first-token'), wallTarget('ok')],
            retry: { within: '160ms' },
          },
        },
      },
    }),
  )
  house.gateway.signal('SIGHUP')
  const { client } = house
  await eventually(
    async () => (await (await client.fetch('/v1/models')).text()).includes(nameOf('spare', ROWS.length - 1, true)),
    {
      what: 'the configuration to be in force',
    },
  )
})
after(async () => {
  await hole?.close()
  tls?.close()
})

const row = (nonce: string) =>
  readLedger(built().gateway.databasePath).requests.find((request) => request.clientRequestId === nonce)

function assertCut({ text, events }: ChatResult): void {
  assert.ok(!text.includes('[DONE]'), 'it ends as if it were complete')
  assert.equal(typeof at(parseJson(events.at(-1) ?? ''), 'error', 'message'), 'string', text.slice(-300))
}

for (const [index, { name, streams, alone, tried }] of ROWS.entries()) {
  for (const stream of streams) {
    const how = stream ? 'streamed' : 'whole'
    test(`${name}, ${how}, without another target: the client is told what it was`, async () => {
      const nonce = nameOf('only', index, stream)
      const result = await built().client.chat({ model: nonce, stream, nonce })
      if (alone === 'served') assert.equal(result.events.length > 3, true)
      else if (alone === 'cut') assertCut(result)
      else assert.deepEqual([result.status, errorCode(result.json)], alone, result.text)
      // More requests would not help an account that is used up.
      const isUsedUp = errorCode(result.json) === 'insufficient_quota'
      if (result.status === 429 && !isUsedUp) assert.match(String(result.headers['retry-after']), /^[12]$/)
    })

    test(`${name}, ${how}, with another target: the best that is legal`, async () => {
      const nonce = nameOf('spare', index, stream)
      const result = await built().client.chat({ model: nonce, stream, nonce })
      if (tried === 'cut') return assertCut(result)
      assert.equal(result.status, 200, result.text)
      assert.ok(result.text.includes(nonce), 'the answer is another request’s')
      if (tried === 'served') return
      if (stream) assert.equal(result.events.at(-1), '[DONE]')
      assert.equal(result.headers['x-ferro-attempts'], String(tried.length + 1))
      await violations(built().evidence)
      const history = (row(nonce)?.attemptHistory ?? '').split(', ')
      assert.deepEqual(
        history.map((past) => /=(\w+)\(/.exec(past)?.[1]),
        [...tried, 'ok'],
        history.join(),
      )
    })
  }
}

test('a target whose answer said that nothing is left is asked behind the others until its limit is there again', async () => {
  const { client, wall } = built()
  const asked: unknown[] = []
  for (const nonce of ['spent-1', 'spent-2', 'spent-3']) {
    assert.equal((await client.chat({ model: 'spent', stream: false, nonce })).status, 200)
    asked.push(wall.byNonce(nonce).map(({ model }) => model))
  }
  assert.deepEqual(asked, [['ok-spent'], ['ok'], ['ok']])
  await client.chat({ model: 'spent-alone', stream: false, nonce: 'alone-1' })
  assert.equal((await client.chat({ model: 'spent-alone', stream: false, nonce: 'alone-2' })).status, 200)
})

test('an answer that is larger than what can be translated is none: the next target serves the client', async () => {
  const { gateway, key } = built()
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key.secret },
    body: JSON.stringify({ model: 'larger', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  assert.equal(answer.status, 200, (await answer.clone().text()).slice(0, 300))
  assert.equal(at(await answer.json(), 'type'), 'message')
  assert.deepEqual([answer.headers.get('x-ferro-model'), answer.headers.get('x-ferro-attempts')], ['wall/ok', '2'])
})

for (const stream of BOTH) {
  test(`silent targets are left for the next one, however long each was waited for, ${stream ? 'streamed' : 'whole'}`, async () => {
    const nonce = `patient-${stream}`
    const result = await built().client.chat({ model: 'patient', stream, nonce })
    assert.equal(result.status, 200, result.text)
    assert.deepEqual([result.headers['x-ferro-model'], result.headers['x-ferro-attempts']], ['wall/ok', '3'])
  })
}

test('after all of that the books balance', async () => {
  assert.deepEqual(await violations(built().evidence), [])
  await built().assertUnharmed()
})
