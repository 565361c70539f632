import { UnreadThing } from '../../ai/index.ts'
import type { ConfigDocument } from '../../config/index.ts'
import { beginOwnRequest, type Gateway } from '../../core/index.ts'
import type { KeyTable } from '../../governance/index.ts'
import type { DueThing, UsageClaimsPort } from '../../storage/index.ts'

/** At once, in one worker. */
const MOST_LOOKS = 4
const SHORTEST_WAIT_MS = 250
const LONGEST_WAIT_MS = 30_000
/** Between two questions for more, while there is more. */
const NEXT_MS = 50

export interface UnreadLooksOptions {
  readonly gateway: Gateway
  readonly keys: KeyTable
  readonly due: UsageClaimsPort['due']
  readonly document: () => Pick<ConfigDocument, 'unread_usage'>
}

/**
 * Looks at batches and background answers that no client reads to their end, so that what they used is charged. What is due
 * stands in the database; each worker takes a few at a time, and what it took and did not finish is due again later.
 */
export class UnreadLooks {
  readonly #options: UnreadLooksOptions
  #timer: NodeJS.Timeout | null = null
  #running = 0
  #stopped = false

  constructor(options: UnreadLooksOptions) {
    this.#options = options
  }

  start(): void {
    this.#wait(null)
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** `ms`: null for as long as it takes until something may be due. */
  #wait(ms: number | null): void {
    if (this.#stopped) return
    const usual = this.#options.document().unread_usage.first_look / 2
    const wait = ms ?? Math.max(SHORTEST_WAIT_MS, Math.min(LONGEST_WAIT_MS, usual))
    this.#timer = setTimeout(() => void this.#pass(), wait).unref()
  }

  async #pass(): Promise<void> {
    const { due, document, gateway } = this.#options
    const room = MOST_LOOKS - this.#running
    const { first_look: firstMs, longest_pause: longestMs } = document().unread_usage
    let found: readonly DueThing[] = []
    if (room > 0 && gateway.plan.own !== undefined && gateway.loadLevel === 0) {
      // A store that does not answer is asked again.
      found = await due(room, { firstMs, longestMs }).catch(() => [])
    }
    for (const thing of this.#stopped ? [] : found) this.#look(thing)
    this.#wait(room > 0 && found.length === room ? NEXT_MS : null)
  }

  #look(due: DueThing): void {
    const { gateway, keys } = this.#options
    const { own } = gateway.plan
    if (own === undefined || own === null) return
    this.#running++
    const ended = () => {
      this.#running--
    }
    const route = { ...own, settle: [...(own.settle ?? []), ended] }
    const path = `/unread/${encodeURIComponent(due.thing)}`
    beginOwnRequest(gateway, { route, principal: keys.get(due.keyId), path, surface: new UnreadThing(due) })
  }
}
