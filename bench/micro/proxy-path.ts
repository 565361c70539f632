/**
 * What the gateway itself adds to a request of a generic route: the road from the text of a head to a settled record,
 * with everything on that a route has by default (balancer, breaker, retry budget, journal, metrics, access log),
 * without sockets. Prints the best and the median of many rounds in microseconds of one thread; the best is what noise
 * cannot hide.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentFrom } from '../../src/config/index.ts'
import { type AnswerText, answerText } from '../../src/core/http1/answer-text.ts'
import { KnownLines } from '../../src/core/http1/known-lines.ts'
import { RequestHead, readRequestHead } from '../../src/core/http1/request-head.ts'
import {
  compileRoutes,
  EMPTY_PLAN,
  Gateway,
  handle,
  type Plan,
  type ResponseHandler,
  type Transport,
  UpstreamPool,
  type UpstreamRequest,
  viewCells,
} from '../../src/core/index.ts'
import { readAnswerHead } from '../../src/core/upstream/answer-head.ts'
import { checkRequest } from '../../src/core/upstream/header-lines.ts'
import { createSettlement, NamelessRefusals } from '../../src/governance/index.ts'
import { monotonicUs } from '../../src/lib/index.ts'
import { AccessLog, createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../src/observability/index.ts'
import { JournalAppender } from '../../src/storage/index.ts'
import { ClientDouble } from '../../test/request-path/client-double.ts'

const BODY = Buffer.from('0123456789abcdef'.repeat(64))
const HEAD = [
  'GET /api/items/42?full=1 HTTP/1.1',
  'Host: 127.0.0.1:8080',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'Accept: application/json',
  'Accept-Encoding: gzip, br',
  'Cookie: session=0123456789abcdef',
].join('\r\n')
const ANSWER_HEAD = [
  'HTTP/1.1 200 OK',
  'Server: nginx/1.22.1',
  'Date: Sat, 21 Nov 2026 11:12:04 GMT',
  'Content-Type: application/json',
  `Content-Length: ${BODY.length}`,
  'Connection: keep-alive',
].join('\r\n')

const text: AnswerText = { lines: '', hasLength: false, length: -1 }
const nothing = () => undefined
const known = new KnownLines()
const knownOfAnswers = new KnownLines()
const controller = { pause: nothing, resume: nothing, abort: nothing }
const transport: Transport = {
  dispatch(request: UpstreamRequest, handler: ResponseHandler): boolean {
    checkRequest(request)
    handler.onRequestStart(controller, null)
    const { status, headers } = readAnswerHead(ANSWER_HEAD, request.method, knownOfAnswers)
    handler.onResponseStart(controller, status, headers)
    if (handler.onResponseLast === undefined) handler.onResponseData(controller, BODY)
    else handler.onResponseLast(controller, BODY)
    handler.onResponseEnd(controller, null)
    return true
  },
  close: async () => undefined,
}

const folder = mkdtempSync(join(tmpdir(), 'ferro-bench-'))
const journal = new JournalAppender({
  directory: folder,
  startMs: Date.now(),
  worker: 1,
  sync: 'interval',
  syncIntervalMs: 20,
  onWritten: nothing,
  onReservesWritten: nothing,
  onSegment: nothing,
})
const metrics = new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: nothing }))
const accessLog = new AccessLog({ output: join(folder, 'access.log'), level: 'info' })
const slots = new Map<string, number>()
let taken = 0
const shared = {
  cells: viewCells(new SharedArrayBuffer(65_536)),
  seat: { number: 0, of: 4 },
  indexOf({ name, cells }: { name: string; cells: number }): number {
    const known = slots.get(name) ?? taken
    if (!slots.has(name)) taken += cells
    slots.set(name, known)
    return known
  },
}
const now = () => monotonicUs() / 1_000
const document = await documentFrom({
  upstreams: { app: { targets: ['http://127.0.0.1:9'] } },
  routes: [{ id: 'app', match: { path: { prefix: '/' } }, upstream: 'app' }],
})
const pool = new UpstreamPool({
  name: 'app',
  targets: [{ id: 'http://127.0.0.1:9', weight: 1, transport }],
  shared,
  now,
  ejection: { failures: 5, baseMs: 30_000, maxMs: 300_000, maxShare: 0.5, statuses: new Set([502, 503, 504]) },
  health: null,
  policy: 'round_robin',
  keySource: null,
  panicBelow: 0,
  host: 'target',
  maxResponse: Number.POSITIVE_INFINITY,
  pendingMs: 10_000,
  onHealth: nothing,
})
const routes = await compileRoutes(document.routes, {
  shared,
  now,
  trusted: null,
  bodyLimit: document.limits.body,
  pool: () => pool,
  gates: () => [],
  settle: () => [createSettlement({ worker: 1, journal, accessLog, metrics, refusals: new NamelessRefusals(0) }, null)],
})
const plan: Plan = { ...EMPTY_PLAN, version: 1, routes }
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
      const head = readRequestHead(HEAD, undefined, known)
      if (!(head instanceof RequestHead)) throw head
      const client = new ClientDouble()
      handle(gateway, client, head)
      if (client.status !== 200) throw new Error(`status ${client.status}`)
      answerText(client.status, client.headers, text)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  times.push(((performance.now() - started) * 1000) / (20 * BATCH))
}
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(2)
console.log(`generic route: best ${at(0)} µs, median ${at(0.5)} µs (${gateway.exchanges.size} left in flight)`)
journal.close()
await accessLog.close()
rmSync(folder, { recursive: true })
