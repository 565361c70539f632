/**
 * A gateway with everything on (keys, limits, budgets, journal, metrics, access log) and without sockets, for measurements of what it adds
 * itself to a request: from the text of a head to a settled record.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileSurfaces, DemoUpstream, modelTraffic } from '../../src/ai/index.ts'
import { documentFrom } from '../../src/config/index.ts'
import { KnownLines } from '../../src/core/http1/known-lines.ts'
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
  type CounterDesk,
  createIdentify,
  createRateCheck,
  createReserve,
  createScopeCheck,
  createSettlement,
  Intents,
  intentRegionCells,
  KeyTable,
  levelCheck,
  limitsLeft,
  NamelessRefusals,
  SharedCounters,
  type ValueSource,
} from '../../src/governance/index.ts'
import { AccessLog, createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../src/observability/index.ts'
import { JournalAppender } from '../../src/storage/index.ts'
import { ClientDouble } from '../../test/request-path/client-double.ts'
import { tablesOf } from '../../test/request-path/served.ts'

const BODY = Buffer.from(
  '{"max_tokens":4,"messages":[{"content":"Return one word.","role":"user"}],"model":"gpt-4o","stream":false}',
)
const ANSWER = Buffer.from(
  '{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Mock response from FerroGateway benchmark server.","role":"assistant"}}],"created":1774300000,"id":"chatcmpl-abcdef01","model":"gpt-4o","object":"chat.completion","usage":{"completion_tokens":8,"prompt_tokens":10,"total_tokens":18}}\n',
)
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

/** All counters are known from the start. */
const VALUES: ValueSource = {
  ask() {
    throw new Error('a value that nobody made counters for')
  },
  use: nothing,
}

export interface Scene {
  readonly keys: KeyTable
  /** Shared memory of counters. */
  readonly cells: BigInt64Array
  /** Sends so many requests in one turn of the event loop; resolves when all of them are settled. `head`: of one of them. */
  turn(head: string, count: number): Promise<void>
  close(): Promise<void>
}

/** The head of a request of a key; more lines may follow those that all have. */
export function headOf(secret: string, more: readonly string[] = []): string {
  return [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: 127.0.0.1:8080',
    'Content-Type: application/json',
    `Authorization: Bearer ${secret}`,
    `Content-Length: ${BODY.length}`,
    ...more,
  ].join('\r\n')
}

export interface SceneOptions {
  /** Shared memory of counters. */
  readonly cells: BigInt64Array
  readonly desk: (intents: Intents) => CounterDesk
}

/** `counted`: absent: by this machine alone. */
export async function openScene(counted: SceneOptions | null = null): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-bench-'))
  const cells = counted?.cells ?? new BigInt64Array(new SharedArrayBuffer(65_536))
  const generations = new Int32Array(new SharedArrayBuffer(64))
  const intents = new Intents(new Float64Array(new SharedArrayBuffer(intentRegionCells(8192) * 8)), 8192)
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
  const desk = counted?.desk(intents) ?? new SharedCounters(cells, { intents })
  const keys = new KeyTable({ generations, pepper: 'pepper', catchUp: nothing })
  const document = await documentFrom({
    providers: { mock: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', api_key: 'mock-key-123' } },
    models: { 'gpt-4o': { targets: [{ provider: 'mock', model: 'gpt-4o', prices: { input: 2.5, output: 10 } }] } },
  })
  const settle = [
    createSettlement({ worker: 1, journal, accessLog, metrics, refusals: new NamelessRefusals(0), desk }, modelTraffic),
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
        admit: [levelCheck, createScopeCheck(scope), createRateCheck(desk)],
        reserve: createReserve({ desk, values: VALUES, journal, port: modelTraffic, accepting: () => true }),
        settle,
      }),
      models: { identify, admit: null, settle: null },
      unmatched: { settle: null },
      limitsLeft: (x) => limitsLeft(x, desk),
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

  const waiting: ClientDouble[] = []
  const known = new KnownLines()
  return {
    keys,
    cells,
    async turn(text, count) {
      for (let at = 0; at < count; at++) {
        const head = readRequestHead(text, undefined, known)
        if (!(head instanceof RequestHead)) throw head
        const client = new ClientDouble()
        handle(gateway, client, head)
        if (!sendBody(client)) waiting.push(client)
      }
      do {
        await new Promise((resolve) => setImmediate(resolve))
        // A gate has asked somebody, and the body is asked for only now.
        for (const client of waiting.splice(0)) if (!sendBody(client)) waiting.push(client)
      } while (gateway.exchanges.size > 0)
    },
    async close() {
      journal.close()
      await accessLog.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** False: nobody reads it yet. */
function sendBody(client: ClientDouble): boolean {
  if (client.sink === null) return client.ended
  client.sink.onBody(BODY)
  client.sink.onBodyEnd()
  return true
}
