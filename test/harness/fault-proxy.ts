import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { reset } from './reset.ts'

/** Direction of travel through the proxy. */
export type Direction = 'to-server' | 'to-client'

interface Leg {
  readonly from: Socket
  readonly to: Socket
  readonly direction: Direction
  /** What waits for its time, the oldest first. */
  readonly held: { readonly dueMs: number; readonly work: () => void }[]
}

/** A TCP proxy in front of one server on loopback that can delay, freeze, drop, cut and reset what passes. */
export class FaultProxy {
  /** Bytes passed on, by direction. */
  readonly passed: Record<Direction, number> = { 'to-server': 0, 'to-client': 0 }
  /** Connections accepted so far. */
  connections = 0
  readonly #server: Server
  readonly #legs = new Set<Leg>()
  readonly #dropped = new Set<Direction>()
  #delayMs = 0
  #frozen = false
  #refusing = false
  #budget: { direction: Direction; bytes: number; kind: 'fin' | 'rst' } | null = null

  private constructor(targetPort: number) {
    // Half-open on both sides, so that a FIN passes through in its own direction only.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.connections++
      if (this.#refusing) {
        reset(client)
        return
      }
      const server = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true, noDelay: true })
      this.#join({ from: client, to: server, direction: 'to-server', held: [] })
      this.#join({ from: server, to: client, direction: 'to-client', held: [] })
    })
  }

  /** Starts a proxy to this loopback port. */
  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  /** Port on the loopback address. */
  get port(): number {
    // A TCP server that listens has an AddressInfo; the type also covers pipes.
    return (this.#server.address() as AddressInfo).port
  }

  /** Holds every packet back for this long, in order; 0 ends it. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Passes nothing on and reads nothing, as if the cable were slow for ever; {@link thaw} goes on. */
  freeze(): void {
    this.#frozen = true
    for (const { from } of this.#legs) from.pause()
  }

  /** Ends {@link freeze}. */
  thaw(): void {
    this.#frozen = false
    for (const { from } of this.#legs) from.resume()
  }

  /** Reads and throws away what travels in this direction. */
  drop(direction: Direction): void {
    this.#dropped.add(direction)
  }

  /** Ends {@link drop} in both directions. */
  undrop(): void {
    this.#dropped.clear()
  }

  /** After `bytes` more bytes in this direction, ends that connection on both sides. Once. */
  cutAfter(bytes: number, direction: Direction, kind: 'fin' | 'rst' = 'rst'): void {
    this.#budget = { bytes, direction, kind }
  }

  /** Resets every open connection on both sides. */
  resetAll(): void {
    for (const { from } of this.#legs) reset(from)
  }

  /** Resets every new connection (`refuse`), or serves them again (`accept`). */
  setListening(state: 'refuse' | 'accept'): void {
    this.#refusing = state === 'refuse'
  }

  /** Closes everything. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    for (const { from } of this.#legs) from.destroy()
    await closed
  }

  #join(leg: Leg): void {
    const { from, to } = leg
    this.#legs.add(leg)
    if (this.#frozen) from.pause()
    from.on('data', (chunk: Buffer) => {
      this.#later(leg, () => {
        this.#pass(leg, chunk)
      })
    })
    from.on('end', () => {
      this.#later(leg, () => {
        to.end()
      })
    })
    from.on('error', () => {
      // What ends one side with an error ends the other with RST: that is what a proxy can know.
      reset(to)
    })
    from.on('close', () => {
      this.#legs.delete(leg)
      if (!to.destroyed && !from.readableEnded) to.destroy()
    })
  }

  /** In the order in which it came, also when the delay has changed meanwhile. */
  #later(leg: Leg, work: () => void): void {
    if (this.#delayMs === 0 && leg.held.length === 0) return work()
    leg.held.push({ dueMs: performance.now() + this.#delayMs, work })
    if (leg.held.length === 1) this.#wait(leg)
  }

  #wait(leg: Leg): void {
    const [first] = leg.held
    if (first === undefined) return
    setTimeout(
      () => {
        leg.held.shift()
        first.work()
        this.#wait(leg)
      },
      Math.max(0, first.dueMs - performance.now()),
    )
  }

  #pass({ from, to, direction }: Leg, chunk: Buffer): void {
    if (this.#dropped.has(direction) || to.destroyed || to.writableEnded) return
    const budget = this.#budget?.direction === direction ? this.#budget : null
    const part = budget ? chunk.subarray(0, budget.bytes) : chunk
    this.passed[direction] += part.length
    const room = to.write(part)
    if (budget) {
      budget.bytes -= part.length
      if (budget.bytes <= 0) {
        this.#budget = null
        this.#cut(from, to, budget.kind)
        return
      }
    }
    if (room || this.#delayMs > 0) return
    from.pause()
    to.once('drain', () => {
      if (!this.#frozen) from.resume()
    })
  }

  #cut(from: Socket, to: Socket, kind: 'fin' | 'rst'): void {
    // The callback runs when the last bytes are with the kernel: the receiver gets what the budget allowed.
    to.write('', () => {
      if (kind === 'fin') {
        to.end()
        from.destroy()
      } else {
        reset(to)
        reset(from)
      }
    })
  }
}
