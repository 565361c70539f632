import type { ConfigDocument } from '../config/index.ts'
import { clearDeadSeat, routeSlotNeeds, viewCells } from '../core/index.ts'
import { routeLimitSlots } from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import { modelSlotNeeds } from './model-slots.ts'

/** What of a document needs shared memory. */
export type SlotDocument = Pick<ConfigDocument, 'routes' | 'upstreams' | 'providers' | 'models'>

/** First words of slots in shared memory, by name. */
export type SlotIndexes = Readonly<Record<string, number>>

/**
 * Slots that no plan names any more are kept this long: the pools of a plan that went look after their servers for a
 * while, and write there.
 */
const KEEP_MS = 60_000

export interface RouteSlotsOptions {
  readonly slots: SlotAllocator
  /** `SharedMemory.counters`. */
  readonly counters: SharedArrayBuffer
  /** How many workers there may be at one moment. */
  readonly seats: number
  readonly keepMs?: number
  /** A slot was given out that nobody has used. */
  readonly onFresh?: (name: string, index: number) => void
}

/**
 * The slots of shared memory in which workers agree on pools, routes and their limits. The same names give the same
 * slots, so that a reload forgets nothing. What no plan names any more is given back once no request can write there.
 */
export class RouteSlots {
  readonly #options: RouteSlotsOptions
  #inForce: SlotIndexes = {}
  readonly #prepared = new Set<SlotIndexes>()
  /** Names that a plan had, with the last epoch in which it may have been in use. */
  readonly #retired = new Map<string, { readonly epoch: number; readonly atMs: number }>()
  #quietEpoch = 0

  constructor(options: RouteSlotsOptions) {
    this.#options = options
  }

  /** Slots for the next plan, which `putInForce` or `discard` is told of. Throws, and holds none, when there is no room. */
  take(document: SlotDocument): SlotIndexes {
    const { slots, seats } = this.#options
    const fresh: string[] = []
    try {
      const taken = Object.fromEntries(
        slotNeeds(document, seats).map(({ name, cells }) => {
          const isFresh = slots.find(name) === null
          const index = slots.allocate(name, cells)
          if (isFresh) {
            fresh.push(name)
            this.#options.onFresh?.(name, index)
          }
          return [name, index]
        }),
      )
      this.#prepared.add(taken)
      return taken
    } catch (error) {
      for (const name of fresh) slots.release(name)
      throw error
    }
  }

  /** Slots of the plan in force. */
  get inForce(): SlotIndexes {
    return this.#inForce
  }

  /** The plan with these slots is in force from this epoch on. */
  putInForce(taken: SlotIndexes, epoch: number): void {
    const before = this.#inForce
    this.#inForce = taken
    this.#prepared.delete(taken)
    this.#retire(before, epoch)
  }

  /** The plan with these slots will never be in force; what workers made of it may still look after its servers. */
  discard(taken: SlotIndexes, epoch: number): void {
    this.#prepared.delete(taken)
    this.#retire(taken, epoch)
  }

  /** No running request began before this epoch. */
  quiet(epoch: number): void {
    this.#quietEpoch = epoch
    this.#release()
  }

  /** A worker has died: what it had in flight is over. */
  clearSeat(seat: number): void {
    clearDeadSeat(viewCells(this.#options.counters), this.#inForce, { number: seat, of: this.#options.seats })
  }

  #retire(taken: SlotIndexes, epoch: number): void {
    const names = Object.keys(taken).filter((name) => !this.#isUsed(name))
    if (names.length === 0) return
    const atMs = performance.now()
    for (const name of names) this.#retired.set(name, { epoch, atMs })
    setTimeout(() => this.#release(), this.#keepMs + 1).unref()
  }

  #release(): void {
    const dueMs = performance.now() - this.#keepMs
    for (const [name, { epoch, atMs }] of this.#retired) {
      if (this.#isUsed(name)) this.#retired.delete(name)
      else if (epoch <= this.#quietEpoch && atMs <= dueMs) {
        this.#retired.delete(name)
        this.#options.slots.release(name)
      }
    }
  }

  get #keepMs(): number {
    return this.#options.keepMs ?? KEEP_MS
  }

  #isUsed(name: string): boolean {
    return [this.#inForce, ...this.#prepared].some((taken) => Object.hasOwn(taken, name))
  }
}

/** Everything that routes, pools and models of a document need of shared memory. */
export function slotNeeds(document: SlotDocument, seats: number) {
  return [
    ...routeSlotNeeds(document, seats),
    ...document.routes.flatMap(routeLimitSlots),
    ...modelSlotNeeds(document, seats),
  ]
}
