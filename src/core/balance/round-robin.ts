import type { Available } from './available.ts'
import type { Policy } from './contract.ts'

/** One after the other, in the order of the pool. */
export class RoundRobin implements Policy {
  #next: number

  /** `start` is where this thread begins, from 0 to 1 of the pool: threads that begin alike would move in step. */
  constructor(targets: number, start: number) {
    this.#next = Math.floor(start * targets)
  }

  /** Walks on from the last pick, not through a list of the available: else a target's absence doubles its neighbour. */
  pick(available: Available): number {
    const { size } = available
    let position = this.#next
    while (!available.has(position)) position = position + 1 === size ? 0 : position + 1
    this.#next = position + 1 === size ? 0 : position + 1
    return position
  }
}
