import { bodyMemoryFull, type Exchange, type GatewayError } from '../../../core/index.ts'

/** What is held of a request's body, counted among the bodies that are in memory. */
export class HeldMemory {
  readonly #x: Exchange

  constructor(x: Exchange) {
    this.#x = x
  }

  /** So many bytes more are held; an error when all bodies together take more than they may. */
  take(bytes: number): GatewayError | null {
    const { gateway } = this.#x
    this.#x.bodyBytes += bytes
    gateway.bodyBytes += bytes
    return gateway.bodyBytes > gateway.limits.bodyMemoryBytes ? bodyMemoryFull() : null
  }

  /** So many bytes are held no longer. */
  give(bytes: number): void {
    // A request that has ended was counted out already.
    const counted = Math.min(bytes, this.#x.bodyBytes)
    this.#x.bodyBytes -= counted
    this.#x.gateway.bodyBytes -= counted
  }

  giveAll(): void {
    this.give(this.#x.bodyBytes)
  }
}
