import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { type Blackhole, blackhole } from '../harness/wall/blackhole.ts'
import { sentHeader, WALL_KEY } from '../harness/wall/wall.ts'
import { shareHouse } from './house.ts'

const TIMEOUTS = { connect: '300ms', first_byte: '800ms', first_byte_stream: '800ms', idle: '600ms' }

/** What the first target does, what the client hears without another, and the classes of its attempts with one. */
interface Row {
  readonly name: string
  readonly provider?: string
  readonly model: string
  readonly alone: readonly [status: number, code: string | null]
  readonly tried: readonly string[]
}

const ROWS: readonly Row[] = [
  {
    name: 'connection refused',
    provider: 'refused',
    model: 'x',
    alone: [502, 'upstream_unreachable'],
    tried: ['dead'],
  },
  {
    name: 'a connect that hangs',
    provider: 'blackhole',
    model: 'x',
    alone: [502, 'upstream_unreachable'],
    tried: ['dead'],
  },
  { name: '500', model: 'status-500', alone: [502, 'upstream_error'], tried: ['transient', 'transient'] },
  { name: '503', model: 'status-503', alone: [503, 'upstream_overloaded'], tried: ['transient', 'transient'] },
  { name: '429', model: 'status-429-retry-after', alone: [429, 'rate_limit_exceeded'], tried: ['throttled'] },
  {
    name: 'a quota that is used up',
    model: 'quota-used-up',
    alone: [429, 'insufficient_quota'],
    tried: ['quota'],
  },
  {
    name: 'a credential that was revoked',
    model: 'echo-key-401',
    alone: [502, 'upstream_auth'],
    tried: ['credential'],
  },
  { name: 'a model that was withdrawn', model: 'withdrawn', alone: [404, 'model_not_found'], tried: ['withdrawn'] },
  {
    name: 'silence after the request',
    model: 'hang-head',
    alone: [504, 'upstream_timeout'],
    tried: ['dead'],
  },
  {
    name: '200 with an empty body',
    model: 'empty-200',
    alone: [502, 'upstream_invalid_response'],
    tried: ['transient', 'transient'],
  },
]

const SOUND = Buffer.alloc(300_000, 7)

const embedding = (model: string): Asked => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model, input: 'a text' }),
})

function sound(model: string): Asked {
  const body = new FormData()
  body.set('model', model)
  body.set('file', new Blob([SOUND]), 'a.wav')
  return { body }
}

/** Both kinds of bodies: JSON, and a form that streams through. */
const KINDS: readonly {
  readonly name: string
  readonly route: string
  readonly init: (model: string) => Asked
}[] = [
  {
    name: 'embeddings',
    route: 'embeddings',
    init: (model) => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, input: 'a text' }),
    }),
  },
  {
    name: 'a transcription',
    route: 'audio.transcriptions',
    init: sound,
  },
]

let hole: Blackhole | null = null
let gemini: Gemini | null = null

/** A server of Google's API that embeds with one model and has no other. */
class Gemini {
  readonly asked: { readonly path: string; readonly body: unknown }[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const path = request.url ?? ''
    this.asked.push({ path, body: JSON.parse(Buffer.concat(chunks).toString()) })
    const isKnown = path.includes('/gemini-embedding-001:')
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' })
    const fault = { error: { code: 404, message: 'models/gone is not found', status: 'NOT_FOUND' } }
    response.end(JSON.stringify(isKnown ? { embeddings: [{ values: [7, 8] }] } : fault))
  }

