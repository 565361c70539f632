import type { MessagePort } from 'node:worker_threads'
import type { ChangedElsewhere, LedgerWriter } from '../../storage/index.ts'

/** Looked for without a notice, for one that was lost with its connection. */
const LOOK_EVERY_MS = 1_000
/** Pauses while the database does not answer: the thread has other things to do than to wait for it. */
const LONGEST_PAUSE_MS = 10_000

/** Keys and levels that another program on the same database has made or changed, told to control. */
export interface KeysChanged extends ChangedElsewhere {
  readonly kind: 'keys-changed'
}

/** Tells control of keys and levels that other programs change: at once when the database gives notice, and within a second in any case. */
export class KeyWatch {
  readonly #control: MessagePort
  #writer: LedgerWriter | null = null
  #timer: NodeJS.Timeout | null = null
  #pauseMs = LOOK_EVERY_MS

  constructor(control: MessagePort) {
    this.#control = control
  }

  start(writer: LedgerWriter): void {
    this.#writer = writer
    this.look()
  }

  stop(): void {
    this.#writer = null
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  look(): void {
    if (this.#writer === null) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    try {
      const changed = this.#writer.changedElsewhere()
      this.#pauseMs = LOOK_EVERY_MS
      const news: KeysChanged = { kind: 'keys-changed', ...changed }
      if (changed.keys.length + changed.levels.length > 0) this.#control.postMessage(news)
    } catch {
      // The ingest says that the database does not answer; versions go on where they were.
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
    }
    this.#timer = setTimeout(() => this.look(), this.#pauseMs)
  }
}
