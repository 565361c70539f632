import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { echoMessage } from './payload.ts'

/**
 * Load of WebSocket messages, a program of its own: every connection sends one message, waits for its echo, and sends
 * the next. Frames are made once and compared as bytes. Prints the summary that wrk's script prints.
 * Usage: `echo-load.ts URL CONNECTIONS SECONDS`.
 */
const run = async (url: URL, connections: number, seconds: number): Promise<void> => {
  const clients = await Promise.all(Array.from({ length: connections }, () => EchoClient.open(url)))
  const begin = performance.now()
  const until = begin + seconds * 1000
  await Promise.all(clients.map((client) => client.run(until)))
  const micros = (performance.now() - begin) * 1000
  const summary = {
    requests: counts.messages,
    micros: Math.round(micros),
    p50: percentile(0.5),
    p99: percentile(0.99),
    max: percentile(1),
    failures: counts.failures,
  }
  process.stdout.write(`summary ${JSON.stringify(summary)}\n`)
}

/** Messages by the time that their echo took, in steps of 10 µs up to a second. */
const stepMicros = 10
const times = new Uint32Array(1_000_000 / stepMicros + 1)
const counts = { messages: 0, failures: 0 }

const percentile = (share: number): number => {
  let left = Math.ceil(counts.messages * share)
  for (let step = 0; step < times.length; step += 1) {
    left -= times[step]!
    if (left <= 0) return step * stepMicros
  }
  return times.length * stepMicros
}

const mask = Buffer.from([0x5a, 0xc3, 0x17, 0x88])
const asked = Buffer.concat([
  Buffer.from([0x82, 0x80 | echoMessage.length]),
  mask,
  echoMessage.map((byte, index) => byte ^ mask[index & 3]!),
])
const expected = Buffer.concat([Buffer.from([0x82, echoMessage.length]), echoMessage])
const webSocketId = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** One connection; also used to see whether a variant answers as it should. */
export class EchoClient {
  readonly #socket: Socket
  #received = 0
  #sentAt = 0
  #until = 0
  #done: (() => void) | null = null
  /** It was closed early, or something other than the message came back. */
  failed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('close', () => {
      if (this.#done === null) return
      this.failed = true
      counts.failures += 1
      this.#done()
    })
  }

  /** Connects and upgrades; rejects when the server does not answer as RFC 6455 (4.2.2) asks. */
  static open(url: URL): Promise<EchoClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true })
      const key = randomBytes(16).toString('base64')
      let head = ''
      const onHead = (bytes: Buffer): void => {
        head += bytes.toString('latin1')
        if (!head.includes('\r\n\r\n')) return
        socket.off('data', onHead)
        const accept = createHash('sha1')
          .update(key + webSocketId)
          .digest('base64')
        const agreed = head.startsWith('HTTP/1.1 101 ') && head.includes(accept)
        if (agreed) resolve(new EchoClient(socket))
        else reject(new Error(`${url.href} did not upgrade: ${head}`))
      }
      socket.on('error', reject)
      socket.on('data', onHead)
      socket.write(
        `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
          `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
      )
    })
  }

  /** Sends and waits in turns until a moment of `performance.now()`, then closes. */
  run(until: number): Promise<void> {
    this.#until = until
    this.#send()
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  #send(): void {
    this.#received = 0
    this.#sentAt = performance.now()
    this.#socket.write(asked)
  }

  #onData(bytes: Buffer): void {
    const end = this.#received + bytes.length
    if (end > expected.length || bytes.compare(expected, this.#received, end) !== 0) {
      this.#socket.destroy()
      return
    }
    this.#received = end
    if (end < expected.length) return
    const now = performance.now()
    counts.messages += 1
    times[Math.min(times.length - 1, Math.round(((now - this.#sentAt) * 1000) / stepMicros))]! += 1
    if (now < this.#until) return this.#send()
    const done = this.#done
    this.#done = null
    this.#socket.destroy()
    done?.()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run(new URL(process.argv[2] ?? ''), Number(process.argv[3]), Number(process.argv[4]))
}