  static async start(): Promise<Gemini> {
    const made = new Gemini()
    made.#server.listen(0, '127.0.0.1')
    await once(made.#server, 'listening')
    return made
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1beta` // it listens on a port
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const PATHS = { embeddings: '/v1/embeddings', 'audio.transcriptions': '/v1/audio/transcriptions' } as const

interface Asked {
  readonly body: string | FormData
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(route: string, init: Asked): Promise<{ status: number; headers: Headers; json: unknown }> {
  const path = PATHS[route as keyof typeof PATHS] // routes are those of KINDS
  const { gateway, key } = built()
  const headers = { authorization: `Bearer ${key.secret}`, ...init.headers }
  const response = await fetch(`${gateway.url}${path}`, { method: 'POST', ...init, headers })
  return { status: response.status, headers: response.headers, json: await response.json() }
}

const nameOf = (kind: string, route: string, at: number) => `${kind}-${route.slice(0, 5)}-${at}`

/** What is learned of a target holds for all requests to it: each test has a provider of its own. */
function modelsOf(urls: Readonly<Record<string, string>>) {
  const providers: Record<string, JsonObject> = {}
  const models: Record<string, JsonObject> = {}
  for (const [at, { provider = 'wall', model }] of ROWS.entries()) {
    for (const { route } of KINDS) {
      for (const kind of ['only', 'spare']) {
        const name = nameOf(kind, route, at)
        providers[name] = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: urls[provider] ?? '' }
        const spare = kind === 'spare' ? [{ provider: 'wall', model: 'ok' }] : []
        models[name] = { targets: [{ provider: name, model }, ...spare] }
      }
    }
  }
  return { providers, models }
}

const built = shareHouse({ models: ['ok'], timeouts: TIMEOUTS }, async (house) => {
  hole = await blackhole()
  gemini = await Gemini.start()
  const { url } = house.wall
  const { providers, models } = modelsOf({ wall: url, refused: 'http://127.0.0.1:1/v1', blackhole: hole.url })
  const wall = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: url }
  const several = {
    kind: 'openai-compatible',
    base_url: url,
    credentials: [{ api_key: 'a-key-that-was-revoked' }, { api_key: WALL_KEY }],
  }
  const more = {
    // So many faults one after the other would use it up.
    routing: { retry: { budget_per_second: 1_000 } },
    providers: {
      ...providers,
      wall,
      hangs: { ...wall },
      'hangs-too': { ...wall },
      dark: { ...wall },
      new: { ...wall },
      several,
      google: { kind: 'gemini', api_key: 'x', base_url: gemini.url },
    },
    models: {
      ...models,
      keys: { strategy: 'fallback', targets: [{ provider: 'several', model: 'ok' }] },
      'to-gemini': {
        targets: [
          { provider: 'wall', model: 'status-502' },
          { provider: 'google', model: 'gemini-embedding-001' },
        ],
      },
      'from-gemini': {
        targets: [
          { provider: 'google', model: 'gone' },
          { provider: 'wall', model: 'ok' },
        ],
      },
      hurried: {
        hedge: { after: '120ms' },
        targets: [
          { provider: 'hangs-too', model: 'hang-head' },
          { provider: 'wall', model: 'ok' },
        ],
      },
      copied: {
        shadow: { target: { provider: 'dark', model: 'slow-1' }, share: '100%' },
        targets: [{ provider: 'wall', model: 'ok' }],
      },
      tried: {
        canary: { target: { provider: 'new', model: 'ok' }, share: '100%' },
        targets: [{ provider: 'wall', model: 'ok' }],
      },
      patient: {
        targets: [
          { provider: 'hangs', model: 'hang-head' },
          { provider: 'wall', model: 'slow-400' },
        ],
      },
      large: {
        targets: [
          { provider: 'wall', model: 'status-500' },
          { provider: 'wall', model: 'ok' },
        ],
      },
      'large-refused': {
        targets: [
          { provider: nameOf('only', 'embeddings', 0), model: 'x' },
          { provider: 'wall', model: 'ok' },
        ],
      },
    },
  }
  house.gateway.writeConfig(baseConfig({ wallUrl: url, keys: [house.key], timeouts: TIMEOUTS, more }))
  house.gateway.signal('SIGHUP')
  const { client } = house
  await eventually(async () => (await (await client.fetch('/v1/models')).text()).includes('large-refused'), {
    what: 'the configuration to be in force',
  })
})
after(async () => {
  await hole?.close()
  gemini?.close()
})

/** The record of the request with this model; it is written when the request has ended. */
function recordOf(model: string): Promise<Readonly<Record<string, unknown>>> {
  return eventually(
    () => {
      using database = built().gateway.db()
      return database.prepare('SELECT * FROM requests WHERE model_requested = ?').get(model) ?? null
    },
    { what: `the record of ${model}` },
  )
}

for (const [index, { name, alone, tried }] of ROWS.entries()) {
  for (const { name: what, route, init } of KINDS) {
    test(`${name}, for ${what}, without another target: the client is told what it was`, async () => {
      const { status, json } = await ask(route, init(nameOf('only', route, index)))
      assert.deepEqual([status, at(json, 'error', 'code')], alone, JSON.stringify(json))
    })

    test(`${name}, for ${what}, with another target: that one serves it`, async () => {
      const model = nameOf('spare', route, index)
      const { status, headers, json } = await ask(route, init(model))
      assert.equal(status, 200, JSON.stringify(json))
      if (route === 'embeddings') assert.deepEqual(at(json, 'data', 0, 'embedding'), [0.5, 1])
      else assert.equal(at(json, 'text'), `heard ${SOUND.length} bytes`)
      assert.equal(headers.get('x-ferro-attempts'), String(tried.length + 1))
      assert.equal(headers.get('x-ferro-model'), 'wall/ok')
      const history = String((await recordOf(model))['attempt_history']).split(', ')
      assert.deepEqual(
        history.map((past) => /=(\w+)\(/.exec(past)?.[1]),
        [...tried, 'ok'],
        history.join(),
      )
    })
  }
}

for (const { name: what, route, init } of KINDS) {
  test(`the credentials of a provider are tried one after the other, for ${what}, and one that is refused rests`, async () => {
    const seen = built().wall.requests.length
    for (let round = 0; round < 4; round++) {
      const { status, json } = await ask(route, init('keys'))
      assert.equal(status, 200, JSON.stringify(json))
    }
    const sent = built().wall.requests.slice(seen)
    const revoked = sent.filter((request) => sentHeader(request, 'authorization')?.includes('revoked'))
    assert.ok(revoked.length <= 1, `${revoked.length} requests went with the revoked key`)
    assert.equal(sent.length - revoked.length, 4)
  })
}

test('a target of another dialect takes over, and gives back, each with a body of its own', async () => {
  const { status, json } = await ask('embeddings', embedding('to-gemini'))
  assert.equal(status, 200, JSON.stringify(json))
  assert.deepEqual(at(json, 'data', 0, 'embedding'), [7, 8])
  assert.deepEqual(gemini?.asked.at(-1), {
    path: '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    body: { requests: [{ model: 'models/gemini-embedding-001', content: { parts: [{ text: 'a text' }] } }] },
  })
  const back = await ask('embeddings', embedding('from-gemini'))
  assert.equal(back.status, 200, JSON.stringify(back.json))
  assert.deepEqual(at(back.json, 'data', 0, 'embedding'), [0.5, 1])
  assert.equal(back.headers.get('x-ferro-attempts'), '2')
})

test('a target of vectors that is slow is overtaken by the second, and cut', async () => {
  const begun = performance.now()
  const { status, headers } = await ask('embeddings', embedding('hurried'))
  assert.equal(status, 200)
  assert.ok(performance.now() - begun < 700, 'the first byte was waited for')
  assert.equal(headers.get('x-ferro-model'), 'wall/ok')
  const history = String((await recordOf('hurried'))['attempt_history'])
  assert.match(history, /^hangs-too\/hang-head=cancelled\(.*, wall\/ok=ok\([^)]*,hedge\)$/)
})

test('a request for vectors is copied, with a record of its own that belongs to nobody', async () => {
  const { status, headers } = await ask('embeddings', embedding('copied'))
  assert.deepEqual([status, headers.get('x-ferro-model')], [200, 'wall/ok'])
  const copy = await eventually(
    () => {
      using database = built().gateway.db()
      return database.prepare("SELECT * FROM requests WHERE route = 'embeddings.shadow'").get() ?? null
    },
    { what: 'the record of the copy' },
  )
  assert.deepEqual(
    [copy['provider'], copy['variant'], copy['key_id'], copy['outcome'], copy['input_tokens']],
    ['dark', 'shadow', null, 'success', 3],
  )
})

for (const { name: what, route, init } of KINDS) {
  test(`a canary is asked first, for ${what}, and says so`, async () => {
    const { status, headers } = await ask(route, init('tried'))
    assert.deepEqual([status, headers.get('x-ferro-model'), headers.get('x-ferro-variant')], [200, 'new/ok', 'canary'])
  })
}

test('an attempt with a form that an earlier one has taken has its own time for an answer', async () => {
  const { status, json, headers } = await ask('audio.transcriptions', sound('patient'))
  assert.equal(status, 200, JSON.stringify(json))
  assert.equal(headers.get('x-ferro-attempts'), '2')
})

function largeForm(model: string): Asked {
  const body = new FormData()
  body.set('model', model)
  body.set('file', new Blob([Buffer.alloc(6_000_000, 1)]), 'a.wav')
  return { body }
}

test('a form that is too large to be kept goes elsewhere as long as nothing of it was sent, and no more afterwards', async () => {
  const refused = await ask('audio.transcriptions', largeForm('large-refused'))
  assert.equal(refused.status, 200, JSON.stringify(refused.json))
  assert.equal(at(refused.json, 'text'), 'heard 6000000 bytes')
  const sent = await ask('audio.transcriptions', largeForm('large'))
  assert.deepEqual([sent.status, at(sent.json, 'error', 'code')], [502, 'upstream_error'])
})

test('after all of that the books balance', async () => {
  assert.deepEqual(await violations(built().evidence), [])
  await built().assertUnharmed()
})
