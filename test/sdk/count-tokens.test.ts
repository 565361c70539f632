import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { countTokens as exactly } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI from 'openai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { COUNTED, ResponsesKeeper } from '../mocks/openai-responses/keeper.ts'

const KEY = 'counting-provider-key-Lm4sVx8Tq2'
const key = keyPair('counts')
const TEXT = 'Count these words, please: one, two, three.'
/** What frames a conversation of one message (OpenAI's cookbook). */
const FRAMES = 6

interface Asked {
  readonly path: string
  readonly body: JsonObject
}

/** Counts as Anthropic and Google do, or not at all; everything else is 404, as at a server that only speaks the dialect. */
class Counters {
  readonly asked: Asked[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const parsed = parseJson(Buffer.concat(pieces).toString('utf8'))
        const body = isObject(parsed) ? parsed : {}
        this.asked.push({ path: request.url ?? '', body })
        const answer = answerTo(request.url ?? '', body)
        response.writeHead(answer === null ? 404 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer ?? { detail: 'Not Found' }))
      })
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo // a TCP server that listens
    return `http://127.0.0.1:${port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

const CLOUD = '/v1/projects/p/locations/here/publishers'

function answerTo(path: string, body: JsonObject): object | null {
  const members = Object.keys(body).sort().join(' ')
  switch (path) {
    case '/anthropic/v1/messages/count_tokens':
      return members === 'messages model system' ? { input_tokens: 21 } : null
    case '/google/v1beta/models/gemini-x:countTokens':
      // Its reference takes either, and not both: what its own clients send is relayed.
      return members === 'generateContentRequest' || members === 'contents' ? { totalTokens: 22 } : null
    case `${CLOUD}/anthropic/models/count-tokens:rawPredict`:
      return members === 'anthropic_version messages model system' ? { input_tokens: 23 } : null
    case `${CLOUD}/google/models/gemini-x:countTokens`:
      return members === 'contents systemInstruction' ? { totalTokens: 24 } : null
    default:
      return null
  }
}

const counters = new Counters()
let keeper: ResponsesKeeper
let gateway: Gateway

before(async () => {
  keeper = await ResponsesKeeper.start('c', [KEY])
  const url = await counters.start()
  const shared = { api_key: KEY, direct: true }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        claude: { kind: 'anthropic', base_url: `${url}/anthropic/v1`, ...shared },
        google: { kind: 'gemini', base_url: `${url}/google/v1beta`, ...shared },
        cloud: { kind: 'vertex-ai', base_url: `${url}/v1/projects/p/locations/here`, project: 'p', ...shared },
        keeper: { kind: 'openai', base_url: keeper.url, ...shared },
        server: { kind: 'openai-compatible', base_url: `${url}/server/v1`, ...shared },
        local: { kind: 'vllm', base_url: `${url}/local/v1`, ...shared },
      },
      models: { known: { targets: [{ provider: 'server', model: 'x', catalogue: 'openai/gpt-4o' }] } },
      keys: [{ id: key.id, hash: key.hash }],
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([keeper?.close(), counters.close()])
})

const anthropic = () => new Anthropic({ apiKey: key.secret, baseURL: gateway.url, maxRetries: 0 })
const openai = () => new OpenAI({ apiKey: key.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 })

/** By Anthropic's client: what was counted, and who says so. */
async function counted(model: string): Promise<[number, string | null]> {
  const { data, response } = await anthropic()
    .messages.countTokens({ model, system: 'Be brief.', messages: [{ role: 'user', content: TEXT }] })
    .withResponse()
  assert.equal(response.headers.get('request-id'), response.headers.get('x-ferro-request-id'))
  return [data.input_tokens, response.headers.get('x-ferro-token-count')]
}

async function countedByGoogle(model: string): Promise<number | undefined> {
  const google = new GoogleGenAI({ apiKey: key.secret, httpOptions: { baseUrl: gateway.url } })
  return (await google.models.countTokens({ model, contents: TEXT })).totalTokens
}

test('each vendor counts for its own models, whatever the client speaks', async () => {
  assert.deepEqual(await counted('claude/claude-x'), [21, 'vendor'])
  assert.deepEqual(await counted('google/gemini-x'), [22, 'vendor'])
  assert.deepEqual(await counted('cloud/claude-x'), [23, 'vendor'])
  assert.deepEqual(await counted('cloud/gemini-x'), [24, 'vendor'])
  assert.deepEqual(await counted('keeper/gpt-5.2'), [COUNTED, 'vendor'])
  assert.equal(await countedByGoogle('google%2Fgemini-x'), 22)
  assert.equal(await countedByGoogle('keeper%2Fgpt-5.2'), COUNTED)
  assert.equal(keeper.last.path, '/responses/input_tokens')
  const { input_tokens: tokens } = await openai().responses.inputTokens.count({ model: 'keeper/gpt-5.2', input: TEXT })
  assert.equal(tokens, COUNTED)
})

test('a model of a public encoding is counted exactly where its server does not count', async () => {
  assert.equal(await countedByGoogle('known'), exactly(TEXT) + FRAMES)
  const { data, response } = await openai().responses.inputTokens.count({ model: 'known', input: TEXT }).withResponse()
  assert.deepEqual([data.object, data.input_tokens], ['response.input_tokens', exactly(TEXT) + FRAMES])
  assert.equal(response.headers.get('x-ferro-token-count'), 'exact')
  assert.ok(!counters.asked.some(({ path }) => path.startsWith('/server')), 'nobody was asked')
})

test('a server of a dialect that counts, which does not, is asked, and then it is estimated', async () => {
  const [tokens, source] = await counted('local/some-model')
  assert.equal(source, 'estimated')
  assert.ok(tokens > 8 && tokens < 40, String(tokens))
  assert.equal(counters.asked.at(-1)?.path, '/local/v1/messages/count_tokens')
})

test('a request that goes on with an answer is counted with what came before it, where that is kept', async () => {
  const { responses } = openai()
  const made = await responses.create({ model: 'keeper/gpt-5.2', input: 'Hello' })
  const asked = { model: 'keeper/gpt-5.2', input: TEXT, previous_response_id: made.id }
  assert.equal((await responses.inputTokens.count(asked)).input_tokens, COUNTED)
  assert.deepEqual(keeper.last.body, { ...asked, model: 'gpt-5.2' })
  const kept = await responses.create({ model: 'demo/demo-chat', input: 'Hello' })
  const alone = await responses.inputTokens.count({ model: 'known', input: TEXT })
  const whole = await responses.inputTokens.count({ model: 'known', input: TEXT, previous_response_id: kept.id })
  assert.ok(whole.input_tokens > alone.input_tokens + 10)
  await assert.rejects(
    responses.inputTokens.count({ model: 'known', input: TEXT, previous_response_id: 'resp_unknown' }),
    OpenAI.BadRequestError,
  )
})
