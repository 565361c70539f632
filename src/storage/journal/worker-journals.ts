import type { SegmentName } from './format.ts'
import { WorkerJournal, workerKey } from './worker-journal.ts'

/** One start of a worker. */
interface Start {
  readonly startMs: number
  readonly worker: number
}

/** The journals of all workers that their one reader knows, in the order of their turn, and which of them nobody writes any more. */
export class WorkerJournals {
  readonly #journals = new Map<string, WorkerJournal>()
  readonly #dead = new Set<string>()
  #takenOver: { readonly known: ReadonlySet<string>; readonly nextWorker: number } | null = null

  /** The journal of a worker; begun when it is not known yet. */
  of(start: Start): WorkerJournal {
    const key = workerKey(start)
    let journal = this.#journals.get(key)
    if (journal === undefined) {
      journal = new WorkerJournal(start)
      this.#journals.set(key, journal)
    }
    return journal
  }

  /** All of them, the one whose turn it is first. */
  [Symbol.iterator](): IterableIterator<WorkerJournal> {
    return this.#journals.values()
  }

  /** Takes up segments of `directory`, each in its worker's journal. */
  adopt(directory: string, segments: readonly SegmentName[]): void {
    for (const ofOne of Map.groupBy(segments, workerKey).values()) {
      const first = ofOne[0]
      if (first !== undefined) this.of(first).adopt(directory, ofOne)
    }
    for (const key of this.#dead) if (!this.#journals.has(key)) this.#dead.delete(key)
    const { known, nextWorker } = this.#takenOver ?? { known: null, nextWorker: 0 }
    for (const { key, worker } of this) {
      if (known !== null && worker < nextWorker && !known.has(key)) this.#dead.add(key)
    }
  }

  /** The worker's thread has ended. */
  bury(start: Start): void {
    this.#dead.add(workerKey(start))
  }

  isDead(start: Start): boolean {
    return this.#dead.has(workerKey(start))
  }

  /** Their reader takes the place of another: workers that are older than `nextWorker` and not known are dead. */
  takeOver(known: readonly Start[], nextWorker: number): void {
    this.#takenOver = { known: new Set(known.map((start) => workerKey(start))), nextWorker }
  }

  /** Whether a request has an attempt that is open. */
  holds(requestId: string): boolean {
    for (const { fold } of this) if (fold.holds(requestId)) return true
    return false
  }

  /** Everything of the journal is done with. */
  remove(journal: WorkerJournal): void {
    this.#journals.delete(journal.key)
    this.#dead.delete(journal.key)
  }

  /** The first one's turn is the last: a busy worker must not keep the others waiting. */
  rotate(): void {
    const first = this.#journals.entries().next().value
    if (first === undefined) return
    this.#journals.delete(first[0])
    this.#journals.set(first[0], first[1])
  }

  /** Closes all files and forgets what was read; who is dead stays known. */
  close(): void {
    for (const journal of this) journal.close()
    this.#journals.clear()
  }
}
