/**
 * What a served file costs this process: processor time of all its threads (libuv's, which read, among them) per
 * request, over real connections with keep-alive. The client is another process. Not a throughput: that is `npm run bench`.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gateway, Listener, type Route } from '../../src/core/index.ts'
import { answer } from '../../src/core/respond/answer.ts'
import { createEncodeGate } from '../../src/core/serve/encode.ts'
import { createFileHandler } from '../../src/core/serve/files.ts'
import { planOf, routeOf } from '../../test/request-path/edge.ts'

const CONNECTIONS = 16
const ROUNDS = 5

/** In the other process: so many requests over so many connections, each asked when the one before is answered. */
async function load(port: number, request: string, count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      await new Promise<void>((done, fail) => {
        let waiting = -1
        const ask = () => {
          if (left-- <= 0) {
            socket.destroy()
            return done()
          }
          waiting = -1
          socket.write(request)
        }
        socket.on('error', fail)
        socket.on('data', (bytes: Buffer) => {
          let rest = bytes.length
          if (waiting < 0) {
            const end = bytes.indexOf('\r\n\r\n')
            const length = /content-length: (\d+)/.exec(bytes.toString('latin1', 0, end))?.[1]
            if (end < 0 || length === undefined) return fail(new Error('a head in pieces, or without a length'))
            waiting = Number(length)
            rest -= end + 4
          }
          waiting -= rest
          if (waiting === 0) ask()
        })
        ask()
      })
    }),
  )
}

const [role, port, request, count] = process.argv.slice(2)
if (role === 'client') {
  await load(Number(port), request ?? '', Number(count))
  process.exit(0)
}

const root = mkdtempSync(join(tmpdir(), 'ferro-bench-'))
writeFileSync(join(root, 'small.bin'), randomBytes(1_024))
writeFileSync(join(root, 'small.txt'), randomBytes(512).toString('hex'))
writeFileSync(join(root, 'large.bin'), randomBytes(1_048_576))
writeFileSync(join(root, 'page.html'), '<p>The same words again.</p>\n'.repeat(350))
const files = createFileHandler({ root, index: ['index.html'], hidden: 'refuse', precompressed: true })
const body = randomBytes(1_024)
const routes: Record<string, Route> = {
  '/memory': routeOf({
    inspect: (x) => {
      answer(x, 200, 'application/octet-stream', body)
      return null
    },
  }),
  '/page.html': routeOf({
    inspect: files,
    admit: [createEncodeGate({ algorithms: ['gzip'], minimum: 1_024, types: ['text/*'] })],
  }),
}
const served = routeOf({ inspect: files })
for (const name of ['/small.bin', '/small.txt', '/large.bin']) routes[name] = served
const plan = planOf(Object.fromEntries(Object.entries(routes).map(([path, route]) => [path, { GET: route }])))
const gateway = new Gateway({
  plan,
  limits: { bodyIdleMs: 30_000, bodyMemoryBytes: 1e9 },
  onFault: (error) => {
    throw error
  },
})
const listener = new Listener(gateway, {
  host: '127.0.0.1',
  port: 0,
  reusePort: false,
  maxConnections: 1_000,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 30_000,
  answerIdleMs: 60_000,
})
const listening = await listener.listen()

async function measure(name: string, lines: string, requests: number): Promise<void> {
  let best = Number.POSITIVE_INFINITY
  let perSecond = 0
  for (let round = 0; round < ROUNDS; round++) {
    const asked = `GET ${lines}\r\n\r\n`
    const before = process.cpuUsage()
    const started = performance.now()
    const child = spawn(process.execPath, [import.meta.filename, 'client', `${listening}`, asked, `${requests}`], {
      stdio: 'inherit',
    })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`the client failed on ${name}`)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / requests)
    perSecond = Math.max(perSecond, (requests * 1000) / (performance.now() - started))
  }
  console.log(`${name.padEnd(56)} ${best.toFixed(1).padStart(8)} µs   (${perSecond.toFixed(0)} a second)`)
}

const rest = 'HTTP/1.1\r\nhost: a'
await measure('1 KiB from memory, for comparison', `/memory ${rest}`, 20_000)
await measure('1 KiB file', `/small.bin ${rest}`, 10_000)
await measure(
  '1 KiB file, three compressed ones looked for',
  `/small.txt ${rest}\r\naccept-encoding: gzip, br, zstd`,
  10_000,
)
await measure('1 MiB file', `/large.bin ${rest}`, 500)
await measure('10 KiB page, compressed on the way (gzip)', `/page.html ${rest}\r\naccept-encoding: gzip`, 5_000)
listener.destroy()
gateway.deadlines.stop()
rmSync(root, { recursive: true })
