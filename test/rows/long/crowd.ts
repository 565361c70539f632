/*
 * What a crowd of clients does, in a thread of its own, so that it takes no time from who measures. `workerData` says which
 * part to play; what came of it is the message that the thread ends with.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'

export interface Asking {
  readonly part: 'ask'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly everyMs: number
  readonly forMs: number
}

export interface Asked {
  readonly p50: number
  readonly p99: number
  readonly count: number
  /** How many answers had each status; 0: there was none. */
  readonly statuses: Readonly<Record<number, number>>
}

export interface Writing {
  readonly part: 'write'
  readonly port: number
  readonly count: number
  /** Connections that are begun in a second. */
  readonly rate: number
  /** Sent by each; `drip` follows every `everyMs`, when it is given. */
  readonly bytes: string
  readonly drip?: string
  readonly everyMs?: number
  /** Whether answers are read. */
  readonly reads: boolean
  /** Connections that are still open after so long are closed. */
  readonly forMs: number
}

export interface Wrote {
  /** How long each connection stood, ascending; those that were still open are not among them. */
  readonly stoodMs: readonly number[]
  readonly open: number
  /** First lines of what was answered, with how often each came. */
  readonly answers: Readonly<Record<string, number>>
}

/** Plays one part in a thread of its own. */
export function play(part: Asking): Promise<Asked>
export function play(part: Writing): Promise<Wrote>
export function play(part: Asking | Writing): Promise<Asked | Wrote> {
  const worker = new Worker(new URL(import.meta.url), { workerData: part })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

async function askAll({ url, headers = {}, everyMs, forMs }: Asking): Promise<Asked> {
  const times: number[] = []
  const statuses: Record<number, number> = {}
  // The first request of a thread loads what the next ones have.
  for (let at = 0; at < 20; at++) await (await fetch(url, { headers })).arrayBuffer()
  const end = performance.now() + forMs
  const asked: Promise<void>[] = []
  const one = async () => {
    const began = performance.now()
    let status = 0
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) })
      await answer.arrayBuffer()
      status = answer.status
    } catch {
      // None came: that is counted as status 0.
    }
    times.push(performance.now() - began)
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  while (performance.now() < end) {
    asked.push(one())
    await delay(everyMs)
  }
  await Promise.all(asked)
  times.sort((a, b) => a - b)
  const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10
  return { p50: at(0.5), p99: at(0.99), count: times.length, statuses }
}

async function writeAll(part: Writing): Promise<Wrote> {
  const { port, count, rate, bytes, drip, everyMs = 1_000, reads, forMs } = part
  const stoodMs: number[] = []
  const answers: Record<string, number> = {}
  const open = new Set<Socket>()
  const began = performance.now()
  const one = () => {
    const from = performance.now()
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes, 'latin1')
    })
    open.add(socket)
    let line = ''
    const timer = drip === undefined ? undefined : setInterval(() => socket.write(drip, 'latin1'), everyMs)
    if (reads) {
      socket.on('data', (chunk) => {
        if (line === '') line = chunk.toString('latin1').split('\r\n')[0] ?? ''
      })
    } else socket.pause()
    socket.on('error', () => undefined) // the end is told by `close` as well
    socket.on('close', () => {
      clearInterval(timer)
      if (open.delete(socket)) stoodMs.push(performance.now() - from)
      if (line !== '') answers[line] = (answers[line] ?? 0) + 1
    })
  }
  for (let at = 0; at < count; at++) {
    const due = began + (at / rate) * 1_000
    if (due > performance.now()) await delay(due - performance.now())
    one()
  }
  while (open.size > 0 && performance.now() - began < forMs) await delay(50)
  const left = open.size
  for (const socket of [...open]) {
    open.delete(socket)
    socket.destroy()
  }
  return { stoodMs: stoodMs.sort((a, b) => a - b), open: left, answers }
}

const part = workerData as Asking | Writing | null // what `play` gave
if (parentPort !== null && (part?.part === 'ask' || part?.part === 'write')) {
  parentPort.postMessage(part.part === 'ask' ? await askAll(part) : await writeAll(part))
}
