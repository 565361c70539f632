/**
 * What the gateway itself adds to a request: the road from the text of a head to a settled record, with everything on
 * (key, rate limit, budget, journal, metrics, access log), without sockets. Prints the best and the
 * median of many rounds in microseconds of one thread; the best is what noise cannot hide.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileSurfaces, DemoUpstream, modelTraffic } from '../../src/ai/index.ts'
import { documentFrom } from '../../src/config/index.ts'
import { RequestHead, readRequestHead } from '../../src/core/http1/request-head.ts'
import {
  Gateway,
  handle,
  type Plan,
  type ResponseHandler,
  type Transport,
  type UpstreamRequest,
} from '../../src/core/index.ts'
import {
  createIdentify,
  createRateCheck,
  createReserve,
  createScopeCheck,
  createSettlement,
  Intents,
  intentRegionCells,
  KeyTable,
  NamelessRefusals,
  SharedCounters,
} from '../../src/governance/index.ts'
import { AccessLog, createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../src/observability/index.ts'
import { hashKey, JournalAppender } from '../../src/storage/index.ts'
import { ClientDouble } from '../../test/request-path/client-double.ts'
import { tablesOf } from '../../test/request-path/served.ts'

const BODY = Buffer.from(
  '{"max_tokens":4,"messages":[{"content":"Return one word.","role":"user"}],"model":"gpt-4o","stream":false}',
)
const ANSWER = Buffer.from(
  '{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Mock response from FerroGateway benchmark server.","role":"assistant"}}],"created":1774300000,"id":"chatcmpl-abcdef01","model":"gpt-4o","object":"chat.completion","usage":{"completion_tokens":8,"prompt_tokens":10,"total_tokens":18}}\n',
)
const SECRET = 'bench-secret-key'
const HEAD = [
  'POST /v1/chat/completions HTTP/1.1',
  'Host: 127.0.0.1:8080',
  'Content-Type: application/json',
  `Authorization: Bearer ${SECRET}`,
  `Content-Length: ${BODY.length}`,
].join('\r\n')
const ANSWER_HEADERS = {
  server: 'nginx/1.22.1',
  date: 'Sat, 21 Nov 2026 11:12:04 GMT',
  'content-type': 'application/json',
  'content-length': String(ANSWER.length),
  connection: 'keep-alive',
}

const nothing = () => undefined
const controller = { pause: nothing, resume: nothing, abort: nothing, rawHeaders: [] }
const transport: Transport = {
  dispatch(_request: UpstreamRequest, handler: ResponseHandler): boolean {
    handler.onRequestStart(controller, null)
    handler.onResponseStart(controller, 200, ANSWER_HEADERS)
    handler.onResponseData(controller, ANSWER)
    handler.onResponseEnd(controller, null)
    return true
  },
  close: async () => undefined,
}

const folder = mkdtempSync(join(tmpdir(), 'ferro-bench-'))
const counters = new BigInt64Array(new SharedArrayBuffer(4096))
const generations = new Int32Array(new SharedArrayBuffer(64))
const intents = new Intents(new BigInt64Array(new SharedArrayBuffer(intentRegionCells(8192) * 8)), 8192)
const journal = new JournalAppender({
  directory: folder,
  startMs: Date.now(),
  worker: 1,
  sync: 'interval',
  syncIntervalMs: 20,
  onWritten: nothing,
  onReservesWritten: () => intents.clear(),
  onSegment: (sequence) => intents.openSegment(sequence),
})
const metrics = new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: nothing }))
const accessLog = new AccessLog({ output: join(folder, 'access.log'), level: 'info' })
const desk = new SharedCounters(counters, { intents })
const keys = new KeyTable({ generations, pepper: 'pepper', catchUp: nothing })
keys.apply({
  id: 'bench',
  document: {
    id: 'bench',
    hash: hashKey(SECRET),
    previous: null,
    addresses: null,
    enabled: true,
    expiresAt: null,
    scopes: [],
    modelsAllow: null,
    modelsDeny: null,
    rates: [{ level: 'key:bench', slot: 0, limit: 1e9, per: 'minute', intervalUs: 1, burst: 1e9 }],
    tokenRate: null,
    concurrency: null,
    budgets: [
      {
        level: 'key:bench',
        counter: 'key:bench:tokens:month',
        slot: 8,
        unit: 'tokens',
        per: 'month',
        timeZone: 'UTC',
        limit: 9e12,
      },
    ],
    levels: [],
    generationSlot: 0,
    generation: 0,
  },
})
const document = await documentFrom({
  providers: { mock: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', api_key: 'mock-key-123' } },
  models: { 'gpt-4o': { targets: [{ provider: 'mock', model: 'gpt-4o', prices: { input: 2.5, output: 10 } }] } },
})
const settle = [
  createSettlement({ worker: 1, journal, accessLog, metrics, refusals: new NamelessRefusals(0) }, modelTraffic),
]
const identify = createIdentify(keys)
const surfaces = await compileSurfaces({
  document,
  environment: {},
  metrics,
  transports: { demo: new DemoUpstream(), connect: () => transport },
  hooks: {
    conversation: (scope) => ({
      identify,
      admit: [createScopeCheck(scope), createRateCheck(desk)],
      reserve: createReserve({ desk, journal, port: modelTraffic, accepting: () => true }),
      settle,
    }),
    models: { identify, admit: null, settle: null },
    unmatched: { settle: null },
  },
})
const plan: Plan = {
  version: 1,
  paths: new Map(tablesOf(surfaces, false)),
  prefixes: [],
  fallback: surfaces.fallback,
}
const gateway = new Gateway({
  plan,
  limits: { bodyIdleMs: 30_000, bodyMemoryBytes: 1e9 },
  onFault(error) {
    throw error
  },
})

const BATCH = 32
const rounds = Number(process.argv[2] ?? 400)
const times: number[] = []
for (let round = 0; round < rounds; round++) {
  const started = performance.now()
  for (let turn = 0; turn < 20; turn++) {
    for (let at = 0; at < BATCH; at++) {
      const head = readRequestHead(HEAD)
      if (!(head instanceof RequestHead)) throw head
      const client = new ClientDouble()
      handle(gateway, client, head)
      client.sink?.onBody(BODY)
      client.sink?.onBodyEnd()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  times.push(((performance.now() - started) * 1000) / (20 * BATCH))
}
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(2)
console.log(
  `request path, everything on: best ${at(0)} µs, median ${at(0.5)} µs (${gateway.exchanges.size} left in flight)`,
)
journal.close()
await accessLog.close()
rmSync(folder, { recursive: true })
